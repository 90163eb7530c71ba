/* driver - a host for the tests: loads one plugin file by the bare ABI and does
 * what stdin says, one command a line, fields separated by tabs. What happens
 * goes to stdout, one line each. It is not an example of a good host.
 *
 *   create KEY=VALUE...        -> created N | refused WHY
 *   use N                         of the instances created, the one meant below
 *   start                      -> started STATUS
 *   submit ACCOUNT AGENT PATH SENT_AT BODY
 *                              -> accepted ID | refused STATUS, and some time
 *                                 answer ID STATUS MS BODY
 *   burst THREADS REPEAT FILE PAUSE_US
 *                                 submits the lines of the file (the fields of
 *                                 submit), each so often, from so many threads,
 *                                 with a pause after each; waits for all answers
 *                              -> burst KEY=VALUE...
 *   flood THREADS FILE            the same without end, until stop, which
 *                                 writes the numbers of the lines that were
 *                                 answered OK into FILE.ok
 *                              -> flooding
 *   times [ID]                    how long submit() took since the last `times`,
 *                                 or from that request on
 *                              -> times next=ID count=N p50_us=F p999_us=F
 *                                 max_us=F
 *                                 waits=N waited_p999_us=F: of those that gave
 *                                 the processor up by themselves;
 *                                 own_p999_us=F own_max_us=F: theirs, and of
 *                                 others what they worked. Being put aside on
 *                                 a busy machine is no waiting
 *   settle                        waits until everything accepted is answered
 *                              -> settled
 *   deaf N                     -> deaf; the next N posts are answered BUSY
 *   stop MS                    -> stopped STATUS MS, tally KEY=VALUE...
 *   destroy                    -> destroyed
 *   reload                        unloads the plugin file and loads it again
 *                              -> reloaded
 *   health | options | service -> health JSON ...
 * And, of faults.h:
 *   wall UNIX_MS               -> wall; what the wall clock shows from now on
 *   fail_thread N              -> failing; the Nth thread made cannot be
 *   names HOW                  -> names; looking one up hangs (`hang`) or not
 *   signals US                 -> signals COUNT, so far; handles signals, and
 *                                 has one every US microseconds (0: none)
 *   fork HOW                      a child that ends by `exit`, `_exit`, or by
 *                                 ending the plugin (`end`), waited for
 *                              -> forked STATUS
 *   fork serve IN OUT             a child that obeys commands from and answers
 *                                 to these named pipes
 *                              -> forked PID
 *   reap PID                      waits for the end of such a child
 *                              -> reaped STATUS
 * And, of disk.h: disk WHAT N    -> disk N
 *   die N                         the Nth call from now that changes something,
 *                                 on the disk or at the server, is the last
 *   calls                      -> how many there were since
 *   grow N, quota N               files may grow by N bytes from now (-1: any)
 *   fail_write N, fail_sync N     the next N of files fail (-1: all)
 *   touched                    -> how often since the last asking a file was
 *                                 written or synced after that failed
 *   read_only 0|1, user UID       what it looks like (-1: as it is)
 *
 * The plugin's log lines come as: log LEVEL LINE. What it posts to agents as:
 * post ACCOUNT AGENT BODY. Memory passed to the plugin
 * is overwritten after each call, so that a kept pointer shows. */
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

/* -------------------------------------------------------------- commands */

static int split(char *line, char **fields, int max)
{
	int count = 0;

	while (count < max) {
		fields[count++] = line;
		line = count < max ? strchr(line, '\t') : NULL;
		if (!line)
			break;
		*line++ = '\0';
	}
	return count;
}

static bool parse_request(char *line, struct request *request)
{
	char *fields[5];

	if (split(line, fields, 5) != 5)
		return false;
	*request = (struct request){.account = fields[0],
				    .agent = fields[1],
				    .path = fields[2],
				    .sent_at = strtoll(fields[3], NULL, 10),
				    .body = fields[4]};
	return true;
}

static struct work *read_work(struct instance *instance, const char *path)
{
	FILE *file = fopen(path, "r");
	struct work *work = calloc(1, sizeof(*work));
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (!file) {
		say("error: cannot open %s", path);
		exit(2);
	}
	work->instance = instance;
	while ((len = getline(&line, &cap, file)) > 0) {
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		work->requests = realloc(
		    work->requests, (work->count + 1) * sizeof(struct request));
		if (!parse_request(copy(line, (size_t)len),
				   &work->requests[work->count++])) {
			say("error: bad line in %s", path);
			exit(2);
		}
	}
	free(line);
	fclose(file);
	return work;
}

/* A request's fields lie in one piece that begins with the account. */
static void free_work(struct work *work)
{
	for (size_t i = 0; i < work->count; i++)
		free(work->requests[i].account);
	free(work->requests);
	free(work->ok);
	free((char *)work->ok_path);
	free(work);
}

static void do_create(int count, char **fields)
{
	char why[512] = "";
	int n = 0;

	while (n < INSTANCES && instances[n].plugin)
		n++;
	if (n == INSTANCES) {
		say("error: too many instances");
		exit(2);
	}
	struct instance *instance = &instances[n];
	for (int i = 0; i < instance->key_count; i++)
		free(instance->keys[i]);
	memset(instance, 0, sizeof(*instance));
	for (int i = 1; i < count && instance->key_count < KEYS; i++)
		instance->keys[instance->key_count++] =
		    copy(fields[i], strlen(fields[i]));
	instance->host = (struct crm_host){.size = sizeof(struct crm_host),
					   .abi_major = CRM_ABI_MAJOR,
					   .abi_minor = CRM_ABI_MINOR,
					   .host_data = instance,
					   .name = "driver",
					   .version = "1",
					   .log = host_log,
					   .config = host_config,
					   .complete = host_complete,
					   .post = host_post,
					   .extension = host_extension};
	instance->plugin = entry->create(&instance->host, why, sizeof(why));
	if (instance->plugin)
		say("created %d", n);
	else
		say("refused %s", why);
}

static void do_submit(struct instance *instance, char *line)
{
	struct request request;
	uint64_t id;
	long took;

	if (!parse_request(line, &request)) {
		say("error: bad submit");
		return;
	}
	enum crm_status status =
	    submit_one(instance, &request, NULL, &id, &took);
	if (status == CRM_OK)
		say("accepted %llu", (unsigned long long)id);
	else
		say("refused %s", status_names[status]);
}

static void do_burst(struct instance *instance, int threads, size_t repeat,
		     const char *path, long pause_us)
{
	struct work *work = read_work(instance, path);
	pthread_t thread[THREADS];
	long before[CRM_FAILED + 1];
	long refused = atomic_load(&instance->refused);
	uint64_t start;
	bool all;

	for (int i = 0; i <= CRM_FAILED; i++)
		before[i] = atomic_load(&instance->statuses[i]);
	work->repeat = repeat;
	work->pause_us = pause_us;
	atomic_store(&instance->quiet, true);
	start = now_ns();
	for (int i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, work_run, work);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	all = wait_answers(instance, 120);
	uint64_t ms = (now_ns() - start) / 1000000;
	atomic_store(&instance->quiet, false);

	pthread_mutex_lock(&speaking);
	printf("burst all=%d refused=%ld ms=%llu slowest_submit_us=%ld",
	       all ? 1 : 0, atomic_load(&instance->refused) - refused,
	       (unsigned long long)ms, atomic_load(&work->slowest_ns) / 1000);
	for (int i = 0; i <= CRM_FAILED; i++)
		printf(" %s=%ld", status_names[i],
		       atomic_load(&instance->statuses[i]) - before[i]);
	printf("\n");
	fflush(stdout);
	pthread_mutex_unlock(&speaking);
	free_work(work);
}

static void do_flood(struct instance *instance, int threads, const char *path)
{
	instance->work = read_work(instance, path);
	instance->work->endless = true;
	instance->work->ok =
	    calloc(instance->work->count + 1, sizeof(atomic_bool));
	instance->work->ok_path = strdup(path);
	instance->flooding = threads;
	atomic_store(&instance->quiet, true);
	for (int i = 0; i < threads; i++)
		pthread_create(&instance->flood[i], NULL, work_run,
			       instance->work);
	say("flooding");
}

static void write_ok(const struct work *work)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s.ok", work->ok_path);
	file = fopen(path, "w");
	for (size_t i = 0; file && i < work->count; i++)
		if (atomic_load(&work->ok[i]))
			fprintf(file, "%zu\n", i);
	if (!file || fclose(file) != 0)
		say("error: cannot write %s", path);
}

static void do_stop(struct instance *instance, long ms)
{
	uint64_t start = now_ns();
	uint64_t deadline =
	    ms < 0 ? UINT64_MAX : start + (uint64_t)ms * 1000000;
	enum crm_status status =
	    instance->plugin->stop(instance->plugin, deadline);

	say("stopped %s %llu", status_names[status],
	    (unsigned long long)((now_ns() - start) / 1000000));
	long answered = atomic_load(&instance->answered);
	for (int i = 0; i < instance->flooding; i++)
		pthread_join(instance->flood[i], NULL);
	atomic_store(&instance->quiet, false);
	if (instance->work)
		write_ok(instance->work);
	pthread_mutex_lock(&speaking);
	printf("tally accepted=%ld answered=%ld twice=%ld late=%ld",
	       atomic_load(&instance->accepted),
	       atomic_load(&instance->answered), atomic_load(&instance->twice),
	       atomic_load(&instance->answered) - answered);
	for (int i = 0; i <= CRM_FAILED; i++)
		printf(" %s=%ld", status_names[i],
		       atomic_load(&instance->statuses[i]));
	printf("\n");
	fflush(stdout);
	pthread_mutex_unlock(&speaking);
	if (instance->work)
		free_work(instance->work);
	instance->work = NULL;
	instance->flooding = 0;
}

static bool load(void)
{
	plugin_file = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
	if (!plugin_file) {
		say("error: %s", dlerror());
		return false;
	}
	entry = dlsym(plugin_file, "crm_entry");
	if (entry && entry->magic == CRM_MAGIC)
		return true;
	say("error: no plugin");
	return false;
}

static void do_reload(void)
{
	dlclose(plugin_file);
	if (!load())
		exit(2);
	say("reloaded");
}

static void do_signals(long us)
{
	faults_handle_signals();
	faults_set_timer(us);
	say("signals %lu", atomic_load(&signals_seen));
}

/* What a host that does not know of forks does in the child. */
static void end_child(struct instance *instance, const char *how)
{
	if (strcmp(how, "_exit") == 0)
		_exit(0);
	if (strcmp(how, "end") == 0) {
		instance->plugin->stop(instance->plugin, now_ns() + 1000000000);
		instance->plugin->destroy(instance->plugin);
	}
	exit(0);
}

static void do_fork(struct instance *instance, int count, char **fields)
{
	bool serves = count == 4;
	pid_t child = faults_fork();

	if (child < 0) {
		say("error: cannot fork");
	} else if (child > 0) {
		say("forked %d", serves ? child : faults_wait(child));
	} else if (!serves) {
		end_child(instance, fields[1]);
	} else if (!faults_talk_through(fields[2], fields[3])) {
		_exit(3);
	}
}

static void do_destroy(struct instance *instance)
{
	instance->plugin->destroy(instance->plugin);
	instance->plugin = NULL;
	say("destroyed");
}

static void do_health(struct instance *instance)
{
	const struct crm_health *health =
	    instance->plugin->extension(instance->plugin, CRM_EXT_HEALTH);
	char text[4096];

	health->snapshot(instance->plugin, text, sizeof(text));
	say("health %s", text);
}

static void do_text(struct instance *instance, const char *name, const char *id)
{
	char *text = strdup(instance->plugin->extension(instance->plugin, id));

	for (char *at = text; *at; at++)
		if (*at == '\n')
			*at = ' ';
	say("%s %s", name, text);
	free(text);
}

static int compare_ns(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* What so many of a thousand took at most. */
static double at_us(const uint32_t *sorted, size_t count, size_t thousandth)
{
	if (count == 0)
		return 0;
	if (thousandth == 1000)
		return sorted[count - 1] / 1e3;
	return sorted[count * thousandth / 1000] / 1e3;
}

/* How many of them are not 0. */
static size_t sort_times(uint32_t *to, const uint32_t *from, size_t count)
{
	size_t some = 0;

	for (size_t i = 0; i < count; i++) {
		to[i] = from[i];
		some += from[i] > 0;
	}
	qsort(to, count, sizeof(*to), compare_ns);
	return some;
}

/* Not while threads submit. */
static void do_times(uint64_t first)
{
	uint64_t end = atomic_load(&next_id);
	size_t count = end > first ? end - first : 0;
	uint32_t *sorted = malloc((count + 1) * sizeof(*sorted));

	pthread_mutex_lock(&speaking);
	sort_times(sorted, submit_ns + first, count);
	printf("times next=%llu count=%zu p50_us=%.1f p999_us=%.1f max_us=%.1f",
	       (unsigned long long)end, count, at_us(sorted, count, 500),
	       at_us(sorted, count, 999), at_us(sorted, count, 1000));
	size_t waits = sort_times(sorted, waited_ns + first, count);
	printf(" waits=%zu waited_p999_us=%.1f", waits,
	       at_us(sorted, count, 999));
	sort_times(sorted, own_ns + first, count);
	printf(" own_p999_us=%.1f own_max_us=%.1f\n", at_us(sorted, count, 999),
	       at_us(sorted, count, 1000));
	fflush(stdout);
	pthread_mutex_unlock(&speaking);
	free(sorted);
	first_timed = end;
}

static void obey(char *line, struct instance **current)
{
	struct instance *instance = *current;
	char *fields[FIELDS];

	if (strncmp(line, "submit\t", 7) == 0) {
		do_submit(instance, line + 7);
		return;
	}
	int count = split(line, fields, FIELDS);
	const char *verb = fields[0];

	if (strcmp(verb, "create") == 0)
		do_create(count, fields);
	else if (strcmp(verb, "use") == 0 && count == 2)
		*current = &instances[strtol(fields[1], NULL, 10) % INSTANCES];
	else if (strcmp(verb, "start") == 0)
		say("started %s",
		    status_names[instance->plugin->start(instance->plugin)]);
	else if (strcmp(verb, "burst") == 0 && count == 5)
		do_burst(instance, (int)strtol(fields[1], NULL, 10) % THREADS,
			 strtoul(fields[2], NULL, 10), fields[3],
			 strtol(fields[4], NULL, 10));
	else if (strcmp(verb, "flood") == 0 && count == 3)
		do_flood(instance, (int)strtol(fields[1], NULL, 10) % THREADS,
			 fields[2]);
	else if (strcmp(verb, "times") == 0)
		do_times(count == 2 ? strtoull(fields[1], NULL, 10)
				    : first_timed);
	else if (strcmp(verb, "settle") == 0)
		say(wait_answers(instance, 60) ? "settled" : "unsettled");
	else if (strcmp(verb, "deaf") == 0 && count == 2) {
		atomic_store(&deaf, strtol(fields[1], NULL, 10));
		say("deaf");
	} else if (strcmp(verb, "stop") == 0 && count == 2)
		do_stop(instance, strtol(fields[1], NULL, 10));
	else if (strcmp(verb, "destroy") == 0)
		do_destroy(instance);
	else if (strcmp(verb, "reload") == 0)
		do_reload();
	else if (strcmp(verb, "wall") == 0 && count == 2) {
		faults_set_wall(strtoll(fields[1], NULL, 10));
		say("wall");
	} else if (strcmp(verb, "advance") == 0 && count == 2) {
		faults_advance(strtoll(fields[1], NULL, 10));
		say("advance");
	} else if (strcmp(verb, "fail_thread") == 0 && count == 2) {
		atomic_store(&threads_left, strtol(fields[1], NULL, 10));
		say("failing");
	} else if (strcmp(verb, "names") == 0 && count == 2) {
		atomic_store(&names_hang, strcmp(fields[1], "hang") == 0);
		say("names");
	} else if (strcmp(verb, "signals") == 0 && count == 2)
		do_signals(strtol(fields[1], NULL, 10));
	else if (strcmp(verb, "fork") == 0 && count >= 2)
		do_fork(instance, count, fields);
	else if (strcmp(verb, "reap") == 0 && count == 2)
		say("reaped %d",
		    faults_wait((pid_t)strtol(fields[1], NULL, 10)));
	else if (strcmp(verb, "disk") == 0 && count == 3)
		say("disk %ld",
		    disk_obey(fields[1], strtol(fields[2], NULL, 10)));
	else if (strcmp(verb, "health") == 0)
		do_health(instance);
	else if (strcmp(verb, "options") == 0)
		do_text(instance, verb, CRM_EXT_OPTIONS);
	else if (strcmp(verb, "service") == 0)
		do_text(instance, verb, CRM_EXT_WIDGET_SERVICE);
	else
		say("error: no such command: %s", verb);
}

int main(int argc, char **argv)
{
	struct instance *current = &instances[0];
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	sigset_t outside;

	if (argc != 2) {
		say("error: which plugin?");
		return 2;
	}
	plugin_path = argv[1];
	if (!load())
		return 2;
	faults_hold_signals(&outside);
	while ((len = getline(&line, &cap, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		faults_release_signals(&outside);
		obey(line, &current);
		faults_hold_signals(&outside);
	}
	free(line);
	for (int i = 0; i < INSTANCES; i++)
		for (int k = 0; k < instances[i].key_count; k++)
			free(instances[i].keys[k]);
	return 0;
}
