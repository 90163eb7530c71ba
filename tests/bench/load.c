/* load - a host that gives a plugin, by the bare ABI, as much to do as it can
 * take, or as much as it is told, and measures. It is told by stdin, one command
 * a line (command.h), and answers each by one line on stdout.
 *
 *   load MESSAGES PLUGIN KEY=VALUE...      creates and starts the plugin -> ready
 *
 *   log part=all|before alone=0|1 first=N calls=N agents=N start=UNIX_MS
 *       process=N processes=N threads=N window=N rate=N settle=0|1   logs calls, see calls.h, lanes.h;
 *                                          settle: waits for the answers
 *                                       -> log KEY=VALUE..., see lanes_print()
 *   match file=PATH count=N threads=N window=N rate=N settle=0|1
 *                                       -> match KEY=VALUE..., the same
 *   settle                              -> settle KEY=VALUE..., of what is not yet
 *   health                              -> health JSON
 *   memory                              -> memory resident_kb=N
 *
 * It ends, in order, when stdin does. What the plugin logs goes to stderr. */
#include "calls.h"
#include "command.h"
#include "lanes.h"
#include "queries.h"
#include "stopwatch.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct load {
	struct crm_host host;
	struct crm_plugin *plugin;
	char **keys; /* of the command line */
	int key_count;
	const char *messages;
	/* of the run that is not settled, or the last */
	struct lanes *lanes;
	struct calls *calls;
	struct queries *queries;
};

/* ------------------------------------------------- what the plugin calls */

static void host_log(const struct crm_host *host, enum crm_level level,
		     const char *line)
{
	(void)host;
	if (level >= CRM_WARN)
		fprintf(stderr, "%s\n", line);
}

static ptrdiff_t host_config(const struct crm_host *host, const char *key,
			     char *buf, size_t cap)
{
	const struct load *load = host->host_data;
	size_t len = strlen(key);

	for (int i = 0; i < load->key_count; i++)
		if (strncmp(load->keys[i], key, len) == 0 &&
		    load->keys[i][len] == '=')
			return snprintf(buf, cap, "%s",
					load->keys[i] + len + 1);
	return -1;
}

static void host_complete(const struct crm_host *host, uint64_t id,
			  enum crm_status status, const char *body,
			  size_t body_len)
{
	const struct load *load = host->host_data;

	(void)body;
	(void)body_len;
	lanes_answered(load->lanes, id, status);
}

static enum crm_status host_post(const struct crm_host *host,
				 const char *account, const char *agent,
				 const char *body, size_t body_len)
{
	(void)host;
	(void)account;
	(void)agent;
	(void)body;
	(void)body_len;
	return CRM_OK;
}

static const void *host_extension(const struct crm_host *host, const char *id)
{
	(void)host;
	(void)id;
	return NULL;
}

static void start(struct load *load, const char *path)
{
	void *file = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct crm_entry *entry = file ? dlsym(file, "crm_entry") : NULL;
	char why[512] = "";

	if (!entry)
		die("cannot load %s: %s", path, dlerror());
	load->host = (struct crm_host){.size = sizeof(load->host),
				       .abi_major = CRM_ABI_MAJOR,
				       .abi_minor = CRM_ABI_MINOR,
				       .host_data = load,
				       .name = "load",
				       .version = "1",
				       .log = host_log,
				       .config = host_config,
				       .complete = host_complete,
				       .post = host_post,
				       .extension = host_extension};
	load->plugin = entry->create(&load->host, why, sizeof(why));
	if (!load->plugin)
		die("the plugin refuses: %s", why);
	if (load->plugin->start(load->plugin) != CRM_OK)
		die("the plugin did not start");
}

/* -------------------------------------------------------------- commands */

static void forget(struct load *load)
{
	lanes_free(load->lanes);
	calls_free(load->calls);
	queries_free(load->queries);
	load->lanes = NULL;
	load->calls = NULL;
	load->queries = NULL;
}

static void report(struct load *load, const char *verb)
{
	printf("%s", verb);
	lanes_print(load->lanes);
	printf("\n");
}

static void run(struct load *load, const struct command *command,
		struct lanes_settings *settings)
{
	settings->plugin = load->plugin;
	settings->lanes = (size_t)command_number(command, "threads");
	settings->window = (size_t)command_number(command, "window");
	settings->rate = (double)command_number(command, "rate");
	load->lanes = lanes_new(settings);
	lanes_run(load->lanes);
	if (command_number(command, "settle")) {
		lanes_settle(load->lanes);
		report(load, command->verb);
	} else {
		printf("%s\n", command->verb);
	}
}

static uint32_t small(const struct command *command, const char *key)
{
	return (uint32_t)command_number(command, key);
}

static void do_log(struct load *load, const struct command *command)
{
	struct calls_settings settings = {
	    .messages = load->messages,
	    .part = strcmp(command_text(command, "part"), "before") == 0
			? CALLS_BEFORE
			: CALLS_ALL,
	    .alone = command_number(command, "alone") != 0,
	    .first = small(command, "first"),
	    .count = small(command, "calls"),
	    .agents = small(command, "agents"),
	    .start_ms = command_number(command, "start"),
	    .process = small(command, "process"),
	    .processes = small(command, "processes"),
	    .lanes = small(command, "threads"),
	};

	forget(load);
	load->calls = calls_new(&settings);
	run(load, command,
	    &(struct lanes_settings){.make = calls_make,
				     .context = load->calls,
				     .count = calls_length(load->calls)});
}

static void do_match(struct load *load, const struct command *command)
{
	forget(load);
	load->queries = queries_open(command_text(command, "file"));
	run(load, command,
	    &(struct lanes_settings){
		.make = queries_make,
		.context = load->queries,
		.count = (size_t)command_number(command, "count")});
}

static void do_health(struct load *load)
{
	const struct crm_health *health =
	    load->plugin->extension(load->plugin, CRM_EXT_HEALTH);
	char json[8192] = "{}";

	if (health)
		health->snapshot(load->plugin, json, sizeof(json));
	printf("health %s\n", json);
}

static void do_memory(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long size, resident = 0;

	if (!file || fscanf(file, "%ld %ld", &size, &resident) != 2)
		die("cannot read /proc/self/statm");
	fclose(file);
	printf("memory resident_kb=%ld\n",
	       resident * (sysconf(_SC_PAGESIZE) / 1024));
}

static void obey(struct load *load, const struct command *command)
{
	if (command_is(command, "log")) {
		do_log(load, command);
	} else if (command_is(command, "match")) {
		do_match(load, command);
	} else if (command_is(command, "settle")) {
		lanes_settle(load->lanes);
		report(load, "settle");
	} else if (command_is(command, "health")) {
		do_health(load);
	} else if (command_is(command, "memory")) {
		do_memory();
	} else {
		die("no such command: %s", command->verb);
	}
}

int main(int argc, char **argv)
{
	struct load load = {0};
	struct command command = {0};

	if (argc < 3)
		die("load MESSAGES PLUGIN KEY=VALUE...");
	/* so that what is due is not 50 us late by itself */
	prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	load.messages = argv[1];
	load.keys = argv + 3;
	load.key_count = argc - 3;
	start(&load, argv[2]);
	printf("ready\n");
	while (command_read(&command))
		obey(&load, &command);
	load.plugin->stop(load.plugin, stopwatch_now() + UINT64_C(30000000000));
	load.plugin->destroy(load.plugin);
	forget(&load);
	command_free(&command);
	return 0;
}
