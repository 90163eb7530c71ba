/* memory.h - what tests/hosts/memory.c makes happen, round after round: a bare
 * host around one plugin, a database that can be taken away, what the client
 * was told, and the scenarios. It knows nothing of how allocations fail. */
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

/* ------------------------------------------------------------- the client */

static bool is_answered(void)
{
	return atomic_load(&host.answers[host.next_id - 1]) > 0;
}

/* Submits; the status is the answer's, or that of the refusal. */
static enum crm_status submit(const char *path, const char *body, bool waits)
{
	uint64_t id = host.next_id++;

	must(id < IDS, "out of ids");
	enum crm_status status = host.plugin->submit(
	    host.plugin, &(struct crm_request){.id = id,
					       .deadline_ns = in_ms(30000),
					       .sent_at_ms = 0,
					       .account = "acme",
					       .agent = "ann",
					       .path = path,
					       .body = body,
					       .body_len = strlen(body)});
	if (status != CRM_OK) {
		must(atomic_fetch_add(&host.answers[id], 1) == 0,
		     "refused and answered");
		atomic_store(&host.statuses[id], (unsigned char)status);
	} else if (waits) {
		/* also while there is no memory */
		uint64_t end = in_ms(PATIENCE_MS);
		while (!is_answered() && now_ns() < end)
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
		must(is_answered(), "never answered");
	}
	return (enum crm_status)atomic_load(&host.statuses[id]);
}

static struct wish *wish_new(const char *what)
{
	struct wish *wish = &host.wishes[host.wish_count++];

	*wish = (struct wish){0};
	snprintf(wish->session, sizeof(wish->session), "%s%s-%d", what,
		 host.prefix, host.wish_count);
	return wish;
}

/* What became of it, as far as is known; the client writes down what was
 * acknowledged. */
static void wish_look(struct wish *wish)
{
	char line[80];

	if (wish->acknowledged || wish->refused || wish->id == 0 ||
	    atomic_load(&host.answers[wish->id]) == 0)
		return;
	enum crm_status status =
	    (enum crm_status)atomic_load(&host.statuses[wish->id]);
	wish->acknowledged = status == CRM_OK;
	wish->refused =
	    status == CRM_FAILED && strncmp(wish->session, "bad", 3) == 0;
	must(status != CRM_BAD_REQUEST && status != CRM_UNSUPPORTED,
	     "a good message is refused for good");
	int len = snprintf(line, sizeof(line), "%s\n", wish->session);
	if (wish->acknowledged)
		must(write(host.acknowledged, line, (size_t)len) == len,
		     "cannot write");
}

static void wish_send(struct wish *wish, bool waits)
{
	char body[1024];

	snprintf(body, sizeof(body),
		 "{\"requestId\":\"r-%s\",\"type\":\"rc-post-message-request\","
		 "\"path\":\"/callLogger\",\"body\":{\"triggerType\":"
		 "\"logForm\",\"note\":\"note of %s\",\"formData\":{\"note\":"
		 "\"note of %s\",\"subject\":\"s\"},\"call\":{\"sessionId\":"
		 "\"%s\",\"id\":\"p\",\"direction\":\"Inbound\",\"duration\":5,"
		 "\"from\":{\"phoneNumber\":\"+16505550100\"},\"fromName\":"
		 "\"A\",\"to\":{\"phoneNumber\":\"+16505550101\"},\"result\":"
		 "\"CallConnected\",\"telephonyStatus\":\"CallConnected\","
		 "\"startTime\":1770000000000}}}",
		 wish->session, wish->session, wish->session, wish->session);
	wish->id = host.next_id;
	submit("/callLogger", body, waits);
	wish_look(wish);
}

/* Asks for the round's calls and one that nobody knows. */
static enum crm_status match(void)
{
	char body[1024], ids[512] = "\"unknown\"";

	for (int i = 0; i < host.wish_count; i++) {
		size_t len = strlen(ids);
		snprintf(ids + len, sizeof(ids) - len, ",\"%s\"",
			 host.wishes[i].session);
	}
	snprintf(
	    body, sizeof(body),
	    "{\"requestId\":\"m\",\"type\":\"rc-post-message-request\","
	    "\"path\":\"/callLogger/match\",\"body\":{\"sessionIds\":[%s]}}",
	    ids);
	return submit("/callLogger/match", body, true);
}

/* Whether the last answer has an entry for the call. */
static bool is_in_answer(const struct wish *wish)
{
	char entry[80];

	snprintf(entry, sizeof(entry), "\"%s\":[{", wish->session);
	pthread_mutex_lock(&host.mutex);
	bool found = strstr(host.answer, entry) != NULL;
	pthread_mutex_unlock(&host.mutex);
	return found;
}

static bool is_posted(void)
{
	char id[80];

	snprintf(id, sizeof(id), "\"%s\"", host.wishes[0].session);
	pthread_mutex_lock(&host.mutex);
	bool found = strstr(host.posts, id) != NULL;
	pthread_mutex_unlock(&host.mutex);
	return found;
}

/* or there was no memory to remember that it is to be posted */
static bool is_told(void)
{
	char text[4096];

	host_health(text, sizeof(text));
	return is_posted() || !strstr(text, "\"untriggered\":0");
}

static void forget_posts(void)
{
	pthread_mutex_lock(&host.mutex);
	host.posts[0] = '\0';
	pthread_mutex_unlock(&host.mutex);
}

/* Everything that is acknowledged is in the database, once. */
static bool is_stored(void)
{
	int acknowledged = 0;

	for (int i = 0; i < host.wish_count; i++) {
		wish_look(&host.wishes[i]);
		acknowledged +=
		    host.wishes[i].acknowledged || host.wishes[i].refused;
	}
	return ask("SELECT count(*) FROM (SELECT session_id FROM "
		   "call_log.calls UNION ALL SELECT session_id FROM "
		   "call_log.rejected) x WHERE session_id LIKE '%s-%%' OR "
		   "session_id LIKE 'bad-%s-%%'",
		   host.prefix, host.prefix) == acknowledged;
}

static bool is_found(void)
{
	if (match() != CRM_OK)
		return false;
	for (int i = 0; i < host.wish_count; i++)
		if (!is_in_answer(&host.wishes[i]))
			return false;
	return true;
}

/* An answer that is given is right, or the widget forgets the call. */
static void match_truly(void)
{
	if (match() != CRM_OK)
		return;
	for (int i = 0; i < host.wish_count; i++)
		must(is_in_answer(&host.wishes[i]) ||
			 !host.wishes[i].acknowledged,
		     "a logged call is answered as not logged");
}

/* -------------------------------------------------------------- scenarios */

static void act_life(void)
{
	if (!host_create() || !host_start())
		return;
	wish_send(wish_new(""), true);
	match();
	host_stop();
}

/* The file is no spool. */
static void prepare_damaged(void)
{
	FILE *file = fopen(host.spool, "w");

	database_away();
	must(host_create(), "cannot be created");
	for (int i = 0; i < 1000; i++)
		fputs("no database ", file);
	fclose(file);
	chmod(host.spool, 0600);
}

static void act_damaged(void)
{
	if (host_start())
		host_stop();
}

static void prepare_logged(void)
{
	wish_send(wish_new(""), true);
	must(host.wishes[0].acknowledged && await(is_stored), "not logged");
}

static void act_log(void)
{
	wish_send(wish_new(""), true);
}

static void act_reject(void)
{
	wish_send(wish_new("bad-"), true);
	wish_send(wish_new(""), true);
}

static void prepare_away(void)
{
	prepare_logged();
	match();
	database_away();
}

static void act_away(void)
{
	wish_send(wish_new(""), true);
	match_truly();
}

/* The spool holds some. */
static void prepare_back(void)
{
	database_away();
	for (int i = 0; i < 3; i++) {
		struct wish *wish = wish_new(i == 1 ? "bad-" : "");

		wish_send(wish, true);
		must(wish->acknowledged, "not spooled");
	}
}

static void act_back(void)
{
	database_back();
	await(is_stored);
}

/* and is told to the agent */
static void after_back(void)
{
	must(await(is_told), "a replayed call is not triggered");
}

static void change(void)
{
	ask("SELECT count(call_log.set_note('acme', 'ann', '%s', 'new'))",
	    host.wishes[0].session);
}

static void act_change(void)
{
	forget_posts();
	change();
	await(is_posted);
}

/* libpq loses a notification quietly when it has no memory for it. It is found
 * within a minute, or when the next one comes, which is sooner here. */
static void after_change(void)
{
	if (!await_for(is_told, 5000))
		change();
	must(await(is_told), "a change from elsewhere is not told");
}

static void act_health(void)
{
	char text[4096];

	must(host_health(text, sizeof(text)) >= 2, "no health");
}

/* Calls wait for a database that says nothing when stop() comes. */
static void prepare_stop(void)
{
	wish_new("");
	wish_new("");
	wish_new("");
}

static void act_stop(void)
{
	database_away();
	for (int i = 0; i < host.wish_count; i++)
		wish_send(&host.wishes[i], false);
	host_stop();
}

static const struct scenario scenarios[] = {
    {.name = "life", .bare = true, .act = act_life},
    {.name = "damaged",
     .bare = true,
     .aside = true,
     .prepare = prepare_damaged,
     .act = act_damaged},
    {.name = "log", .act = act_log},
    {.name = "reject", .act = act_reject},
    {.name = "match", .prepare = prepare_logged, .act = match_truly},
    {.name = "away", .prepare = prepare_away, .act = act_away},
    {.name = "back",
     .prepare = prepare_back,
     .act = act_back,
     .after = after_back},
    {.name = "change",
     .prepare = prepare_logged,
     .act = act_change,
     .after = after_change},
    {.name = "health", .act = act_health},
    {.name = "stop", .prepare = prepare_stop, .act = act_stop},
    {.name = NULL},
};

/* ----------------------------------------------------------------- rounds */

static int remove_one(const char *path, const struct stat *status, int type,
		      struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static size_t count_names(const char *folder, const char *part)
{
	DIR *dir = opendir(folder);
	size_t count = 0;

	for (struct dirent *entry; dir && (entry = readdir(dir));)
		count += entry->d_name[0] != '.' &&
			 strstr(entry->d_name, part) != NULL;
	closedir(dir);
	return count;
}

static void host_init(const struct crm_entry *entry, const char *socket,
		      const char *work)
{
	char path[PATH_MAX];

	host.entry = entry;
	host.socket = socket;
	host.work = work;
	host.next_id = 1;
	pthread_mutex_init(&host.mutex, NULL);
	host.abi = (struct crm_host){.size = sizeof(struct crm_host),
				     .abi_major = CRM_ABI_MAJOR,
				     .abi_minor = CRM_ABI_MINOR,
				     .name = "memory",
				     .version = "1",
				     .log = on_log,
				     .config = on_config,
				     .complete = on_complete,
				     .post = on_post,
				     .extension = on_extension};
	snprintf(path, sizeof(path), "%.3000s/acknowledged", work);
	host.acknowledged =
	    open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	host_forked(-1);
}

/* A process has a folder and a connection of its own. */
static void host_forked(int slot)
{
	char conninfo[PATH_MAX + 64], socket[PATH_MAX];

	snprintf(host.folder, sizeof(host.folder), "%.3000s/%d", host.work,
		 slot);
	snprintf(host.spool, sizeof(host.spool), "%.3100s/spool.db",
		 host.folder);
	snprintf(host.link, sizeof(host.link), "%.3100s/.s.PGSQL.6432",
		 host.folder);
	snprintf(socket, sizeof(socket), "%s", host.socket);
	*strrchr(socket, '/') = '\0';
	snprintf(conninfo, sizeof(conninfo),
		 "host=%s port=6432 user=postgres dbname=postgres", socket);
	host.sql = PQconnectdb(conninfo);
	must(PQstatus(host.sql) == CONNECTION_OK, "no connection");
}

static void host_left(void)
{
	nftw(host.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	PQfinish(host.sql);
	host.sql = NULL;
}

static void round_begin(const char *name, bool on, long n)
{
	nftw(host.folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	must(mkdir(host.folder, 0700) == 0, "no folder");
	database_back();
	snprintf(host.prefix, sizeof(host.prefix), "%s-%s-%ld", name,
		 on ? "on" : "once", n);
	host.wish_count = 0;
	memset(host.answers, 0, sizeof(host.answers));
	host.next_id = 1;
	forget_posts();
	ask("SELECT 1"); /* the connection has what it needs */
	host.fds = count_names("/proc/self/fd", "");
}

static bool is_done(const struct wish *wish)
{
	return wish->acknowledged || wish->refused;
}

/* There is memory again, and a database: everything works, and what the client
 * wants is done. */
static void round_settle(const struct scenario *scenario)
{
	uint64_t end = in_ms(PATIENCE_MS);

	database_back();
	if (!host.plugin)
		host_open();
	for (int i = 0; i < host.wish_count; i++) {
		struct wish *wish = &host.wishes[i];

		wish_look(wish);
		while (!is_done(wish) && now_ns() < end)
			wish_send(wish, true);
		must(is_done(wish), "a call cannot be logged afterwards");
	}
	must(await(is_stored), "an acknowledged call is lost, or doubled");
	must(await(is_found), "a logged call is not found");
	if (scenario->after)
		scenario->after();
	host_stop();
	must(scenario->aside || count_names(host.folder, "aside") == 0,
	     "a good spool is set aside");
	must(count_names(host.folder, ".bad") == 0, "a good cache is put away");
}

static void round_end(void)
{
	must(count_names("/proc/self/fd", "") == host.fds,
	     "descriptors are left");
	must(count_names("/proc/self/task", "") == 1, "threads are left");
}

#endif
