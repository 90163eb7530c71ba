/* memory_scenarios.h - what a host does while memory fails it, and how a round of
 * that is judged, for tests/hosts/memory.c. */
#ifndef TESTS_MEMORY_SCENARIOS_H
#define TESTS_MEMORY_SCENARIOS_H

#include "memory_client.h"

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

static bool is_alone(void)
{
	return count_names("/proc/self/task", "") == 1;
}

static void round_end(void)
{
	must(count_names("/proc/self/fd", "") == host.fds,
	     "descriptors are left");
	/* one that was joined is still to be seen for a moment */
	must(await(is_alone), "threads are left");
}

#endif
