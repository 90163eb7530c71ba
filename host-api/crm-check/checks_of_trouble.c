/* checks_of_trouble - what a plugin has to bear: messages that are none, a database
 * that says nothing, a host that contains other versions of its libraries. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "stand.h"
#include "traffic.h"

enum {
	GRACE_MS = 1000, /* for an answer after the deadline */
	LARGE = 1024 * 1024,
	DEEP = 100000,
	CHANGED = 500, /* messages with random changes */
	FEW = 100
};

/* ---------------------------------------------------------------------- bodies
 */

static void send_everywhere(struct stand *stand, const char *body, size_t len)
{
	for (size_t i = 0; i < stand->samples.count; i++)
		stand_submit_body(stand, stand->samples.routes[i].name, body,
				  len);
}

static void send_text(struct stand *stand, const char *text)
{
	send_everywhere(stand, text, strlen(text));
}

static void send_repeated(struct stand *stand, const char *begin, char middle,
			  size_t count, const char *end)
{
	size_t before = strlen(begin), after = strlen(end);
	char *text = malloc(before + count + after);

	if (!text)
		return;
	memcpy(text, begin, before);
	memset(text + before, middle, count);
	memcpy(text + before + count, end, after);
	send_everywhere(stand, text, before + count + after);
	free(text);
}

static void send_odd(struct stand *stand)
{
	static const char *const odd[] = {
	    "",
	    " ",
	    "{",
	    "{}",
	    "[]",
	    "null",
	    "0",
	    "\"",
	    "\\",
	    "{\"type\":null,\"path\":null,\"body\":null}",
	    "{\"type\":{},\"path\":[],\"body\":\"\",\"requestId\":1}",
	    "{\"requestId\":\"\\ud800\",\"body\":{}}",
	    "{\"requestId\":\"\\u0000\",\"body\":{\"\":1}}",
	    "{\"requestId\":\"\xff\xfe\",\"body\":{}}",
	    "{\"requestId\":\"1\",\"requestId\":2,\"body\":1,\"body\":{}}",
	    "{\"requestId\":\"1\",\"body\":{\"call\":{\"startTime\":1e999}}}",
	    "{\"body\":{\"call\":{\"sessionId\":99999999999999999999}}}",
	    "{\"body\":{\"call\":{\"duration\":-1e308}}}",
	};

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		send_text(stand, odd[i]);
	send_everywhere(stand, "\0{}\0", 4);
	send_repeated(stand, "", '[', DEEP, "");
	send_repeated(stand, "{\"body\":", '[', DEEP, "");
	send_repeated(stand, "{\"requestId\":\"1\",\"body\":\"", 'x', LARGE,
		      "\"}");
	send_repeated(stand, "{\"requestId\":\"1\",\"body\":", '9', LARGE, "}");
}

/* Some bytes of a good message are others. */
static void send_changed(struct stand *stand, uint64_t number)
{
	uint64_t chance = sample_mix(stand->setup->seed, ~number);
	char own[SAMPLE_BODY], *copy;
	const char *body, *route;
	size_t len = sample_write(&stand->samples, stand->setup->seed, number,
				  own, &body, &route);

	copy = len > 0 ? malloc(len) : NULL;
	if (!copy)
		return;
	memcpy(copy, body, len);
	for (uint64_t i = 0; i <= chance % 8; i++) {
		uint64_t where = sample_mix(chance, i);

		copy[where % len] = (char)(where >> 32);
	}
	stand_submit_body(stand, route, copy, len);
	free(copy);
}

/* The files of a folder, each a message. */
static void send_file(struct stand *stand, int folder, const char *name)
{
	char *text = malloc(LARGE);
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 && text ? read(fd, text, LARGE) : -1;

	if (len >= 0)
		send_everywhere(stand, text, (size_t)len);
	if (fd >= 0)
		close(fd);
	free(text);
}

/* With NULL for the stand they are only counted. */
static size_t each_file(const char *path, struct stand *stand)
{
	DIR *folder = opendir(path);
	struct dirent *entry;
	size_t count = 0;

	while (folder && (entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		count++;
		if (stand)
			send_file(stand, dirfd(folder), entry->d_name);
	}
	if (folder)
		closedir(folder);
	return count;
}

static void check_bodies(const struct trial *trial)
{
	const char *folder = trial->setup->bodies;
	size_t files = folder ? each_file(folder, NULL) : 0;
	struct stand *stand =
	    stand_run(trial->setup, trial->verdict,
		      (files + FEW) * SAMPLE_ROUTES + CHANGED + FEW);

	if (!stand)
		return;
	if (folder)
		verdict_need(trial->verdict, files > 0,
			     "--bodies: no file is there");
	send_odd(stand);
	for (uint64_t i = 0; i < CHANGED; i++)
		send_changed(stand, i);
	if (folder)
		each_file(folder, stand);
	traffic_send(stand, FEW);
	stand_wait(stand, STAND_DEADLINE_MS + GRACE_MS);
	if (!stand_end(stand))
		return;
	/* What it says to nonsense may be nonsense. */
	stand_judge(stand);
	stand_close(stand);
}

/* ---------------------------------------------------------------------- PROMPT
 */

static int compare(const void *left, const void *right)
{
	unsigned a = *(const unsigned *)left, b = *(const unsigned *)right;

	return (a > b) - (a < b);
}

/* What 999 of 1000 took at most. */
static void judge_times(const struct trial *trial, const struct stand *stand)
{
	size_t count = atomic_load(&stand->taken);
	unsigned *times = calloc(count + 1, sizeof(*times)), most;

	if (!times || count == 0) {
		free(times);
		return;
	}
	for (size_t i = 0; i < count; i++)
		times[i] = atomic_load(&stand->marks[i].took_us);
	qsort(times, count, sizeof(*times), compare);
	most = times[(count - 1) * 999 / 1000];
	verdict_say(trial->verdict,
		    "of %zu submit() half took %u us at most, 999 of 1000 %u "
		    "us, all %u us",
		    count, times[count / 2], most, times[count - 1]);
	if (most > trial->setup->submit_ms * 1000)
		verdict_fail(trial->verdict,
			     "more than %u ms: it waits, for the network, the "
			     "disk or a lock",
			     trial->setup->submit_ms);
	free(times);
}

static void check_prompt(const struct trial *trial)
{
	size_t count = trial->setup->messages;
	struct stand *stand =
	    stand_run(trial->setup, trial->verdict, count + TRAFFIC_THREADS);

	if (!stand)
		return;
	stand->timed = true;
	traffic_send(stand, count);
	if (!stand_end(stand))
		return;
	judge_times(trial, stand);
	stand_close(stand);
}

/* ----------------------------------------------------------------------- names
 */

static void check_names(const struct trial *trial)
{
	struct stand *stand =
	    stand_run(trial->setup, trial->verdict, FEW + TRAFFIC_THREADS);

	if (!stand)
		return;
	traffic_send(stand, FEW);
	stand_wait(stand, GRACE_MS);
	if (stand_end(stand))
		stand_close(stand);
}

const struct check checks_of_trouble[] = {
    {"it answers what is no message, and goes on", check_bodies,
     "it trusted what a message says", NULL},
    {"submit() does not wait", check_prompt, NULL, NULL},
    {"it calls its own libraries, not what the host has of their names",
     check_names, "it called a function of the host's (decoys.c)", NULL},
    {NULL, NULL, NULL, NULL},
};
