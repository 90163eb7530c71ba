/* spool_place - the names in the file system that belong to a spool: where they
 * are, whose, and how they change. It never opens the file itself: closing it
 * again would drop the locks that SQLite has on it in this process. */
#ifndef CALL_LOG_SPOOL_PLACE_H
#define CALL_LOG_SPOOL_PLACE_H

#include "err.h"

#include <stdbool.h>
#include <sys/types.h>

enum { SPOOL_PLACE_ASIDE = 300 };

/* Owned strings, absolute and without links. */
struct spool_place {
	char *folder, *path, *journal, *new_path, *new_journal, *lock;
};

/* A file is told from others by these, as long as somebody has it open. */
struct spool_identity {
	dev_t device;
	ino_t inode; /* 0: no file */
};

/* Makes the folder if it is missing. NULL with ERR_CONFIG (it cannot be made or
 * written, or is not safe from other users) or ERR_NO_MEMORY. */
struct spool_place *spool_place_open(const char *path, struct err *err);
void spool_place_close(struct spool_place *place); /* NULL is allowed */

bool spool_place_identify(const char *path, struct spool_identity *identity);
bool spool_identity_equal(const struct spool_identity *a,
			  const struct spool_identity *b);

enum spool_found_file {
	SPOOL_FOUND_NOTHING,
	SPOOL_FOUND_FILE,
	SPOOL_FOUND_EMPTY, /* a file without a byte */
	SPOOL_FOUND_OTHER /* no file at all, but an empty folder, a link, ... */
};
/* The folder is made anew when it is missing. False with ERR_CONFIG: it, or what
 * the path names, is not to be used. */
bool spool_place_check_folder(const struct spool_place *place, struct err *err);
bool spool_place_check(const struct spool_place *place,
		       enum spool_found_file *found,
		       struct spool_identity *identity, struct err *err);

/* Each fails with ERR_FULL or ERR_INTERNAL. */

/* An empty file as <path>.new, in place of any other. */
bool spool_place_make_new(const struct spool_place *place, struct err *err);
void spool_place_remove_new(const struct spool_place *place);
/* <path>.new becomes <path>, which must be missing. */
bool spool_place_adopt_new(const struct spool_place *place, struct err *err);

/* Renames what the path names, and its journal; `aside` says how. */
bool spool_place_set_aside(const struct spool_place *place,
			   char aside[SPOOL_PLACE_ASIDE], struct err *err);
/* The journal alone; `aside` is "" when there is none. */
bool spool_place_set_journal_aside(const struct spool_place *place,
				   char aside[SPOOL_PLACE_ASIDE],
				   struct err *err);

/* Makes the names durable. */
bool spool_place_sync(const struct spool_place *place, struct err *err);

#endif
