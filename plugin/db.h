/* db - one connection to PostgreSQL that never blocks: it connects by itself,
 * with a deadline and back-off, and carries one group of statements at a time.
 * It knows neither tables nor what a failed statement means for a call. The
 * only user of libpq.
 *
 * Its owner, one thread, calls db_step() in a loop with db_wait() between:
 *
 *     DOWN -> CONNECTING -> IDLE -> (db_queue.. db_go) BUSY -> DONE -> IDLE
 *
 * and falls back to DOWN from anywhere. A group is one pipeline with a sync at
 * its end; without BEGIN it is one implicit transaction. After a group the
 * connection is outside any transaction, whatever happened. Statements have no
 * names, so that it passes through a pooler in transaction mode; those that
 * repeat are prepared once the server itself has answered (db_answers). */
#ifndef CALL_LOG_DB_H
#define CALL_LOG_DB_H

#include "call.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum db_state { DB_DOWN, DB_CONNECTING, DB_IDLE, DB_BUSY, DB_DONE };

enum { DB_PARAMS_MAX = 40 };

/* A statement and its parameters, all in binary form. Borrowed by db_queue().
 */
struct db_statement {
	const char *sql;
	int count;
	const uint32_t *types; /* object ids */
	const char *const *values;
	const int *lengths;
	bool repeats; /* it is sent again and again, and sql stays there */
};

struct db;

/* [any] Whether libpq can read the string; the error names the option it is of
 * and never quotes a value. */
bool db_check_conninfo(const char *option, const char *conninfo,
		       struct err *err);

/* Connects to nothing yet. `connect_ms` bounds one attempt, and the lookup
 * of a name before it. */
struct db *db_new(const char *conninfo, unsigned connect_ms, struct err *err);
void db_free(struct db *db);

/* Does what can be done without waiting. err->kind is ERR_NONE unless in this
 * step the connection was lost or an attempt to make one failed. */
enum db_state db_step(struct db *db, struct err *err);

/* Waits until a step can do something, wake_fd is readable, or the time. */
void db_wait(struct db *db, int wake_fd, uint64_t until_ns);

/* IDLE: adds a statement to the group. On failure the connection is dropped. */
bool db_queue(struct db *db, const struct db_statement *statement,
	      struct err *err);
/* What pg_backend_pid() says: whether there is a pooler in between. */
void db_answers(struct db *db, int32_t pid);
/* Whether the server's session is this connection's alone: what is set there
 * stays, and is seen by nobody else. */
bool db_is_alone(const struct db *db);
/* Sends the group: BUSY. */
bool db_go(struct db *db, struct err *err);
/* BUSY: whether all of it is on its way; the rest goes by db_step(). */
bool db_is_sent(const struct db *db);

/* DONE: the results, by a statement's position in its group. Text is borrowed
 * until db_done(). */
const struct err *db_error(const struct db *db); /* of the first that failed */
size_t db_count(const struct db *db);            /* of results */
bool db_tag_is(const struct db *db, size_t statement, const char *tag);
int db_rows(const struct db *db, size_t statement);
bool db_is_null(const struct db *db, size_t statement, int row, int column);
int32_t db_int4(const struct db *db, size_t statement, int row, int column);
int64_t db_int8(const struct db *db, size_t statement, int row, int column);
struct text db_text(const struct db *db, size_t statement, int row, int column);

/* Forgets the results: IDLE. */
void db_done(struct db *db);
/* The same, but text that was read of them stays until db_forget(), or to the
 * next db_keep(). */
void db_keep(struct db *db);
void db_forget(struct db *db);

/* The payload of the next notification that has come, also while a group is
 * under way; false: none has. What a step takes in stays until it is asked for
 * or the connection falls. */
enum { DB_PAYLOAD = 8000 }; /* PostgreSQL's own limit */
bool db_notification(struct db *db, char payload[DB_PAYLOAD]);

/* The connection works: the next failure is the first. */
void db_proved(struct db *db);
/* Whether, should the connection fall, its server is the first to be tried
 * again; false until told. */
void db_prefer(struct db *db, bool preferred);
/* Closes the connection: DOWN. The next attempt comes at once after a first
 * failure, and later and later after more. */
void db_drop(struct db *db);
/* Somebody waits: the next attempt comes at once, unless the last one failed
 * just now. */
void db_hurry(struct db *db);
/* Failures since db_proved(). */
unsigned db_failures(const struct db *db);
/* Whether there is a connection or an attempt at one, and when that began. */
bool db_is_trying(const struct db *db);
uint64_t db_attempt_ns(const struct db *db);

#endif
