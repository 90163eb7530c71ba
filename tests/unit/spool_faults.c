/* spool_faults - the disk fails, or the process dies, at every system call in
 * turn: what was acknowledged is there afterwards, nothing twice, and it works.
 *
 * The program puts itself before the C library: SQLite's and the plugin's calls
 * come here. */
#include "../spool_fixture.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { BEFORE = 3, MORE = 5, EVENTS = BEFORE + MORE, K_MAX = 2000 };

static char *folder;
static char path[FIXTURE_PATH];

/* ------------------------------------------------------------ the faults */

enum kind { WRITE = 1, SYNC = 2, NAME = 4, ALL = 7 };

/* The `at`-th call of those kinds fails, or is the process's last. */
static struct {
	unsigned kinds;
	int at;     /* 0: none */
	int error;  /* 0: die */
	bool after; /* die once it is done; a write: half */
	bool on;    /* fail from then on */
	int count;
} fault;

static void set_fault(unsigned kinds, int at, int error, bool option)
{
	fault.kinds = kinds;
	fault.at = at;
	fault.error = error;
	fault.after = fault.on = option;
	fault.count = 0;
}

static void die(void)
{
	raise(SIGKILL);
}

/* Whether this call is to fail; dies before it, or says to die after it. */
static bool strikes(enum kind kind, bool *last)
{
	*last = false;
	if (!fault.at || !(fault.kinds & kind))
		return false;
	fault.count++;
	if (fault.count < fault.at || (fault.count > fault.at && !fault.on))
		return false;
	if (fault.error) {
		errno = fault.error;
		return true;
	}
	if (!fault.after)
		die();
	*last = true;
	return false;
}

#define EXPORT __attribute__((visibility("default")))

EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at);
EXPORT int fdatasync(int fd);
EXPORT int fsync(int fd);
EXPORT int ftruncate64(int fd, off_t len);
EXPORT int unlink(const char *name);
EXPORT int rename(const char *from, const char *to);

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	bool last;

	if (strikes(WRITE, &last))
		return -1;
	ssize_t done =
	    syscall(SYS_pwrite64, fd, bytes, last ? len / 2 : len, at);
	if (last)
		die();
	return done;
}

#define INTERPOSE(kind, ...)                                                   \
	do {                                                                   \
		bool last;                                                     \
		if (strikes(kind, &last))                                      \
			return -1;                                             \
		int code = (int)syscall(__VA_ARGS__);                          \
		if (last)                                                      \
			die();                                                 \
		return code;                                                   \
	} while (0)

int fdatasync(int fd)
{
	INTERPOSE(SYNC, SYS_fdatasync, fd);
}

int fsync(int fd)
{
	INTERPOSE(SYNC, SYS_fsync, fd);
}

int ftruncate64(int fd, off_t len)
{
	INTERPOSE(WRITE, SYS_ftruncate, fd, len);
}

int unlink(const char *name)
{
	INTERPOSE(NAME, SYS_unlink, name);
}

int rename(const char *from, const char *to)
{
	INTERPOSE(NAME, SYS_rename, from, to);
}

/* ------------------------------------------------------------ the oracle */

/* Shared with the child: what was acknowledged, and what may be. */
struct promise {
	bool there, gone;             /* acknowledged */
	bool maybe_there, maybe_gone; /* asked for */
};

static struct promise *promises; /* EVENTS of them */

static void clear_folder(void)
{
	fixture_remove(folder);
	mkdir(folder, 0700);
	memset(promises, 0, EVENTS * sizeof(*promises));
}

static bool append(struct spool *spool, unsigned first, unsigned count,
		   struct err *err)
{
	for (unsigned i = first; i < first + count; i++)
		promises[i].maybe_there = true;
	if (!append_many(spool, first, count, err))
		return false;
	for (unsigned i = first; i < first + count; i++)
		promises[i].there = true;
	return true;
}

static bool replay(struct spool *spool, struct err *err)
{
	struct spool_batch batch;

	if (!spool_read(spool, EVENTS, &batch, WAIT_MS, err))
		return false;
	for (size_t i = 0; i < batch.count; i++)
		promises[batch.events[i]->hash].maybe_gone = true;
	bool done = spool_remove(spool, batch.rows, batch.count, WAIT_MS, err);
	for (size_t i = 0; done && i < batch.count; i++)
		promises[batch.events[i]->hash].gone = true;
	spool_batch_free(&batch);
	return done;
}

/* What is there is what was promised, and it works. Unless `exact` a transaction
 * may have been tried twice, and an event be there so often. */
static bool verify(const char *what, int at, bool exact)
{
	char notice[SPOOL_NOTICE];
	struct err err = {0};
	struct spool *spool = open_noticed(path, notice);
	unsigned seen[EVENTS] = {0};
	bool good = spool && drain(spool, seen, EVENTS, &err);

	for (unsigned i = 0; good && i < EVENTS; i++) {
		const struct promise *promise = &promises[i];
		bool wrong =
		    (promise->there && !promise->maybe_gone && seen[i] == 0) ||
		    (!promise->maybe_there && seen[i] > 0) ||
		    (exact && promise->gone && seen[i] > 0) ||
		    seen[i] > (exact ? 1 : 2);

		if (wrong)
			diag("%s %d: event %u is there %u times", what, at, i,
			     seen[i]);
		good = !wrong;
	}
	good =
	    good && append_many(spool, 0, 2, &err) && count_events(spool) == 2;
	if (!good)
		diag("%s %d: %s %s", what, at, err.text, notice);
	spool_close(spool);
	return good;
}

/* -------------------------------------------------------------- what runs */

/* The folder with some acknowledged events, or without anything. */
static void begin_empty(void)
{
	clear_folder();
}

static void begin_some(void)
{
	struct err err = {0};

	clear_folder();
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	append(spool, 0, BEFORE, &err);
	spool_close(spool);
}

/* The file is damaged, but no event is: its index is. */
static void begin_damaged(void)
{
	begin_some();
	int fd = open(path, O_RDWR);
	if (pwrite(fd, "no format", 9, 60) != 9)
		diag("cannot damage");
	close(fd);
}

/* One of everything. Whether all of it worked. */
static bool cycle(struct err *err)
{
	bool good;
	struct spool *spool = spool_open(path, SPOOL_BYTES, err);

	if (!spool)
		return false;
	good = append(spool, BEFORE, MORE - 1, err);
	good &= replay(spool, err);
	good &= append(spool, EVENTS - 1, 1, err);
	spool_close(spool);
	return good;
}

/* A child dies at its K-th call, until one lives through all. */
static void test_dying(const char *what, void (*begin)(void), bool after)
{
	bool good = true;
	int k;

	for (k = 1; k < K_MAX; k++) {
		int status = 0;

		begin();
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			struct err err = {0};

			set_fault(ALL, k, 0, after);
			_exit(cycle(&err) ? 0 : 1);
		}
		waitpid(pid, &status, 0);
		if (!verify(what, k, true))
			good = false;
		if (WIFEXITED(status)) {
			good &= WEXITSTATUS(status) == 0;
			break;
		}
	}
	ok(good && k > 10 && k < K_MAX,
	   "%s: all acknowledged events survive death %s each of %d calls",
	   what, after ? "in" : "before", k - 1);
	char name[96];
	snprintf(name, sizeof(name), "spool_deaths_%s_%s", what,
		 after ? "in" : "before");
	figure(name, "%d", k - 1);
}

/* A handle that failed works again once the disk does. */
static bool recovers(struct spool *spool)
{
	uint64_t until = clock_after(clock_ns(), WAIT_MS);
	struct err err = {0};

	while (!append(spool, EVENTS - 1, 1, &err)) {
		if (clock_ns() > until) {
			diag("still: %s", err.text);
			return false;
		}
		sched_yield();
	}
	return true;
}

struct failures {
	int acknowledged, refused, full, aside;
};

/* The K-th call of a kind fails, until none does. */
static void test_failing(const char *what, void (*begin)(void), unsigned kinds,
			 int error, bool on)
{
	struct failures seen = {0};
	bool good = true;
	int k;

	for (k = 1; k < K_MAX; k++) {
		struct err err = {0};
		bool appended = false, replayed = false;

		begin();
		set_fault(kinds, k, error, on);
		struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
		if (spool) {
			appended = append(spool, BEFORE, MORE - 1, &err);
			seen.acknowledged += appended;
			seen.refused += !appended;
			seen.full += !appended && err.kind == ERR_FULL;
			replayed = replay(spool, &err);
		}
		bool struck = fault.count >= k;
		set_fault(0, 0, 0, false);
		spool_close(spool);
		seen.aside += count_names(folder, ".aside-");
		if (!verify(what, k, error != EIO))
			good = false;
		if (!struck) {
			good &= appended && replayed;
			break;
		}
	}
	ok(good && k > 5 && k < K_MAX,
	   "%s%s: no acknowledged event is lost, none doubled, it works after "
	   "(%d "
	   "calls)",
	   what, on ? ", from then on" : "", k - 1);
	if (error == EIO && on && begin == begin_some)
		ok(seen.refused > 0, "%s: what cannot be kept is refused",
		   what);
	if (error != EIO)
		ok(seen.aside == 0 && seen.full == seen.refused,
		   "%s%s: a full disk is told as such and costs no file", what,
		   on ? ", from then on" : "");
	diag("%s: %d acknowledged, %d refused, %d full, %d aside", what,
	     seen.acknowledged, seen.refused, seen.full, seen.aside);
}

/* An fsync that failed is final: the file is not written again. */
static void test_fsync_is_final(void)
{
	char notice[SPOOL_NOTICE];
	struct err err = {0};
	struct stat before, after;

	begin_some();
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	stat(path, &before);
	set_fault(SYNC, 1, EIO, false);
	ok(append(spool, BEFORE, 1, &err),
	   "an event is kept in a fresh file when an fsync fails once");
	set_fault(0, 0, 0, false);
	stat(path, &after);
	ok(before.st_ino != after.st_ino && spool_take_notice(spool, notice) &&
	       strstr(notice, ".aside-"),
	   "the file on which it failed is set aside and named");
	diag("%s", notice);
	ok(count_events(spool) == BEFORE + 1,
	   "what it held is in the fresh one");
	set_fault(SYNC, 1, EIO, true);
	ok(!append(spool, BEFORE + 1, 1, &err) && err.kind == ERR_INTERNAL,
	   "when all fail the event is refused");
	diag("%s", err.text);
	int calls = fault.count;
	ok(!append(spool, BEFORE + 1, 1, &err) && fault.count == calls,
	   "and the disk is left alone for a while");
	set_fault(0, 0, 0, false);
	ok(recovers(spool), "until it works again");
	spool_close(spool);
	ok(verify("fsync", 0, false), "nothing is lost or doubled");
}

int main(void)
{
	folder = fixture_folder(false);
	snprintf(path, sizeof(path), "%s/spool.db", folder);
	int fd = (int)syscall(SYS_memfd_create, "promises", 0u);
	size_t bytes = EVENTS * sizeof(*promises);
	if (ftruncate(fd, (off_t)bytes) != 0)
		return 1;
	promises = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (promises == MAP_FAILED)
		return 1;

	for (int after = 0; after < 2; after++) {
		test_dying("first", begin_empty, after);
		test_dying("again", begin_some, after);
		test_dying("damaged", begin_damaged, after);
	}
	for (int on = 0; on < 2; on++) {
		test_failing("write fails", begin_some, WRITE, EIO, on);
		test_failing("fsync fails", begin_some, SYNC, EIO, on);
		test_failing("rename fails", begin_damaged, NAME, EIO, on);
		test_failing("all fails", begin_damaged, ALL, EIO, on);
		test_failing("no space", begin_some, WRITE, ENOSPC, on);
		test_failing("quota exceeded", begin_some, WRITE, EDQUOT, on);
	}
	test_fsync_is_final();
	fixture_remove(folder);
	free(folder);
	return tap_done();
}
