/* checks_of_manners - a plugin is a guest in its process: it leaves alone what
 * belongs to the host. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "stand.h"
#include "text.h"
#include "traffic.h"

enum {
	FEW = 100,
	WAIT_MS = 1000,
	MOMENT_MS = 500,
	SURROUNDINGS = 256 * 1024,
	DESCRIPTION = 512
};

/* A whole life with a few messages. The stand is closed unless the plugin must
 * stay. */
static void live(const struct trial *trial)
{
	struct stand *stand =
	    stand_run(trial->setup, trial->verdict, FEW + TRAFFIC_THREADS);

	if (!stand)
		return;
	traffic_send(stand, FEW);
	stand_wait(stand, WAIT_MS);
	if (stand_end(stand))
		stand_close(stand);
}

/* The first line that differs; both texts are cut there. */
static void judge_texts(const struct trial *trial, char *before, char *now)
{
	size_t line = 0;

	for (size_t i = 0; before[i] == now[i]; i++) {
		if (before[i] == '\0')
			return;
		if (before[i] == '\n')
			line = i + 1;
	}
	before[line + strcspn(before + line, "\n")] = '\0';
	now[line + strcspn(now + line, "\n")] = '\0';
	verdict_fail(trial->verdict,
		     "%s was changed: from '%.200s' to '%.200s'",
		     trial->check->aspect->name, before + line, now + line);
}

static void check_aspect(const struct trial *trial)
{
	const struct process_aspect *aspect = trial->check->aspect;
	char *before = malloc(SURROUNDINGS), *now = malloc(SURROUNDINGS);
	struct crm_text text = crm_text_in(before, before ? SURROUNDINGS : 0);

	if (before && now) {
		aspect->describe(&text);
		live(trial);
		text = crm_text_in(now, SURROUNDINGS);
		aspect->describe(&text);
		judge_texts(trial, before, now);
	} else {
		verdict_fail(trial->verdict, "out of memory");
	}
	free(before);
	free(now);
}

static void check_output(const struct trial *trial)
{
	struct stat status = {0};

	live(trial);
	fflush(stdout);
	if (fstat(trial->output, &status) != 0)
		verdict_fail(trial->verdict, "cannot look at what was written");
	else if (status.st_size > 0)
		verdict_fail(trial->verdict, "it wrote %lld bytes",
			     (long long)status.st_size);
}

/* --------------------------------------------------------------- while it runs
 */

static void judge_threads(struct stand *stand)
{
	struct process_list now;
	char name[DESCRIPTION], signals[DESCRIPTION];
	size_t at = 0;
	int id;

	process_threads(&now);
	while ((id = process_next_new(&now, &stand->threads, &at)) >= 0) {
		if (process_thread_blocks_signals(id, signals, sizeof(signals)))
			continue;
		process_describe_thread(id, name, sizeof(name));
		verdict_fail(stand->verdict, "the thread '%s' lets through%s",
			     name, signals);
	}
}

/* Some libraries mark a socket only after they made it, a moment later. */
static bool stays_unmarked(int fd)
{
	uint64_t end_ns = crm_clock_after(MOMENT_MS);

	while (!process_file_closes_on_exec(fd)) {
		if (crm_clock_ns() >= end_ns)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return false;
}

static void judge_files(struct stand *stand)
{
	struct process_list now;
	char what[DESCRIPTION];
	size_t at = 0;
	int id;

	process_files(&now);
	while ((id = process_next_new(&now, &stand->files, &at)) >= 0) {
		if (!stays_unmarked(id))
			continue;
		process_describe_file(id, what, sizeof(what));
		verdict_fail(stand->verdict,
			     "file descriptor %d would be inherited: %s", id,
			     what);
	}
}

/* Looks when it has just started, and when it has worked. */
static void look_twice(const struct trial *trial,
		       void (*judge)(struct stand *stand))
{
	struct stand *stand =
	    stand_run(trial->setup, trial->verdict, FEW + TRAFFIC_THREADS);

	if (!stand)
		return;
	judge(stand);
	traffic_send(stand, FEW);
	stand_wait(stand, WAIT_MS);
	judge(stand);
	if (stand_end(stand))
		stand_close(stand);
}

static void check_signals(const struct trial *trial)
{
	look_twice(trial, judge_threads);
}

static void check_exec(const struct trial *trial)
{
	look_twice(trial, judge_files);
}

const struct check checks_of_manners[] = {
    {"it writes nothing to stdout and stderr", check_output, NULL, NULL},
    {"it leaves the locale alone", check_aspect, NULL, &process_locale},
    {"it leaves the working directory alone", check_aspect, NULL,
     &process_directory},
    {"it leaves the umask alone", check_aspect, NULL, &process_umask},
    {"it leaves the environment alone", check_aspect, NULL,
     &process_environment},
    {"it leaves the callers' signal mask alone", check_aspect, NULL,
     &process_mask},
    {"it leaves signal handlers alone", check_aspect, NULL, &process_handlers},
    {"its threads block all signals", check_signals, NULL, NULL},
    {"its files close on exec", check_exec, NULL, NULL},
    {NULL, NULL, NULL, NULL},
};
