/* spool_file - which file the spool is: it makes it, watches that it stays the
 * same, and replaces it when it cannot be trusted any more. It does not know
 * what is done with events, only how to carry them from one file to another.
 *
 * Processes and threads agree by locks on bytes of "<path>.lock": whoever uses
 * the file shares it, whoever replaces it has it alone. */
#ifndef CALL_LOG_SPOOL_FILE_H
#define CALL_LOG_SPOOL_FILE_H

#include "sqlite.h"

#include <stdbool.h>
#include <stdint.h>

enum { SPOOL_FILE_NOTICE = 512 };

enum spool_file_statement {
	SPOOL_FILE_INSERT, /* spool_row_write() */
	SPOOL_FILE_OLDEST, /* of ?1 rows the first ?2, each its call's oldest */
	SPOOL_FILE_CALL,   /* of account ?1, agent ?2, session id ?3 */
	SPOOL_FILE_ZEROES, /* of account ?1, agent ?2: calls named "0" */
	SPOOL_FILE_REMOVE, /* row ?1 */
	SPOOL_FILE_STATEMENTS
};

struct spool_file;

/* NULL with ERR_CONFIG or ERR_NO_MEMORY. Does not touch the file itself. */
struct spool_file *spool_file_open(const char *path, uint64_t max_bytes,
				   struct err *err);
/* `inherited`: by a fork; then only memory is freed. */
void spool_file_close(struct spool_file *file, bool inherited);

/* Begins to use the file: until spool_file_end() nobody replaces it. It may
 * have been made or replaced before. False: it cannot be used now, see err. */
bool spool_file_begin(struct spool_file *file, uint64_t deadline_ns,
		      struct err *err);

/* Between begin and end. */
struct sqlite *spool_file_db(struct spool_file *file);
struct sqlite_statement *
spool_file_statement(struct spool_file *file,
		     enum spool_file_statement statement);
/* Whether a commit leaves the journal its blocks, to be used again, and with
 * them what was in the file before; so it is until told, and at the end of the
 * use it must be. */
void spool_file_keep_journal(struct spool_file *file, bool kept);
/* Whether the file is still what its path names: what was written to one that
 * is not will not be found again. */
bool spool_file_is_current(const struct spool_file *file);

/* `err` is why the use failed, or NULL. True: begin anew, for the file was
 * found to be unfit and the next begin replaces it. */
bool spool_file_end(struct spool_file *file, const struct err *err);

bool spool_file_claim(struct spool_file *file);
void spool_file_release(struct spool_file *file);

bool spool_file_take_notice(struct spool_file *file,
			    char notice[SPOOL_FILE_NOTICE]);

#endif
