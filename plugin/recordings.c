/* recordings - see recordings.h. All parameters are text, which the statements
 * cast. */
#include "recordings.h"

#include "array.h"
#include "changes.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { STATEMENT_MS = 5000, PARAMS = 9 };

static struct text as_text(const char *s)
{
	return (struct text){.s = s, .len = s ? strlen(s) : 0};
}

static bool send(struct db *db, const char *sql, const struct text *params,
		 int count, struct err *err)
{
	uint32_t types[PARAMS];
	const char *values[PARAMS];
	int lengths[PARAMS];

	for (int i = 0; i < count; i++) {
		types[i] = ARRAY_TEXT;
		values[i] = params[i].s;
		lengths[i] = (int)params[i].len;
	}
	return changes_limit(db, STATEMENT_MS, err) &&
	       db_queue(db,
			&(struct db_statement){.sql = sql,
					       .count = count,
					       .types = types,
					       .values = values,
					       .lengths = lengths},
			err) &&
	       db_go(db, err);
}

static struct text lease(char seconds[16], unsigned lease_s)
{
	snprintf(seconds, 16, "%u s", lease_s);
	return as_text(seconds);
}

bool recordings_claim(struct db *db, const struct recording_key *key,
		      unsigned lease_s, struct err *err)
{
	char seconds[16];
	const struct text params[] = {key->account, key->agent, key->session_id,
				      key->recording_id,
				      lease(seconds, lease_s)};

	return send(db,
		    "SELECT verdict, name FROM call_log.claim_recording($1, "
		    "$2, $3, $4, $5::interval)",
		    params, 5, err);
}

enum recording_verdict recordings_verdict(const struct db *db,
					  struct text *name)
{
	if (db_rows(db, 1) != 1)
		return RECORDING_UNKNOWN;
	struct text verdict = db_text(db, 1, 0, 0);

	*name = db_text(db, 1, 0, 1);
	return text_equal(verdict, as_text("claimed")) ? RECORDING_CLAIMED
						       : RECORDING_TAKEN;
}

bool recordings_hold(struct db *db, const struct recording_key *key,
		     unsigned lease_s, struct err *err)
{
	char seconds[16];
	const struct text params[] = {key->account, key->agent,
				      key->recording_id,
				      lease(seconds, lease_s)};

	return send(db,
		    "SELECT call_log.hold_recording($1, $2, $3, $4::interval)",
		    params, 4, err);
}

static void write_hex(char *to, const unsigned char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
}

bool recordings_settle(struct db *db, const struct recording_key *key,
		       const char *state, const char *error,
		       const struct recording_facts *facts, struct err *err)
{
	char bytes[24] = "", sha256[2 * RECORDING_SHA256 + 1] = "";
	struct text params[PARAMS] = {key->account, key->agent,
				      key->recording_id, as_text(state),
				      as_text(error)};

	if (facts) {
		snprintf(bytes, sizeof(bytes), "%" PRIu64, facts->bytes);
		write_hex(sha256, facts->sha256, sizeof(facts->sha256));
		params[5] = as_text(facts->media_type);
		params[6] = as_text(bytes);
		params[7] = as_text(sha256);
		params[8] = as_text(facts->path);
	}
	return send(db,
		    "SELECT call_log.settle_recording($1, $2, $3, $4, $5, $6, "
		    "$7::bigint, decode($8, 'hex'), $9)::text",
		    params, PARAMS, err);
}

bool recordings_is_known(const struct db *db)
{
	/* a schema of before says nothing */
	return !text_equal(db_text(db, 1, 0, 0), as_text("false"));
}

bool recordings_ask_wanted(struct db *db, struct text account,
			   struct text agent, struct err *err)
{
	const struct text params[] = {account, agent};

	return send(db, "SELECT call_log.wanted_recordings($1, $2)::text",
		    params, 2, err);
}

struct text recordings_wanted(const struct db *db)
{
	return db_text(db, 1, 0, 0);
}

bool recordings_sweep(struct db *db, unsigned retention_days, bool with_bytes,
		      const char *delay, struct err *err)
{
	char days[24];
	int len = snprintf(days, sizeof(days), "%u days", retention_days);
	const struct text params[] = {
	    {retention_days > 0 ? days : NULL, (size_t)len},
	    as_text(with_bytes ? "true" : "false"),
	    as_text(delay)};

	return send(db,
		    "SELECT kind, account, agent, session_id, recording_id, "
		    "name, bytes FROM call_log.sweep_recordings($1::interval, "
		    "$2::boolean, $3)",
		    params, 3, err);
}

/* The last row is always there, and tells of nothing but the bytes. */
int recordings_swept_count(const struct db *db)
{
	return db_rows(db, 1) - 1;
}

int64_t recordings_bytes(const struct db *db)
{
	int last = db_rows(db, 1) - 1;

	return last < 0 ? 0 : db_int8(db, 1, last, 6);
}

struct recording_sweep recordings_swept(const struct db *db, int row)
{
	struct text kind = db_text(db, 1, row, 0);
	enum recording_chore chore =
	    text_equal(kind, as_text("ask"))    ? RECORDING_ASK
	    : text_equal(kind, as_text("left")) ? RECORDING_LEFT
	    : text_equal(kind, as_text("more")) ? RECORDING_MORE
						: RECORDING_ERASE;

	return (struct recording_sweep){
	    .chore = chore,
	    .key = {.account = db_text(db, 1, row, 1),
		    .agent = db_text(db, 1, row, 2),
		    .session_id = db_text(db, 1, row, 3),
		    .recording_id = db_text(db, 1, row, 4)},
	    .name = db_text(db, 1, row, 5),
	};
}

bool recordings_forget(struct db *db, const struct recording_key *key,
		       struct err *err)
{
	const struct text params[] = {key->account, key->agent,
				      key->recording_id};

	return send(db, "SELECT call_log.forget_recording($1, $2, $3)", params,
		    3, err);
}

bool recordings_ask_some(struct db *db, struct err *err)
{
	return send(db, "SELECT path FROM call_log.some_recordings()", NULL, 0,
		    err);
}

int recordings_some_count(const struct db *db)
{
	return db_rows(db, 1);
}

struct text recordings_some(const struct db *db, int row)
{
	return db_text(db, 1, row, 0);
}

bool recordings_ask_abandoned(struct db *db, struct text names, struct err *err)
{
	return send(db,
		    "SELECT name FROM call_log.abandoned_recordings("
		    "string_to_array($1, E'\\n'))",
		    &names, 1, err);
}

int recordings_abandoned_count(const struct db *db)
{
	return db_rows(db, 1);
}

struct text recordings_abandoned(const struct db *db, int row)
{
	return db_text(db, 1, row, 0);
}
