/* spool_close - a handle that is closed takes no other handle's lock away.
 *
 * Closing any descriptor of a file drops all locks that the process has on it;
 * SQLite closes none while it knows of a lock, but looks a moment too early.
 * This program puts itself before the C library, stays in that moment until
 * another thread did what it can, and lets another process try to come in. */
#include "../spool_fixture.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { SHORT_MS = 100 };

static char path[FIXTURE_PATH];

/* ------------------------------------------------- the crowd: one process */

/* Where the writer is held up. */
enum place { NOWHERE, BEFORE_LOCK, IN_TRANSACTION };

static struct {
	struct spool *first, *second; /* to be closed */
	struct spool *spool;          /* the writer's */
	pthread_t closer, writer;
	atomic_bool closing;
	_Atomic enum place hold;
	sem_t moved, held, idle, go; /* of the writer */
} crowd;

#define EXPORT __attribute__((visibility("default")))

EXPORT int close(int fd);
EXPORT int lstat(const char *name, struct stat *st);
EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at);

static bool is_spool(int fd)
{
	char link[64], name[FIXTURE_PATH];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t len = readlink(link, name, sizeof(name) - 1);
	if (len < 0)
		return false;
	name[len] = '\0';
	return strcmp(name, path) == 0;
}

int close(int fd)
{
	if (crowd.closing && pthread_equal(pthread_self(), crowd.closer) &&
	    is_spool(fd)) {
		crowd.closing = false;
		sem_post(&crowd.go);
		sem_wait(&crowd.moved);
	}
	return (int)syscall(SYS_close, fd);
}

static void hold(enum place place)
{
	if (crowd.hold != place || !pthread_equal(pthread_self(), crowd.writer))
		return;
	crowd.hold = NOWHERE;
	sem_post(&crowd.moved);
	sem_post(&crowd.held);
	sem_wait(&crowd.go);
}

/* By which it sees, once it came in, that the file is still the same. */
int lstat(const char *name, struct stat *st)
{
	hold(BEFORE_LOCK);
	return fstatat(AT_FDCWD, name, st, AT_SYMLINK_NOFOLLOW);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	hold(IN_TRANSACTION);
	return syscall(SYS_pwrite64, fd, bytes, len, at);
}

static bool write_one(unsigned number, unsigned wait_ms)
{
	struct err err = {0};
	struct made made;
	const struct event *event = &made.event;

	make_event(&made, number, number);
	bool done = spool_append(crowd.spool, &event, 1, wait_ms, &err);
	sem_post(&crowd.moved);
	if (!done)
		diag("append: %s", err.text);
	return done;
}

/* Comes while another handle is being closed, and again. */
static void *write_some(void *argument)
{
	bool *appended = argument;

	sem_wait(&crowd.go);
	*appended = write_one(1, SHORT_MS) || write_one(1, WAIT_MS);
	sem_post(&crowd.idle);
	sem_wait(&crowd.go);
	*appended = write_one(2, WAIT_MS) && *appended;
	return NULL;
}

static bool exchange(int in, int out)
{
	char byte = 'x';

	return write(out, &byte, 1) == 1 && read(in, &byte, 1) == 1;
}

/* The closing ends, for nobody is in; the writer comes after it. */
static bool close_first(int in, int out)
{
	crowd.hold = IN_TRANSACTION;
	crowd.closing = true;
	spool_close(crowd.first);
	sem_wait(&crowd.held);
	bool good = exchange(in, out);
	sem_post(&crowd.go);
	sem_wait(&crowd.idle);
	return good;
}

/* The writer is in, but has no lock of SQLite's yet: it cannot be closed. */
static bool close_second(int in, int out)
{
	crowd.hold = BEFORE_LOCK;
	sem_post(&crowd.go);
	sem_wait(&crowd.held);
	while (sem_trywait(&crowd.moved) == 0)
		;
	crowd.hold = IN_TRANSACTION;
	crowd.closing = true;
	spool_close(crowd.second);
	if (crowd.closing) /* it was not */
		sem_post(&crowd.go);
	sem_wait(&crowd.held);
	bool good = exchange(in, out);
	sem_post(&crowd.go);
	return good;
}

static int run_crowd(int in, int out)
{
	struct err err;
	bool appended = false;

	sem_init(&crowd.moved, 0, 0);
	sem_init(&crowd.held, 0, 0);
	sem_init(&crowd.idle, 0, 0);
	sem_init(&crowd.go, 0, 0);
	crowd.first = spool_open(path, SPOOL_BYTES, &err);
	crowd.second = spool_open(path, SPOOL_BYTES, &err);
	crowd.spool = spool_open(path, SPOOL_BYTES, &err);
	bool good = exchange(in, out);
	crowd.closer = pthread_self();
	if (pthread_create(&crowd.writer, NULL, write_some, &appended) != 0)
		return 2;
	good = close_first(in, out) && good;
	good = close_second(in, out) && good;
	pthread_join(crowd.writer, NULL);
	spool_close(crowd.spool);
	return good && appended ? 0 : 1;
}

/* ------------------------------------------------- the rival: another one */

static bool is_kept_out(struct spool *spool)
{
	struct made made;
	const struct event *event = &made.event;
	struct err err = {0};

	make_event(&made, 3, 3);
	return !spool_append(spool, &event, 1, SHORT_MS, &err) &&
	       err.kind == ERR_TIMEOUT;
}

int main(void)
{
	char *folder = fixture_folder(false);
	int to_crowd[2], to_rival[2], status = -1;
	unsigned seen[5] = {0};
	struct err err = {0};
	char byte;

	snprintf(path, sizeof(path), "%s/spool.db", folder);
	if (pipe(to_crowd) != 0 || pipe(to_rival) != 0)
		return 1;
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(60);
		_exit(run_crowd(to_crowd[0], to_rival[1]));
	}
	syscall(SYS_close, to_rival[1]);
	if (read(to_rival[0], &byte, 1) != 1)
		diag("the crowd died");
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	if (!exchange(to_rival[0], to_crowd[1]))
		diag("the crowd died");
	ok(is_kept_out(spool),
	   "who writes keeps its lock when a thread beside it closes a handle");
	if (!exchange(to_rival[0], to_crowd[1]))
		diag("the crowd died");
	ok(is_kept_out(spool),
	   "and when the closing would have to wait too long for it");
	if (write(to_crowd[1], "x", 1) != 1)
		diag("the crowd died");
	waitpid(pid, &status, 0);
	ok(status == 0, "its events are appended");
	ok(append_many(spool, 4, 1, &err) && drain(spool, seen, 5, &err),
	   "then others come in");
	ok(seen[1] == 1 && seen[2] == 1 && seen[3] == 0 && seen[4] == 1,
	   "nothing is lost");
	spool_close(spool);
	fixture_remove(folder);
	free(folder);
	return tap_done();
}
