/* driver.h - the host of tests/hosts/driver.c: its instances of the plugin, what
 * they may call, and how messages are submitted and their answers counted. */
#ifndef TESTS_DRIVER_H
#define TESTS_DRIVER_H

#include "crm_plugin.h"

#include "disk.h"
#include "faults.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { INSTANCES = 4, KEYS = 16, FIELDS = 24, THREADS = 64, IDS = 1 << 23 };

struct instance {
	struct crm_host host;
	struct crm_plugin *plugin;
	char *keys[KEYS]; /* "name=value" */
	int key_count;
	atomic_long accepted, answered, twice, refused;
	atomic_long statuses[CRM_FAILED + 1];
	pthread_t flood[THREADS];
	int flooding;
	struct work *work;
	atomic_bool quiet; /* answers are counted, not printed */
};

struct request {
	char *account, *agent, *path, *body;
	int64_t sent_at;
};

struct work {
	struct instance *instance;
	struct request *requests;
	size_t count, repeat;
	long pause_us; /* after each submit() */
	bool endless;
	const char *ok_path; /* of an endless one; owned */
	atomic_bool *ok;     /* whether each was answered OK; owned */
	atomic_size_t next;
	atomic_long slowest_ns; /* submit() */
};

static const char *plugin_path;
static void *plugin_file;
static const struct crm_entry *entry;
static struct instance instances[INSTANCES];
static atomic_ullong next_id = 1;
static atomic_uchar answers[IDS]; /* how often each id was answered */
static uint64_t sent_ns[IDS];
static atomic_bool *ok_of[IDS];  /* to be set when it is answered OK */
static uint32_t submit_ns[IDS];  /* how long submit() took */
static uint32_t waited_ns[IDS];  /* the same where it gave the processor up */
static uint32_t own_ns[IDS];     /* the same, or else the processor's time */
static uint64_t first_timed = 1; /* the first id of the next `times` */
static atomic_long deaf;         /* posts still to be answered BUSY */
static atomic_bool mute;         /* posts are unsupported */
static const char *const status_names[] = {
    "OK",       "BAD_REQUEST", "BUSY",  "TIMEOUT",
    "STOPPING", "UNSUPPORTED", "FAILED"};

static uint64_t read_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

static pthread_mutex_t speaking = PTHREAD_MUTEX_INITIALIZER;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
	va_list args;
	sigset_t before;

	faults_hold_signals(&before);
	pthread_mutex_lock(&speaking);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	fflush(stdout);
	pthread_mutex_unlock(&speaking);
	faults_release_signals(&before);
}

/* ------------------------------------------------- what the plugin calls */

static void host_log(const struct crm_host *host, enum crm_level level,
		     const char *line)
{
	static const char *const names[] = {"DEBUG", "INFO", "WARN", "ERROR"};

	(void)host;
	say("log %s %s", names[level], line);
}

static ptrdiff_t host_config(const struct crm_host *host, const char *key,
			     char *buf, size_t cap)
{
	const struct instance *instance = host->host_data;
	size_t len = strlen(key);

	for (int i = 0; i < instance->key_count; i++) {
		const char *pair = instance->keys[i];

		if (strncmp(pair, key, len) == 0 && pair[len] == '=')
			return snprintf(buf, cap, "%s", pair + len + 1);
	}
	return -1;
}

static void host_complete(const struct crm_host *host, uint64_t id,
			  enum crm_status status, const char *body,
			  size_t body_len)
{
	struct instance *instance = host->host_data;
	uint64_t ms = (now_ns() - sent_ns[id]) / 1000000;

	if (!atomic_load(&instance->quiet))
		say("answer %llu %s %llu %.*s", (unsigned long long)id,
		    status_names[status], (unsigned long long)ms, (int)body_len,
		    body);
	if (atomic_fetch_add(&answers[id], 1) > 0)
		atomic_fetch_add(&instance->twice, 1);
	if (status == CRM_OK && ok_of[id])
		atomic_store(ok_of[id], true);
	atomic_fetch_add(&instance->statuses[status], 1);
	atomic_fetch_add(&instance->answered, 1);
}

static enum crm_status host_post(const struct crm_host *host,
				 const char *account, const char *agent,
				 const char *body, size_t body_len)
{
	(void)host;
	if (atomic_load(&mute))
		return CRM_UNSUPPORTED;
	if (atomic_fetch_sub(&deaf, 1) > 0)
		return CRM_BUSY;
	say("post %s %s %.*s", account, agent, (int)body_len, body);
	return CRM_OK;
}

static const void *host_extension(const struct crm_host *host, const char *id)
{
	(void)host;
	(void)id;
	return NULL;
}

/* ------------------------------------------------------------ submitting */

static char *copy(const char *text, size_t len)
{
	char *bytes = malloc(len + 1);

	memcpy(bytes, text, len);
	bytes[len] = '\0';
	return bytes;
}

static void spoil(char *bytes, size_t len)
{
	memset(bytes, '#', len);
	free(bytes);
}

static long waits_of_thread(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw;
}

static enum crm_status submit_one(struct instance *instance,
				  const struct request *request,
				  atomic_bool *ok, uint64_t *id, long *took_ns)
{
	size_t len = strlen(request->body);
	char *body = copy(request->body, len);
	char *account = copy(request->account, strlen(request->account));
	char *agent = copy(request->agent, strlen(request->agent));
	char *path = copy(request->path, strlen(request->path));
	long waits = waits_of_thread();
	uint64_t worked = read_ns(CLOCK_THREAD_CPUTIME_ID);
	uint64_t start = now_ns();

	*id = atomic_fetch_add(&next_id, 1);
	if (*id >= IDS) {
		say("error: out of ids");
		exit(2);
	}
	sent_ns[*id] = start;
	ok_of[*id] = ok;
	/* Counted first: the answer may come before submit() returns. */
	atomic_fetch_add(&instance->accepted, 1);
	enum crm_status status = instance->plugin->submit(
	    instance->plugin,
	    &(struct crm_request){.id = *id,
				  .deadline_ns = start + 30000000000,
				  .sent_at_ms = request->sent_at,
				  .account = account,
				  .agent = agent,
				  .path = path,
				  .body = body,
				  .body_len = len});
	*took_ns = (long)(now_ns() - start);
	worked = read_ns(CLOCK_THREAD_CPUTIME_ID) - worked;
	submit_ns[*id] =
	    *took_ns < UINT32_MAX ? (uint32_t)*took_ns : UINT32_MAX;
	own_ns[*id] = (uint32_t)worked;
	if (waits_of_thread() != waits)
		own_ns[*id] = waited_ns[*id] = submit_ns[*id];
	if (status != CRM_OK) {
		atomic_fetch_sub(&instance->accepted, 1);
		atomic_fetch_add(&instance->refused, 1);
	}
	spoil(body, len);
	spoil(account, strlen(request->account));
	spoil(agent, strlen(request->agent));
	spoil(path, strlen(request->path));
	return status;
}

static bool wait_answers(struct instance *instance, unsigned seconds)
{
	uint64_t end = now_ns() + seconds * UINT64_C(1000000000);

	while (atomic_load(&instance->answered) <
	       atomic_load(&instance->accepted)) {
		if (now_ns() > end)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return true;
}

static void *work_run(void *argument)
{
	struct work *work = argument;
	size_t all = work->count * work->repeat;

	for (;;) {
		size_t i = atomic_fetch_add(&work->next, 1);
		uint64_t id;
		long took;

		if (!work->endless && i >= all)
			return NULL;
		enum crm_status status = submit_one(
		    work->instance, &work->requests[i % work->count],
		    work->ok ? &work->ok[i % work->count] : NULL, &id, &took);
		long slowest = atomic_load(&work->slowest_ns);
		while (took > slowest && !atomic_compare_exchange_weak(
					     &work->slowest_ns, &slowest, took))
			;
		if (work->endless && status == CRM_STOPPING)
			return NULL;
		long pause_us = work->pause_us;
		if (status == CRM_BUSY && pause_us == 0)
			pause_us = 100; /* let others run */
		if (pause_us > 0)
			nanosleep(
			    &(struct timespec){.tv_nsec = pause_us * 1000},
			    NULL);
	}
}

#endif
