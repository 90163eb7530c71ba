/* changes - the SQL of calls that were changed elsewhere: to hear of them, to
 * look for them, to read them. Each function adds statements to a group of the
 * connection (db.h), and belongs to the one thread that owns it. It waits for
 * nothing and decides nothing. */
#ifndef CALL_LOG_CHANGES_H
#define CALL_LOG_CHANGES_H

#include "array.h"
#include "db.h"

#include <stdbool.h>
#include <stdint.h>

/* The limits of a group; to be queued first. */
bool changes_limit(struct db *db, unsigned ms, struct err *err);

/* Notifications come from now on. */
bool changes_listen(struct db *db, struct err *err);

/* Tells every listener, as somebody else would. */
bool changes_notify(struct db *db, const char *payload, struct err *err);

/* Notes saved elsewhere that a cursor does not know, at most CHANGES_MAX; its
 * results: the next cursor, and the saves. The first cursor is "-" and for how
 * many milliseconds to look back. */
enum { CHANGES_MAX = 1000 };
struct change {
	struct text account, agent, session_id, request_id;
};
bool changes_ask_since(struct db *db, const char *cursor, struct err *err);
struct text changes_cursor(const struct db *db, size_t statement);
int changes_count(const struct db *db, size_t statement);
struct change changes_since(const struct db *db, size_t statement, int place);

/* The calls of these keys (account, agent, session id; each array ended), one
 * row each. id 0: it is not logged. */
enum { CHANGES_KEYS = 3 };
struct changed_call {
	struct text account, agent, session_id;
	int64_t id;
	struct text note, contact_id, contact_name, contact_type;
};
bool changes_ask_calls(struct db *db, struct array keys[CHANGES_KEYS],
		       struct err *err);
struct changed_call changes_call(const struct db *db, size_t statement,
				 int row);

/* Keeps that the agents' widgets are to ask for the calls of these keys again,
 * for pages that ask for events. */
bool changes_keep_triggers(struct db *db, struct array keys[CHANGES_KEYS],
			   struct err *err);

#endif
