/* recording_file - a recording on the disk: first <name>.part, which grows and
 * survives a crash, then, when it is whole, <name> with the ending of its type. It
 * knows neither the network nor the database.
 *
 * A file without .part is whole and on the disk. */
#ifndef CALL_LOG_RECORDING_FILE_H
#define CALL_LOG_RECORDING_FILE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RECORDING_NAME_MAX = 100,
	RECORDING_MARK_MAX = 160,
	RECORDING_SHA256 = 32
};

/* What a whole file is. */
struct recording_facts {
	const char *media_type; /* a constant */
	uint64_t bytes;
	unsigned char sha256[RECORDING_SHA256];
	char path[RECORDING_NAME_MAX]; /* below the folder */
};

struct recording_file {
	const char *folder;            /* borrowed */
	char name[RECORDING_NAME_MAX]; /* "2026-11/17-0123456789abcdef" */
	int fd;                        /* of the .part; -1: closed */
	uint64_t bytes;                /* that it holds */
	/* a word of who fills it, that says what they are of; "": not known */
	char mark[RECORDING_MARK_MAX];
	struct evp_md_ctx_st *hash; /* owned; NULL: closed, or no memory */
	uint64_t hashed;            /* bytes of it */
};

/* All fail with ERR_FULL (there is no room), ERR_INTERNAL (the disk) or
 * ERR_NO_MEMORY; what was written stays. */

/* Opens the .part, with what an earlier attempt left. ERR_AWAY: another process
 * has it open. ERR_INPUT: the name is none. */
bool recording_file_open(struct recording_file *file, const char *folder,
			 const char *name, struct err *err);
/* Leaves the .part for another attempt. Harmless twice. */
void recording_file_close(struct recording_file *file);

bool recording_file_append(struct recording_file *file, const void *bytes,
			   size_t len, struct err *err);
/* What it holds is of no use; what follows is of what `mark` says. */
bool recording_file_empty(struct recording_file *file, const char *mark,
			  struct err *err);

/* All has come: makes it a whole file. ERR_INPUT: it is no sound; the .part is
 * gone then. Closes it. */
bool recording_file_finish(struct recording_file *file,
			   struct recording_facts *facts, struct err *err);

/* Whether there is a whole file of that name. */
bool recording_file_find(const char *folder, const char *name,
			 struct recording_facts *facts);

/* Removes whatever there is of that name. True also when there was nothing, and the
 * folder is the one (recording_folder.h). */
bool recording_file_erase(const char *folder, const char *name,
			  struct err *err);
/* The same of its .part alone. */
bool recording_file_erase_part(const char *folder, const char *name,
			       struct err *err);

#endif
