/* store - one connection to the schema `call_log`: whether it can be used, and
 * one group of statements at a time with a deadline. It waits for nothing, and
 * knows nothing of what is written (recorder.h) or asked (question.h) over it.
 *
 * Its owner, one thread, calls store_step() in a loop with store_wait()
 * between. A connection is used only after its schema was found to be new
 * enough; until then, and while there is none, the store is AWAY and mends
 * itself. */
#ifndef CALL_LOG_STORE_H
#define CALL_LOG_STORE_H

#include "db.h"
#include "err.h"
#include "health.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_state {
	STORE_AWAY,  /* cannot be used now */
	STORE_IDLE,  /* ready for a statement */
	STORE_BUSY,  /* a statement is under way */
	STORE_DONE,  /* it succeeded; read the result, then store_done() */
	STORE_FAILED /* it failed, see err; said once */
};

struct store_settings {
	const char *conninfo;  /* borrowed during store_new() */
	struct health *health; /* borrowed until store_free() */
	enum health_connection connection;
	unsigned patience_ms; /* see store_hopeless() */
};

struct store;

struct store *store_new(const struct store_settings *settings, struct err *err);
void store_free(struct store *store);

/* With STORE_FAILED err says why: ERR_AWAY (it may or may not have happened;
 * the same again is harmless), ERR_TIMEOUT (its time is over, or nearly so),
 * ERR_ROW or ERR_INTERNAL (the database refuses it; nothing happened),
 * ERR_SCHEMA. */
enum store_state store_step(struct store *store, struct err *err);

/* Waits until a step can do something, wake_fd is readable, or the time. */
void store_wait(struct store *store, int wake_fd, uint64_t until_ns);

/* Work has come: a store that is AWAY looks again soon. */
void store_hurry(struct store *store);

/* A statement of the owner is under way. */
bool store_is_busy(const struct store *store);

/* All of it is sent: the server works on it. */
bool store_is_sent(const struct store *store);

/* Whether the last that was heard of the database is that it cannot be used. */
bool store_is_away(const struct store *store);

/* For a store that is AWAY: whether nothing is gained by waiting for it,
 * because it has been so for longer than the patience (ERR_AWAY) or for want of
 * a schema (ERR_SCHEMA), and is not just now looking again; else ERR_NONE. */
enum err_kind store_hopeless(const struct store *store);

/* The statement that has just failed says more of the database than of what was
 * sent: it is away until one succeeds. */
void store_blame(struct store *store, const struct err *err);

/* What a group is: what reads, a transaction of its own, or what keeps events
 * that were refused (whatever refuses those is to be mended like a schema). */
enum store_group { STORE_READS, STORE_WRITES, STORE_REJECTS };

/* IDLE -> BUSY, in three steps: begin a group, queue each statement, go. Past
 * the deadline it fails. False: failed, see err; the group is forgotten. */
bool store_begin(struct store *store, enum store_group group,
		 uint64_t deadline_ns, struct err *err);
bool store_queue(struct store *store, const struct db_statement *statement,
		 struct err *err);
bool store_go(struct store *store, struct err *err);
/* Forgets a group that has begun and did not go; returns false. */
bool store_abandon(struct store *store, const struct err *err);

/* DONE: the results; the first statement that was queued is the first-th. */
const struct db *store_results(const struct store *store);
size_t store_first(const struct store *store);

/* Forgets the result: IDLE. */
void store_done(struct store *store);
/* The same, but text that was read of it stays until store_forget(). */
void store_keep(struct store *store);
void store_forget(struct store *store);

#endif
