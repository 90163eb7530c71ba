/* sqlite - one connection to an SQLite file, with deadlines, and with SQLite's
 * many errors sorted into the few that matter to an owner. The only file that
 * includes sqlite3.h. It knows no table, and is no pool: a connection is used
 * by one thread at a time, in the process that opened it. */
#ifndef CALL_LOG_SQLITE_H
#define CALL_LOG_SQLITE_H

#include "call.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The process's SQLite is the host's too: nothing global is configured. */
struct sqlite;
struct sqlite_statement;

/* What failures so far mean for the connection, the worst of them. */
enum sqlite_fault {
	SQLITE_FAULT_NONE,       /* it can be used on */
	SQLITE_FAULT_CONNECTION, /* close it; another may do better */
	SQLITE_FAULT_FILE        /* the file is damaged, or its disk failed */
};

enum sqlite_mode { SQLITE_MODE_CREATE, SQLITE_MODE_EXISTING };

/* Nothing is read or locked yet, so a file that is no database is found later.
 * NULL with ERR_NO_MEMORY, ERR_CONFIG (no right to write) or ERR_INTERNAL. */
struct sqlite *sqlite_open(const char *path, enum sqlite_mode mode,
			   struct err *err);
/* Frees its statements too. NULL is allowed. */
void sqlite_close(struct sqlite *db);

enum sqlite_fault sqlite_fault(const struct sqlite *db);

/* When to stop waiting for other connections' locks; at once at first. */
void sqlite_set_deadline(struct sqlite *db, uint64_t deadline_ns);

/* Which journal, before anything else is done with the file. A *kept* journal
 * stays when nothing is under way, so that its blocks need not be had and its
 * name not be made durable each time. `durable`: what is committed is on the
 * disk; else it survives the process only. */
enum sqlite_journal { SQLITE_JOURNAL_KEPT, SQLITE_JOURNAL_REMOVED };
bool sqlite_set_journal(struct sqlite *db, enum sqlite_journal journal,
			bool durable, struct err *err);

/* All that may fail does so with ERR_TIMEOUT (locked), ERR_FULL, ERR_NO_MEMORY,
 * or ERR_INTERNAL, and then a transaction is to be rolled back. */

/* Runs one statement whose rows nobody wants. */
bool sqlite_run(struct sqlite *db, const char *sql, struct err *err);
/* The first value of its first row; 0 when there is none. */
bool sqlite_number(struct sqlite *db, const char *sql, int64_t *number,
		   struct err *err);
/* The same as `sql` and a number, where no parameter is allowed. */
bool sqlite_set(struct sqlite *db, const char *sql, int64_t number,
		struct err *err);

/* Looks for damage for at most `budget_ms`; what is not reached counts as good.
 * False: see err, and sqlite_fault(). */
bool sqlite_check(struct sqlite *db, unsigned budget_ms, struct err *err);

/* A transaction that writes. A commit that failed has not happened, or, with
 * SQLITE_FAULT_FILE, may have. */
bool sqlite_begin(struct sqlite *db, struct err *err);
bool sqlite_commit(struct sqlite *db, struct err *err);
void sqlite_rollback(struct sqlite *db); /* harmless without one */

/* How many rows it changed since it was opened; to be compared with itself. */
unsigned sqlite_changes(const struct sqlite *db);

/* Owned by the connection. NULL: the file's tables are not as `sql` needs
 * (SQLITE_FAULT_FILE), or as above. */
struct sqlite_statement *sqlite_prepare(struct sqlite *db, const char *sql,
					struct err *err);

/* Parameters count from 1. Text is borrowed until the statement is reset. A
 * failure is remembered for the next step. */
void sqlite_bind_text(struct sqlite_statement *statement, int parameter,
		      struct text text); /* s == NULL: null */
void sqlite_bind_int(struct sqlite_statement *statement, int parameter,
		     int64_t number);
void sqlite_bind_null(struct sqlite_statement *statement, int parameter);

enum sqlite_step { SQLITE_STEP_ROW, SQLITE_STEP_END, SQLITE_STEP_FAILED };
enum sqlite_step sqlite_step(struct sqlite_statement *statement,
			     struct err *err);
/* To be called when its rows are read, or nobody wants more: until then it
 * keeps a lock. Unbinds all. */
void sqlite_reset(struct sqlite_statement *statement);
/* Steps to the end and resets. */
bool sqlite_finish(struct sqlite_statement *statement, struct err *err);

/* Columns count from 0; of another type: converted. Text is borrowed until the
 * next step. */
bool sqlite_is_null(struct sqlite_statement *statement, int column);
int64_t sqlite_int(struct sqlite_statement *statement, int column);
struct text sqlite_text(struct sqlite_statement *statement, int column);

#endif
