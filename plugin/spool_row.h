/* spool_row - an event as a row of the spool's table `event`: a column for each
 * member, by its name, and a checksum over all. It knows no file and decides
 * nothing about one. */
#ifndef CALL_LOG_SPOOL_ROW_H
#define CALL_LOG_SPOOL_ROW_H

#include "call.h"
#include "sqlite.h"

/* Stored as user_version. A later version may add columns. */
enum { SPOOL_ROW_FORMAT = 1 };

/* Makes the table. Rows are named above `after`. */
bool spool_row_create(struct sqlite *db, int64_t after, struct err *err);

/* NULL: see sqlite_prepare(). `where` follows FROM event; its parameters are
 * the caller's. */
struct sqlite_statement *spool_row_insert(struct sqlite *db, struct err *err);
struct sqlite_statement *spool_row_select(struct sqlite *db, const char *where,
					  struct err *err);

/* Runs an insert. Row 0: a new name; else that name, unless it is taken. */
bool spool_row_write(struct sqlite_statement *insert, int64_t row,
		     const struct event *event, struct err *err);

/* Where a select stands. The row's name, also if NULL is returned: with
 * ERR_NO_MEMORY, or ERR_ROW when the row is not what was written. */
struct event *spool_row_read(struct sqlite_statement *select, int64_t *row,
			     struct err *err);

/* About how much memory the event takes. */
size_t spool_row_bytes(const struct event *event);

#endif
