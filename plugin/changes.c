/* changes - see changes.h. */
#include "changes.h"

#include <endian.h>
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

bool changes_ask_time(struct db *db, struct err *err)
{
	static const struct db_statement now = {
	    .sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)"
		   "::bigint"};

	return db_queue(db, &now, err);
}

int64_t changes_time(const struct db *db, size_t statement)
{
	return db_rows(db, statement) == 1 ? db_int8(db, statement, 0, 0) : 0;
}

bool changes_ask_since(struct db *db, int64_t since_us, struct err *err)
{
	/* The condition on request_id is that of the index. */
	static const char sql[] =
	    "SELECT account, agent, session_id, "
	    "(extract(epoch FROM saved_at) * 1000000)::bigint, request_id "
	    "FROM call_log.notes "
	    "WHERE (request_id LIKE 'set_note/%' OR request_id LIKE 'sql/%') "
	    "AND saved_at > to_timestamp($1::bigint / 1000000.0) "
	    "ORDER BY saved_at LIMIT 1000";
	static const uint32_t types[] = {ARRAY_INT8};
	static const int lengths[] = {sizeof(int64_t)};
	uint64_t wire = htobe64((uint64_t)since_us);
	const char *values[] = {(const char *)&wire};

	return db_queue(db,
			&(struct db_statement){.sql = sql,
					       .count = 1,
					       .types = types,
					       .values = values,
					       .lengths = lengths},
			err);
}

struct change changes_since(const struct db *db, size_t statement, int row)
{
	struct text name = db_text(db, statement, row, 4);

	return (struct change){
	    .account = db_text(db, statement, row, 0),
	    .agent = db_text(db, statement, row, 1),
	    .session_id = db_text(db, statement, row, 2),
	    .saved_us = db_int8(db, statement, row, 3),
	    .name = call_hash(name.s, name.len),
	};
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
