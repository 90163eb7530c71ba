/* spool_place - see spool_place.h. */
#include "spool_place.h"

#include "clock.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	ASIDE_TRIES = 1000,
	PATH_MAX_BYTES = 200 /* so that names and notices fit */
};

static bool fail(struct err *err, const char *what, const char *path)
{
	int code = errno;
	char text[128];
	enum err_kind kind =
	    code == ENOSPC || code == EDQUOT ? ERR_FULL : ERR_INTERNAL;

	return err_set(err, kind, "cannot %s '%s': %s", what, path,
		       strerror_r(code, text, sizeof(text)));
}

static bool out_of_memory(struct err *err)
{
	return err_set(err, ERR_NO_MEMORY, "out of memory");
}

/* ---------------------------------------------------------------- names */

static char *join(const char *a, const char *b, const char *c)
{
	char *joined = NULL;

	return asprintf(&joined, "%s%s%s", a, b, c) >= 0 ? joined : NULL;
}

/* The folder as an absolute path without links; made if missing. */
static char *find_folder(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == path ? strdup("/")
		       : slash       ? strndup(path, (size_t)(slash - path))
				     : strdup(".");
	char *real = NULL;

	if (!folder) {
		out_of_memory(err);
		return NULL;
	}
	if (mkdir(folder, 0700) == 0 || errno == EEXIST || errno == EROFS)
		real = realpath(folder, NULL);
	if (!real) {
		fail(err, "make the spool's folder", folder);
		err->kind = ERR_CONFIG;
	}
	free(folder);
	return real;
}

/* A link is followed, so that a file can lie elsewhere and renaming is of it.
 */
static char *find_path(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
		err_set(err, ERR_CONFIG, "'%s' names no file", path);
		return NULL;
	}
	char *real = realpath(path, NULL);
	if (real)
		return real;
	char *folder = find_folder(path, err);
	if (!folder)
		return NULL;
	real = join(folder, strcmp(folder, "/") == 0 ? "" : "/", name);
	free(folder);
	if (!real)
		out_of_memory(err);
	return real;
}

bool spool_place_check_folder(const struct spool_place *place, struct err *err)
{
	struct stat st;

	if (stat(place->folder, &st) != 0 && mkdir(place->folder, 0700) != 0) {
		fail(err, "make the spool's folder", place->folder);
	} else if (stat(place->folder, &st) != 0 ||
		   faccessat(AT_FDCWD, place->folder, W_OK | X_OK,
			     AT_EACCESS) != 0) {
		fail(err, "write in the spool's folder", place->folder);
	} else if (st.st_uid != geteuid() && st.st_uid != 0) {
		err_set(err, ERR_CONFIG,
			"the spool's folder '%s' belongs to user %u",
			place->folder, (unsigned)st.st_uid);
	} else if ((st.st_mode & S_IWOTH) && !(st.st_mode & S_ISVTX)) {
		err_set(err, ERR_CONFIG,
			"the spool's folder '%s' can be written by everybody",
			place->folder);
	} else {
		return true;
	}
	err->kind = ERR_CONFIG;
	return false;
}

static bool make_names(struct spool_place *place)
{
	const char *slash = strrchr(place->path, '/');
	size_t len = (size_t)(slash - place->path);

	place->folder = strndup(place->path, len > 0 ? len : 1);
	place->journal = join(place->path, "-journal", "");
	place->new_path = join(place->path, ".new", "");
	place->new_journal = join(place->path, ".new-journal", "");
	place->lock = join(place->path, ".lock", "");
	return place->folder && place->journal && place->new_path &&
	       place->new_journal && place->lock;
}

struct spool_place *spool_place_open(const char *path, struct err *err)
{
	struct spool_place *place = calloc(1, sizeof(*place));

	if (!place) {
		out_of_memory(err);
		return NULL;
	}
	place->path = find_path(path, err);
	if (place->path && strlen(place->path) > PATH_MAX_BYTES)
		err_set(err, ERR_CONFIG, "the spool's path is too long");
	else if (place->path && !make_names(place))
		out_of_memory(err);
	else if (place->path && spool_place_check_folder(place, err))
		return place;
	spool_place_close(place);
	return NULL;
}

void spool_place_close(struct spool_place *place)
{
	if (!place)
		return;
	free(place->folder);
	free(place->path);
	free(place->journal);
	free(place->new_path);
	free(place->new_journal);
	free(place->lock);
	free(place);
}

/* -------------------------------------------------------------- looking */

bool spool_place_identify(const char *path, struct spool_identity *identity)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return false;
	*identity = (struct spool_identity){st.st_dev, st.st_ino};
	return true;
}

bool spool_identity_equal(const struct spool_identity *a,
			  const struct spool_identity *b)
{
	return a->device == b->device && a->inode == b->inode;
}

/* Setting aside a folder with something in it would be a bad answer to a slip in
 * the configuration. */
static bool is_used_folder(const char *path)
{
	const struct dirent *entry = NULL;
	DIR *folder = opendir(path);

	if (!folder)
		return false;
	do
		entry = readdir(folder);
	while (entry && (strcmp(entry->d_name, ".") == 0 ||
			 strcmp(entry->d_name, "..") == 0));
	closedir(folder);
	return entry != NULL;
}

bool spool_place_check(const struct spool_place *place,
		       enum spool_found_file *found,
		       struct spool_identity *identity, struct err *err)
{
	struct stat st;

	*found = SPOOL_FOUND_NOTHING;
	if (lstat(place->path, &st) != 0)
		return errno == ENOENT || fail(err, "look at", place->path);
	*identity = (struct spool_identity){st.st_dev, st.st_ino};
	if (st.st_uid != geteuid())
		return err_set(err, ERR_CONFIG,
			       "the spool '%s' belongs to user %u, not to %u",
			       place->path, (unsigned)st.st_uid,
			       (unsigned)geteuid());
	if (S_ISDIR(st.st_mode) && is_used_folder(place->path))
		return err_set(err, ERR_CONFIG, "the spool '%s' is a folder",
			       place->path);
	*found = !S_ISREG(st.st_mode) ? SPOOL_FOUND_OTHER
		 : st.st_size == 0    ? SPOOL_FOUND_EMPTY
				      : SPOOL_FOUND_FILE;
	return true;
}

/* ------------------------------------------------------------- changing */

void spool_place_remove_new(const struct spool_place *place)
{
	unlink(place->new_journal);
	unlink(place->new_path);
}

/* SQLite gives the journal the owner and mode of its file. */
bool spool_place_make_new(const struct spool_place *place, struct err *err)
{
	spool_place_remove_new(place);
	int fd = open(place->new_path,
		      O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(err, "make", place->new_path);
	close(fd);
	return true;
}

bool spool_place_adopt_new(const struct spool_place *place, struct err *err)
{
	return rename(place->new_path, place->path) == 0 ||
	       fail(err, "rename", place->new_path);
}

/* A name beside the path that nobody has. */
static bool choose_aside(const struct spool_place *place,
			 char aside[SPOOL_PLACE_ASIDE], struct err *err)
{
	char now[CLOCK_TEXT], *to = now;
	struct stat st;

	clock_text(clock_wall_ms(), now);
	for (const char *from = now; *from; from++)
		if (isalnum((unsigned char)*from))
			*to++ = *from;
	*to = '\0';
	for (int i = 0; i < ASIDE_TRIES; i++) {
		int len = snprintf(aside, SPOOL_PLACE_ASIDE, "%s.aside-%s",
				   place->path, now);

		if (i > 0)
			snprintf(aside + len, SPOOL_PLACE_ASIDE - (size_t)len,
				 "-%d", i);
		if (lstat(aside, &st) != 0)
			return errno == ENOENT || fail(err, "look at", aside);
	}
	return err_set(err, ERR_INTERNAL, "too many files are called '%s'",
		       aside);
}

static bool rename_journal(const struct spool_place *place, const char *to,
			   struct err *err)
{
	return rename(place->journal, to) == 0 || errno == ENOENT ||
	       fail(err, "rename", place->journal);
}

/* The file first: without it, the journal is seen to be a stray one. */
bool spool_place_set_aside(const struct spool_place *place,
			   char aside[SPOOL_PLACE_ASIDE], struct err *err)
{
	char journal[SPOOL_PLACE_ASIDE + 16];

	if (!choose_aside(place, aside, err))
		return false;
	if (rename(place->path, aside) != 0)
		return fail(err, "rename", place->path);
	snprintf(journal, sizeof(journal), "%s-journal", aside);
	return rename_journal(place, journal, err);
}

bool spool_place_set_journal_aside(const struct spool_place *place,
				   char aside[SPOOL_PLACE_ASIDE],
				   struct err *err)
{
	struct stat st;

	aside[0] = '\0';
	if (lstat(place->journal, &st) != 0)
		return errno == ENOENT || fail(err, "look at", place->journal);
	return choose_aside(place, aside, err) &&
	       rename_journal(place, aside, err);
}

bool spool_place_sync(const struct spool_place *place, struct err *err)
{
	int fd = open(place->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool synced = fd >= 0 && fsync(fd) == 0;

	if (!synced)
		fail(err, "sync", place->folder);
	if (fd >= 0)
		close(fd);
	return synced;
}
