/* store - the SQL: what is asked of the schema `call_log`, over one connection.
 * The only file that names its functions. It waits for nothing, and decides
 * nothing about a call: the merge rule is SQL's, retries are its owner's.
 *
 * Its owner, one thread, calls store_step() in a loop with store_wait()
 * between. A connection is used only after its schema was found to be new
 * enough; until then, and while there is none, the store is AWAY and mends
 * itself. */
#ifndef CALL_LOG_STORE_H
#define CALL_LOG_STORE_H

#include "call.h"
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
	bool empty_note_erases;
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

/* Whether the last that was heard of the database is that it cannot be used. */
bool store_is_away(const struct store *store);

/* For a store that is AWAY: whether nothing is gained by waiting for it,
 * because it has been so for longer than the patience (ERR_AWAY) or for want of
 * a schema (ERR_SCHEMA), and is not just now looking again; else ERR_NONE. */
enum err_kind store_hopeless(const struct store *store);

/* IDLE -> BUSY: writes the events, which must be sorted by key with no key
 * twice, in one transaction. The events are borrowed during the call only. Past
 * the deadline the statement fails. False: failed at once, see err. */
bool store_record(struct store *store, const struct event *const *events,
		  size_t count, uint64_t deadline_ns, struct err *err);
/* DONE: how many rows it changed. */
int32_t store_written(const struct store *store);

/* IDLE -> BUSY: keeps an event that the database refuses in call_log.rejected,
 * with the reason; there already, it is left as it is. As store_record(), but
 * never fails with ERR_ROW. */
bool store_reject(struct store *store, const struct event *event,
		  const struct err *why, uint64_t deadline_ns, struct err *err);

/* IDLE -> BUSY, in three steps: begin a question, add each id, ask it. False:
 * failed, see err; the question is then forgotten. */
bool store_begin_match(struct store *store, uint64_t deadline_ns,
		       struct err *err);
bool store_ask(struct store *store, struct text account, struct text agent,
	       struct text session_id, struct err *err);
bool store_match(struct store *store, struct err *err);

/* What is known of the index-th id asked. Text is borrowed until store_done().
 */
struct store_found {
	size_t index;
	bool refused; /* it is not logged, and its events were refused */
	int64_t id;
	struct text note, contact_id, contact_name, contact_type;
};
/* DONE: the next id that was found, in no order; false after the last. */
bool store_next_found(struct store *store, struct store_found *found);

/* Forgets the result: IDLE. */
void store_done(struct store *store);

#endif
