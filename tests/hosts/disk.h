/* disk - what the driver's disk does to a plugin: it is full, it fails, it can
 * only be read, and the process dies at its Nth call. The functions of libc that
 * it stands before are the program's, so the plugin's and its libraries' calls
 * come here first; nothing is changed until it is told to. It knows nothing of
 * plugins. */
#ifndef TESTS_HOSTS_DISK_H
#define TESTS_HOSTS_DISK_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DISK_EXPORT __attribute__((visibility("default")))

static atomic_long disk_calls;       /* that change something, so far */
static atomic_long disk_last;        /* the one that is the last; 0: none */
static atomic_long disk_left = -1;   /* bytes that files may grow by; -1: any */
static atomic_int disk_full;         /* the error when they may not */
static atomic_long disk_write_fails; /* the next so many writes; -1: all */
static atomic_long disk_sync_fails;  /* and syncs */
static atomic_bool disk_is_read_only;
static atomic_long disk_user = -1;    /* who geteuid() says we are; -1: we */
static atomic_ulong disk_failed_file; /* its inode; 0: none */
static atomic_long disk_touched;      /* how often it was written since */

/* ----------------------------------------------------------------- dying */

static bool disk_is_last(void)
{
	long last = atomic_load(&disk_last);

	return atomic_fetch_add(&disk_calls, 1) + 1 == last && last > 0;
}

static void disk_die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static long disk_done(long result, bool last)
{
	if (last)
		disk_die();
	return result;
}

/* --------------------------------------------------------------- failing */

static bool disk_is_regular(int fd, struct stat *st)
{
	return fstat(fd, st) == 0 && S_ISREG(st->st_mode);
}

static bool disk_take_one(atomic_long *count)
{
	long left = atomic_load(count);

	while (left > 0 &&
	       !atomic_compare_exchange_weak(count, &left, left - 1))
		continue;
	return left != 0;
}

static bool disk_fails(const struct stat *st, atomic_long *count)
{
	if (st->st_ino == atomic_load(&disk_failed_file))
		atomic_fetch_add(&disk_touched, 1);
	if (!disk_take_one(count))
		return false;
	atomic_store(&disk_failed_file, st->st_ino);
	errno = EIO;
	return true;
}

/* How much of the write has room. */
static size_t disk_room(const struct stat *st, size_t len, off_t at)
{
	long grows = (long)(at + (off_t)len - st->st_size);
	long left = atomic_load(&disk_left);

	if (left < 0 || grows <= 0)
		return len;
	if (grows <= left) {
		atomic_fetch_sub(&disk_left, grows);
		return len;
	}
	return 0;
}

static bool disk_refuses(void)
{
	if (atomic_load(&disk_is_read_only))
		errno = EROFS;
	return atomic_load(&disk_is_read_only);
}

/* ------------------------------------------------------ before libc's own */

DISK_EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at);
DISK_EXPORT int ftruncate64(int fd, off_t len);

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
	bool last = disk_is_last();
	struct stat st;

	if (disk_is_regular(fd, &st)) {
		if (disk_fails(&st, &disk_write_fails))
			return -1;
		if (disk_room(&st, len, at) < len) {
			errno = atomic_load(&disk_full);
			return -1;
		}
	}
	return disk_done(
	    syscall(SYS_pwrite64, fd, bytes, last ? len / 2 : len, at), last);
}

DISK_EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	return pwrite64(fd, bytes, len, at);
}

static int disk_sync(int fd, long call)
{
	bool last = disk_is_last();
	struct stat st;

	if (disk_is_regular(fd, &st) && disk_fails(&st, &disk_sync_fails))
		return -1;
	return (int)disk_done(syscall(call, fd), last);
}

DISK_EXPORT int fdatasync(int fd)
{
	return disk_sync(fd, SYS_fdatasync);
}

DISK_EXPORT int fsync(int fd)
{
	return disk_sync(fd, SYS_fsync);
}

int ftruncate64(int fd, off_t len)
{
	bool last = disk_is_last();
	struct stat st;

	if (disk_is_regular(fd, &st) && atomic_load(&disk_left) >= 0)
		atomic_fetch_add(&disk_left, (long)(st.st_size - len));
	return (int)disk_done(syscall(SYS_ftruncate, fd, len), last);
}

DISK_EXPORT int unlink(const char *name)
{
	bool last = disk_is_last();
	struct stat st;

	if (disk_refuses())
		return -1;
	if (atomic_load(&disk_left) >= 0 && lstat(name, &st) == 0)
		atomic_fetch_add(&disk_left, (long)st.st_size);
	return (int)disk_done(syscall(SYS_unlink, name), last);
}

DISK_EXPORT int rename(const char *from, const char *to)
{
	bool last = disk_is_last();

	if (disk_refuses())
		return -1;
	return (int)disk_done(syscall(SYS_rename, from, to), last);
}

DISK_EXPORT int mkdir(const char *name, mode_t mode)
{
	bool last = disk_is_last();

	if (disk_refuses())
		return -1;
	return (int)disk_done(syscall(SYS_mkdir, name, mode), last);
}

DISK_EXPORT ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
	bool last = disk_is_last();

	return disk_done(syscall(SYS_sendto, fd, bytes, last ? len / 2 : len,
				 flags, NULL, 0),
			 last);
}

DISK_EXPORT int faccessat(int fd, const char *name, int mode, int flags)
{
	if ((mode & W_OK) && disk_refuses())
		return -1;
	return (int)syscall(SYS_faccessat2, fd, name, mode, flags);
}

DISK_EXPORT uid_t geteuid(void)
{
	long user = atomic_load(&disk_user);

	return user >= 0 ? (uid_t)user : (uid_t)syscall(SYS_geteuid);
}

/* -------------------------------------------------------------- commands */

/* The number that is the answer; -1: no such command. */
static long disk_obey(const char *what, long number)
{
	if (strcmp(what, "calls") == 0)
		return atomic_load(&disk_calls);
	if (strcmp(what, "touched") == 0)
		return atomic_exchange(&disk_touched, 0);
	if (strcmp(what, "die") == 0) {
		atomic_store(&disk_calls, 0);
		atomic_store(&disk_last, number);
	} else if (strcmp(what, "grow") == 0) {
		atomic_store(&disk_full, ENOSPC);
		atomic_store(&disk_left, number);
	} else if (strcmp(what, "quota") == 0) {
		atomic_store(&disk_full, EDQUOT);
		atomic_store(&disk_left, number);
	} else if (strcmp(what, "fail_write") == 0) {
		atomic_store(&disk_write_fails, number);
	} else if (strcmp(what, "fail_sync") == 0) {
		atomic_store(&disk_sync_fails, number);
	} else if (strcmp(what, "read_only") == 0) {
		atomic_store(&disk_is_read_only, number != 0);
	} else if (strcmp(what, "user") == 0) {
		atomic_store(&disk_user, number);
	} else {
		return -1;
	}
	return 0;
}

#endif
