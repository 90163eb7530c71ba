/* spool_fixture - what the tests of the spool share: a folder of their own,
 * made up events, and a spool that is looked into. */
#ifndef TESTS_SPOOL_FIXTURE_H
#define TESTS_SPOOL_FIXTURE_H

#include "../plugin/clock.h"
#include "../plugin/spool.h"
#include "tap.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAIT_MS = 10000, FIXTURE_PATH = 512 };
#define SPOOL_BYTES (UINT64_C(64) * 1024 * 1024)

static inline struct text text_of(const char *s)
{
	return (struct text){s, s ? strlen(s) : 0};
}

/* Owned; a folder that fixture_remove() takes away. Not on a disk, where that
 * is possible: what is tested there is not how durable a disk is. */
static inline char *fixture_folder(bool on_disk)
{
	char memory[] = "/dev/shm/call-log-spool-XXXXXX";
	char disk[] = "/tmp/call-log-spool-XXXXXX";
	char *folder = on_disk ? NULL : mkdtemp(memory);

	if (!folder)
		folder = mkdtemp(disk);
	return folder ? strdup(folder) : NULL;
}

static inline void fixture_remove(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	chmod(folder, 0700);
	while (dir && (entry = readdir(dir))) {
		char path[FIXTURE_PATH];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (unlink(path) != 0)
			rmdir(path);
	}
	if (dir)
		closedir(dir);
	rmdir(folder);
}

/* In how many files of the folder the bytes of the text are. */
static inline int count_files_with(const char *folder, const char *text)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir))) {
		char path[FIXTURE_PATH];
		struct stat st;

		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
			if (fd >= 0)
				close(fd);
			continue;
		}
		char *bytes = calloc(1, (size_t)st.st_size + 1);
		if (bytes && read(fd, bytes, (size_t)st.st_size) > 0 &&
		    memmem(bytes, (size_t)st.st_size, text, strlen(text)))
			count++;
		free(bytes);
		close(fd);
	}
	if (dir)
		closedir(dir);
	return count;
}

/* How many names in the folder contain the text. */
static inline int count_names(const char *folder, const char *part)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	while (dir && (entry = readdir(dir)))
		if (strstr(entry->d_name, part))
			count++;
	if (dir)
		closedir(dir);
	return count;
}

/* A small event of its own: its hash is its number. */
struct made {
	struct event event;
	char session_id[32], request_id[32];
};

static inline void make_event(struct made *made, unsigned call, uint64_t number)
{
	*made = (struct made){0};
	snprintf(made->session_id, sizeof(made->session_id), "s-%u", call);
	snprintf(made->request_id, sizeof(made->request_id), "r-%" PRIu64,
		 number);
	made->event = (struct event){
	    .account = text_of("account"),
	    .agent = text_of("agent"),
	    .session_id = text_of(made->session_id),
	    .request_id = text_of(made->request_id),
	    .emitted_us = 1700000000000000 + (int64_t)number,
	    .hash = number,
	    .state = CALL_CONNECTED,
	    .queue_call = -1,
	    .started_us = EVENT_NO_TIME,
	    .duration_s = EVENT_NO_NUMBER,
	    .from_number = text_of("+14155550100"),
	    .to_number = text_of("+14155550101"),
	};
}

/* Appends events with the numbers first..first+count-1, each its own call. */
static inline bool append_many(struct spool *spool, uint64_t first,
			       size_t count, struct err *err)
{
	struct made *made = calloc(count, sizeof(*made));
	const struct event **events = calloc(count, sizeof(*events));
	bool done = false;

	if (made && events) {
		for (size_t i = 0; i < count; i++) {
			make_event(&made[i], (unsigned)(first + i), first + i);
			events[i] = &made[i].event;
		}
		done = spool_append(spool, events, count, WAIT_MS, err);
	}
	free(made);
	free(events);
	return done;
}

/* Counts into seen[number], for numbers below `max`, what the spool gives until
 * it is empty. False when a call failed. */
static inline bool drain(struct spool *spool, unsigned *seen, size_t max,
			 struct err *err)
{
	struct spool_batch batch;
	bool good = true;

	for (;;) {
		if (!spool_read(spool, 500, &batch, WAIT_MS, err))
			return false;
		if (batch.count == 0)
			break;
		for (size_t i = 0; i < batch.count; i++)
			if (batch.events[i]->hash < max)
				seen[batch.events[i]->hash]++;
		good =
		    spool_remove(spool, batch.rows, batch.count, WAIT_MS, err);
		spool_batch_free(&batch);
		if (!good)
			return false;
	}
	spool_batch_free(&batch);
	return true;
}

static inline size_t count_events(struct spool *spool)
{
	struct spool_usage usage = {0};
	struct err err = {0};

	if (!spool_usage(spool, &usage, WAIT_MS, &err))
		diag("usage: %s", err.text);
	return usage.rows;
}

/* Opens, and shows and gives the first notice. */
static inline struct spool *open_noticed(const char *path,
					 char notice[SPOOL_NOTICE])
{
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);

	notice[0] = '\0';
	if (!spool)
		diag("open: %s", err.text);
	else
		spool_take_notice(spool, notice);
	return spool;
}

/* Another process that has the file to itself, as an administrator might, until
 * it is told to let go. */
struct holder {
	pid_t pid;
	int let_go;
};

static inline struct holder fixture_hold(const char *path)
{
	struct holder holder = {0};
	int ready[2], done[2];
	char byte;

	if (pipe(ready) != 0 || pipe(done) != 0)
		diag("no pipe");
	fflush(stdout);
	holder.pid = fork();
	if (holder.pid == 0) {
		close(done[1]);
		dup2(done[0], 0);
		dup2(ready[1], 1);
		execlp("sqlite3", "sqlite3", "-cmd", "BEGIN EXCLUSIVE", "-cmd",
		       ".print x", path, (char *)NULL);
		_exit(127);
	}
	close(done[0]);
	close(ready[1]);
	ok(read(ready[0], &byte, 1) == 1, "another process holds the file");
	close(ready[0]);
	holder.let_go = done[1];
	return holder;
}

static inline void fixture_let_go(struct holder holder)
{
	close(holder.let_go);
	waitpid(holder.pid, NULL, 0);
}

#endif
