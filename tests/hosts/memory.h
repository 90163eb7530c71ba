/* memory.h - the bare host of tests/hosts/memory.c: what the plugin may call, a
 * database that can be taken away, the plugin's life. It knows nothing of how
 * allocations fail. */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H

#include "crm_plugin.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libpq-fe.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct scenario {
	const char *name;
	bool bare;  /* it opens the plugin itself */
	bool aside; /* a spool is set aside */
	void (*prepare)(void);
	void (*act)(void); /* while memory fails */
	void (*after)(void);
};

/* Given by memory.c. Reports, and ends the process. */
static void fault(const char *what);
/* Whether what this thread does is to be left alone. */
static void exempt(bool is);
static bool memory_is_short(void);

static void host_forked(int slot);

enum {
	CALLS = 4,         /* of a round */
	IDS = 1 << 16,     /* requests of a process */
	DEADLINE_MS = 300, /* of a commit and of a match */
	STOP_MS = 300,
	PATIENCE_MS = 30000 /* what takes longer never comes */
};

/* A call that the client wants logged. */
struct wish {
	char session[64];
	uint64_t id; /* of the request that was sent last */
	bool acknowledged, refused;
};

static struct {
	const struct crm_entry *entry;
	const char *socket, *work;
	char folder[PATH_MAX], spool[PATH_MAX], link[PATH_MAX];
	struct crm_host abi;
	struct crm_plugin *plugin;
	bool runs;
	PGconn *sql; /* the client's own */
	int acknowledged;

	char prefix[48]; /* of the round's calls */
	struct wish wishes[CALLS];
	int wish_count;
	uint64_t next_id;
	atomic_uchar answers[IDS];
	atomic_uchar statuses[IDS];
	size_t fds;

	pthread_mutex_t mutex; /* for: */
	char answer[8192];     /* the last that was OK */
	char posts[16384];
} host;

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t in_ms(uint64_t ms)
{
	return now_ns() + ms * 1000000;
}

/* Until it is so; false: not in time, or memory was away for long enough. */
static bool await_for(bool (*is_so)(void), uint64_t ms)
{
	uint64_t end = in_ms(ms);

	while (!is_so()) {
		if (now_ns() > end || memory_is_short())
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
	}
	return true;
}

static bool await(bool (*is_so)(void))
{
	return await_for(is_so, PATIENCE_MS);
}

static void must(bool good, const char *what)
{
	if (!good)
		fault(what);
}

/* --------------------------------------------------- what the plugin calls */

static void on_log(const struct crm_host *abi, enum crm_level level,
		   const char *line)
{
	(void)abi;
	if (getenv("VERBOSE"))
		dprintf(2, "log %d %s\n", (int)level, line);
}

static ptrdiff_t on_config(const struct crm_host *abi, const char *key,
			   char *buf, size_t cap)
{
	(void)abi;
	if (strcmp(key, "conninfo") == 0)
		return snprintf(buf, cap,
				"host=%s port=6432 user=postgres "
				"dbname=postgres",
				host.folder);
	if (strcmp(key, "spool") == 0)
		return snprintf(buf, cap, "%s", host.spool);
	if (strcmp(key, "commit_deadline_ms") == 0 ||
	    strcmp(key, "match_deadline_ms") == 0)
		return snprintf(buf, cap, "%d", DEADLINE_MS);
	return -1;
}

static void on_complete(const struct crm_host *abi, uint64_t id,
			enum crm_status status, const char *body, size_t len)
{
	(void)abi;
	atomic_store(&host.statuses[id], (unsigned char)status);
	if (status == CRM_OK) {
		pthread_mutex_lock(&host.mutex);
		snprintf(host.answer, sizeof(host.answer), "%.*s", (int)len,
			 body);
		pthread_mutex_unlock(&host.mutex);
	}
	must(atomic_fetch_add(&host.answers[id], 1) == 0, "answered twice");
}

static enum crm_status on_post(const struct crm_host *abi, const char *account,
			       const char *agent, const char *body, size_t len)
{
	(void)abi;
	(void)account;
	(void)agent;
	pthread_mutex_lock(&host.mutex);
	size_t used = strlen(host.posts);
	snprintf(host.posts + used, sizeof(host.posts) - used, "%.*s", (int)len,
		 body);
	pthread_mutex_unlock(&host.mutex);
	return CRM_OK;
}

static const void *on_extension(const struct crm_host *abi, const char *id)
{
	(void)abi;
	(void)id;
	return NULL;
}

/* ----------------------------------------------------------- the database */

/* A connection finds the server by a name in the round's folder. */
static void database_back(void)
{
	must(symlink(host.socket, host.link) == 0 || errno == EEXIST,
	     "no symlink");
}

static bool is_plugins_socket(int fd)
{
	int domain;
	socklen_t len = sizeof(domain);

	return fd != PQsocket(host.sql) &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain == AF_UNIX;
}

static void database_away(void)
{
	unlink(host.link);
	for (int fd = 3; fd < 256; fd++)
		if (is_plugins_socket(fd))
			shutdown(fd, SHUT_RDWR);
}

static int count_sockets(void)
{
	int count = 0;

	for (int fd = 3; fd < 256; fd++)
		count += is_plugins_socket(fd);
	return count;
}

/* The number that a query tells. */
__attribute__((format(printf, 1, 2))) static long ask(const char *format, ...)
{
	char sql[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(sql, sizeof(sql), format, args);
	va_end(args);
	exempt(true);
	PGresult *result = PQexec(host.sql, sql);
	must(PQresultStatus(result) == PGRES_TUPLES_OK,
	     PQerrorMessage(host.sql));
	long number = strtol(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	exempt(false);
	return number;
}

/* -------------------------------------------------------------- the plugin */

static bool host_create(void)
{
	char why[512] = "";

	host.plugin = host.entry->create(&host.abi, why, sizeof(why));
	must(host.plugin || why[0], "no reason is given");
	return host.plugin != NULL;
}

static void host_destroy(void)
{
	host.plugin->destroy(host.plugin);
	host.plugin = NULL;
}

static bool host_start(void)
{
	host.runs = host.plugin->start(host.plugin) == CRM_OK;
	if (!host.runs)
		host_destroy();
	return host.runs;
}

static void host_stop(void)
{
	enum crm_status status = host.plugin->stop(host.plugin, in_ms(STOP_MS));

	must(status == CRM_OK || status == CRM_TIMEOUT, "stop() fails");
	host.runs = false;
	for (uint64_t id = 1; id < host.next_id; id++)
		must(atomic_load(&host.answers[id]) == 1,
		     "unanswered after stop()");
	host_destroy();
}

static size_t host_health(char *text, size_t cap)
{
	const struct crm_health *health =
	    host.plugin->extension(host.plugin, CRM_EXT_HEALTH);

	return health->snapshot(host.plugin, text, cap);
}

static bool is_ready(void)
{
	char text[4096];

	exempt(true);
	host_health(text, sizeof(text));
	exempt(false);
	return strstr(text, "\"state\":\"ok\"") &&
	       strstr(text, "\"listener\":\"ok\"") && count_sockets() == 3;
}

static void host_open(void)
{
	must(host_create() && host_start(), "does not start");
	must(await(is_ready), "never ready");
}

#endif
