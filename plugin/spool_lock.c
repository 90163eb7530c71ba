/* spool_lock - see spool_lock.h. */
#include "spool_lock.h"

#include "clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_US = 500 };

/* Bytes of the file. Everybody passes the gate; who wants to be alone keeps it
 * shut. */
enum { BYTE_CLAIM, BYTE_GATE, BYTE_USE };

struct spool_lock {
	char *path; /* owned */
	int fd;
};

struct spool_lock *spool_lock_new(const char *path)
{
	struct spool_lock *lock = calloc(1, sizeof(*lock));

	if (!lock)
		return NULL;
	lock->fd = -1;
	lock->path = strdup(path);
	if (lock->path)
		return lock;
	spool_lock_free(lock);
	return NULL;
}

void spool_lock_free(struct spool_lock *lock)
{
	if (!lock)
		return;
	if (lock->fd >= 0)
		close(lock->fd);
	free(lock->path);
	free(lock);
}

static bool open_file(struct spool_lock *lock, struct err *err)
{
	int fd =
	    open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	char text[128];

	if (fd >= 0) {
		if (lock->fd >= 0)
			close(lock->fd);
		lock->fd = fd;
		return true;
	}
	int code = errno;
	enum err_kind kind = code == ENOSPC || code == EDQUOT ? ERR_FULL
			     : code == EACCES || code == EPERM ||
				     code == EROFS || code == ELOOP ||
				     code == EISDIR
				 ? ERR_CONFIG
				 : ERR_INTERNAL;
	return err_set(err, kind, "cannot open '%s': %s", lock->path,
		       strerror_r(code, text, sizeof(text)));
}

/* Locks on a file that somebody deleted would be seen by nobody. */
static bool have_file(struct spool_lock *lock, struct err *err)
{
	struct stat named, held;

	if (lock->fd >= 0 && fstat(lock->fd, &held) == 0 &&
	    stat(lock->path, &named) == 0 && held.st_dev == named.st_dev &&
	    held.st_ino == named.st_ino)
		return true;
	return open_file(lock, err);
}

static bool set(const struct spool_lock *lock, short type, off_t byte)
{
	struct flock range = {
	    .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
	int code;

	do
		code = fcntl(lock->fd, F_OFD_SETLK, &range);
	while (code < 0 && errno == EINTR);
	return code == 0;
}

static bool set_until(const struct spool_lock *lock, short type, off_t byte,
		      uint64_t deadline_ns)
{
	struct timespec pause = {.tv_nsec = WAIT_US * 1000};

	while (!set(lock, type, byte)) {
		if (clock_ns() >= deadline_ns)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

bool spool_lock_enter(struct spool_lock *lock, bool alone, uint64_t deadline_ns,
		      struct err *err)
{
	short type = alone ? F_WRLCK : F_RDLCK;

	if (!have_file(lock, err))
		return false;
	if (set_until(lock, type, BYTE_GATE, deadline_ns)) {
		bool in = set_until(lock, type, BYTE_USE, deadline_ns);

		if (!in || !alone)
			set(lock, F_UNLCK, BYTE_GATE);
		if (in)
			return true;
	}
	return err_set(err, ERR_TIMEOUT, "the spool is in use");
}

void spool_lock_leave(struct spool_lock *lock)
{
	set(lock, F_UNLCK, BYTE_USE);
	set(lock, F_UNLCK, BYTE_GATE);
}

bool spool_lock_claim(struct spool_lock *lock)
{
	struct err ignored;

	return have_file(lock, &ignored) && set(lock, F_WRLCK, BYTE_CLAIM);
}

void spool_lock_release(struct spool_lock *lock)
{
	if (lock->fd >= 0)
		set(lock, F_UNLCK, BYTE_CLAIM);
}
