/* changes - see changes.h. */
#include "changes.h"

#include <stdio.h>
#include <string.h>

static bool queue_text(struct db *db, const char *sql, const char *value,
		       struct err *err)
{
	static const uint32_t types[] = {ARRAY_TEXT};
	const char *values[] = {value};
	int lengths[] = {(int)strlen(value)};

	return db_queue(db,
			&(struct db_statement){.sql = sql,
					       .count = 1,
					       .types = types,
					       .values = values,
					       .lengths = lengths},
			err);
}

bool changes_limit(struct db *db, unsigned ms, struct err *err)
{
	char limit[24];

	snprintf(limit, sizeof(limit), "%u", ms);
	return queue_text(db,
			  "SELECT set_config('statement_timeout', $1, true), "
			  "set_config('lock_timeout', $1, true)",
			  limit, err);
}

bool changes_listen(struct db *db, struct err *err)
{
	static const struct db_statement listen = {.sql = "LISTEN call_log"};

	return db_queue(db, &listen, err);
}

bool changes_notify(struct db *db, const char *payload, struct err *err)
{
	return queue_text(db, "SELECT pg_notify('call_log', $1)", payload, err);
}

/* The first row holds the cursor, the others a save each. */
bool changes_ask_since(struct db *db, const char *cursor, struct err *err)
{
	return queue_text(db,
			  "SELECT next_cursor, account, agent, session_id, "
			  "request_id FROM call_log.changes_since($1)",
			  cursor, err);
}

struct text changes_cursor(const struct db *db, size_t statement)
{
	return db_text(db, statement, 0, 0);
}

int changes_count(const struct db *db, size_t statement)
{
	return db_rows(db, statement) - 1;
}

struct change changes_since(const struct db *db, size_t statement, int place)
{
	return (struct change){
	    .account = db_text(db, statement, place + 1, 1),
	    .agent = db_text(db, statement, place + 1, 2),
	    .session_id = db_text(db, statement, place + 1, 3),
	    .request_id = db_text(db, statement, place + 1, 4),
	};
}

/* A statement whose parameters are the three arrays of keys. */
static bool queue_keys(struct db *db, const char *sql,
		       const struct array keys[CHANGES_KEYS], struct err *err)
{
	uint32_t types[CHANGES_KEYS];
	const char *values[CHANGES_KEYS];
	int lengths[CHANGES_KEYS];

	for (int i = 0; i < CHANGES_KEYS; i++) {
		types[i] = array_oid(ARRAY_TEXT);
		values[i] = keys[i].buf.bytes;
		lengths[i] = (int)keys[i].buf.len;
	}
	return db_queue(db,
			&(struct db_statement){.sql = sql,
					       .count = CHANGES_KEYS,
					       .types = types,
					       .values = values,
					       .lengths = lengths},
			err);
}

bool changes_keep_triggers(struct db *db, struct array keys[CHANGES_KEYS],
			   struct err *err)
{
	return queue_keys(db, "SELECT call_log.trigger_calls($1, $2, $3)", keys,
			  err);
}

bool changes_ask_calls(struct db *db, struct array keys[CHANGES_KEYS],
		       struct err *err)
{
	static const char sql[] =
	    "SELECT k.account, k.agent, k.session_id, m.id, m.note, "
	    "m.contact_id, m.contact_name, m.contact_type "
	    "FROM unnest($1, $2, $3) WITH ORDINALITY "
	    "AS k (account, agent, session_id, ordinal) "
	    "LEFT JOIN call_log.match_calls($1, $2, $3) m "
	    "ON m.ordinal = k.ordinal";

	return queue_keys(db, sql, keys, err);
}

struct changed_call changes_call(const struct db *db, size_t statement, int row)
{
	bool logged = !db_is_null(db, statement, row, 3);

	return (struct changed_call){
	    .account = db_text(db, statement, row, 0),
	    .agent = db_text(db, statement, row, 1),
	    .session_id = db_text(db, statement, row, 2),
	    .id = logged ? db_int8(db, statement, row, 3) : 0,
	    .note = db_text(db, statement, row, 4),
	    .contact_id = db_text(db, statement, row, 5),
	    .contact_name = db_text(db, statement, row, 6),
	    .contact_type = db_text(db, statement, row, 7),
	};
}
