/* store - see store.h. */
#include "store.h"

#include "array.h"
#include "clock.h"
#include "columns.h"
#include "db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SCHEMA_NEEDED = 5, /* the migration that this was written for */
	CONNECT_MS = 2000,
	CHECK_MS = 2000,
	LOOK_MS = 200,   /* how long one look at the database may take before
			    it counts as hopeless */
	ASK_COLUMNS = 3, /* account, agent, session id */
	ASK_MAX = 5000,  /* ids a statement */
	ARRAY_MAX = 256 * 1024 * 1024
};

/* Where a statement stands in its group. */
enum { RECORD_BEGIN, RECORD_LIMITS, RECORD_CALLS, RECORD_COMMIT };
enum { MATCH_LIMITS, MATCH_FIRST };

#define INSTALL "psql -v ON_ERROR_STOP=1 -f sql/install.sql"

struct store {
	struct db *db;         /* owned */
	struct health *health; /* borrowed */
	enum health_connection connection;
	bool empty_note_erases;
	unsigned patience_ms;

	bool connected;
	bool checked;         /* this connection's schema is new enough */
	bool busy;            /* a statement of our owner is under way */
	bool records;         /* it is store_record()'s */
	bool rejects;         /* it is store_reject()'s */
	uint64_t deadline_ns; /* of the statement under way */
	uint64_t late_ns;     /* cancelled after this, it ran out of time */
	uint64_t away_ns;     /* since when it cannot be used; 0: it can */
	bool no_schema;       /* that is for want of a schema */
	bool unproved;        /* nor does a connection alone show that it can */

	struct columns columns;          /* of record_calls() */
	struct array asked[ASK_COLUMNS]; /* of match_calls() */
	size_t ask_statement;            /* the cursor of the results */
	int ask_row;
};

/* ----------------------------------------------------------- life cycle */

struct store *store_new(const struct store_settings *settings, struct err *err)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	store->db = db_new(settings->conninfo, CONNECT_MS, err);
	if (!store->db) {
		free(store);
		return NULL;
	}
	store->health = settings->health;
	store->connection = settings->connection;
	store->deadline_ns = CLOCK_NEVER;
	store->empty_note_erases = settings->empty_note_erases;
	store->patience_ms = settings->patience_ms;
	columns_init(&store->columns);
	for (int i = 0; i < ASK_COLUMNS; i++) {
		array_init(&store->asked[i], ARRAY_TEXT, ARRAY_MAX);
		array_begin(&store->asked[i]);
	}
	return store;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	db_free(store->db);
	columns_free(&store->columns);
	for (int i = 0; i < ASK_COLUMNS; i++)
		array_free(&store->asked[i]);
	free(store);
}

static void came_back(struct store *store)
{
	store->away_ns = 0;
	store->no_schema = false;
	store->unproved = false;
	health_ok(store->health, store->connection);
}

static void went_away(struct store *store, const struct err *err)
{
	if (store->away_ns == 0)
		store->away_ns = clock_ns();
	store->no_schema = err->kind == ERR_SCHEMA;
	health_away(store->health, store->connection, err);
}

/* No statement is under way any more. True when it was our owner's. */
static bool settle(struct store *store)
{
	bool owners = store->busy;

	store->busy = false;
	store->deadline_ns = CLOCK_NEVER;
	return owners;
}

static void drop(struct store *store)
{
	db_drop(store->db);
	store->connected = false;
	store->checked = false;
}

/* That none can be made is news; that one was lost only when it could not be
 * used, or at a statement, again before any has worked. */
static void note_fall(struct store *store, const struct err *err)
{
	bool again = db_failures(store->db) > 1;

	if (!store->connected || (again && (store->busy || !store->checked)))
		went_away(store, err);
	store->connected = false;
	store->checked = false;
}

/* A statement could not even be sent; a group half made goes with its
 * connection. */
static bool not_sent(struct store *store, const struct err *err)
{
	db_drop(store->db);
	note_fall(store, err);
	settle(store);
	return false;
}

static bool add_limits(struct store *store, struct err *err)
{
	/* The server gives up a little before we do, so that the connection
	 * survives. Whoever turned synchronous_commit off did not mean calls
	 * that were acknowledged. */
	static const char sql[] =
	    "SELECT set_config('statement_timeout', $1, true), "
	    "set_config('lock_timeout', $1, true), "
	    "CASE current_setting('synchronous_commit') WHEN 'off' THEN "
	    "set_config('synchronous_commit', 'on', true) END";
	static const uint32_t types[] = {ARRAY_TEXT};
	uint64_t now = clock_ns();
	uint64_t ms = clock_until_ms(now, store->deadline_ns);
	char limit[24];
	const char *values[] = {limit};
	int lengths[] = {0};

	lengths[0] = snprintf(limit, sizeof(limit), "%llu",
			      (unsigned long long)(ms * 9 / 10 + 1));
	store->late_ns = clock_after(now, ms * 8 / 10);
	return db_queue(store->db,
			&(struct db_statement){.sql = sql,
					       .count = 1,
					       .types = types,
					       .values = values,
					       .lengths = lengths},
			err);
}

/* --------------------------------------------------------------- schema */

static bool start_check(struct store *store, struct err *err)
{
	static const struct db_statement check = {
	    .sql = "SELECT call_log.schema_version()"};

	store->deadline_ns = clock_after(clock_ns(), CHECK_MS);
	return db_queue(store->db, &check, err) && db_go(store->db, err);
}

/* SQLSTATEs of a function, schema or table that does not exist. */
static bool says_missing(const struct err *err)
{
	return strcmp(err->sqlstate, "42883") == 0 ||
	       strcmp(err->sqlstate, "3F000") == 0 ||
	       strcmp(err->sqlstate, "42P01") == 0;
}

static enum store_state finish_check(struct store *store, struct err *err)
{
	int version = 0;

	*err = *db_error(store->db);
	settle(store);
	if (err->kind == ERR_NONE && db_rows(store->db, 0) == 1)
		version = db_int4(store->db, 0, 0, 0);
	if (err->kind == ERR_NONE && version >= SCHEMA_NEEDED) {
		store->checked = true;
		db_done(store->db);
		if (!store->unproved)
			came_back(store);
		return STORE_IDLE;
	}
	if (err->kind == ERR_NONE)
		err_set(err, ERR_SCHEMA,
			"its schema call_log is version %d, needed is %d; "
			"run: " INSTALL,
			version, SCHEMA_NEEDED);
	else if (says_missing(err))
		err_set(err, ERR_SCHEMA,
			"it has no schema call_log; run: " INSTALL);
	went_away(store, err);
	drop(store);
	return STORE_AWAY;
}

/* ---------------------------------------------------------------- steps */

/* What the owner sees when the statement, or the connection, has failed. */
static enum store_state failed(struct store *store)
{
	return settle(store) ? STORE_FAILED : STORE_AWAY;
}

static enum store_state give_up(struct store *store, struct err *err)
{
	err_set(err, ERR_AWAY, "no answer in time");
	drop(store);
	went_away(store, err);
	return failed(store);
}

static bool is_serialization(const struct err *err)
{
	return strncmp(err->sqlstate, "40", 2) == 0;
}

/* The limits of add_limits(), or somebody who cancelled the statement. */
static bool is_cancelled(const struct err *err)
{
	return strcmp(err->sqlstate, "55P03") == 0 ||
	       strcmp(err->sqlstate, "57014") == 0;
}

/* Whether the server itself was going or gone, so that it is enough to find it
 * again; else only a statement that succeeds shows that it is mended. */
static bool is_about_connection(const struct err *err)
{
	return strncmp(err->sqlstate, "08", 2) == 0 ||
	       strncmp(err->sqlstate, "57P", 3) == 0;
}

/* The connection stays unless the failure is about it or the whole database:
 * then a new one may find another server, or find it mended. */
static enum store_state finish_away(struct store *store, struct err *err)
{
	bool serialization = is_serialization(err);
	bool cancelled = is_cancelled(err);

	if (!serialization) {
		went_away(store, err);
		store->unproved = !is_about_connection(err);
	}
	if (cancelled && clock_ns() >= store->late_ns)
		err->kind = ERR_TIMEOUT;
	if (serialization || cancelled)
		db_done(store->db);
	else
		drop(store);
	return failed(store);
}

static enum store_state finish_statement(struct store *store, struct err *err)
{
	*err = *db_error(store->db);
	if (err->kind == ERR_NONE && store->records &&
	    !db_tag_is(store->db, RECORD_COMMIT, "COMMIT"))
		err_set(err, ERR_AWAY, "the transaction was not committed");
	/* The table of what is refused refuses it: that is to be mended there.
	 */
	if (store->rejects && err->kind != ERR_NONE && err->kind != ERR_AWAY)
		err->kind = ERR_SCHEMA;
	switch (err->kind) {
	case ERR_NONE:
		db_proved(store->db);
		came_back(store);
		settle(store);
		return STORE_DONE;
	case ERR_AWAY:
	case ERR_SCHEMA:
		return finish_away(store, err);
	default:
		db_proved(store->db);
		db_done(store->db);
		return failed(store);
	}
}

enum store_state store_step(struct store *store, struct err *err)
{
	enum db_state state = db_step(store->db, err);

	if (err->kind != ERR_NONE) {
		note_fall(store, err);
		return failed(store);
	}
	switch (state) {
	case DB_IDLE:
		store->connected = true;
		if (store->checked)
			return STORE_IDLE;
		if (!start_check(store, err))
			not_sent(store, err);
		return STORE_AWAY;
	case DB_BUSY:
		if (clock_ns() >= store->deadline_ns)
			return give_up(store, err);
		return store->checked ? STORE_BUSY : STORE_AWAY;
	case DB_DONE:
		if (!store->checked)
			return finish_check(store, err);
		return finish_statement(store, err);
	default:
		return STORE_AWAY;
	}
}

/* One look at the database is taking too long. */
static uint64_t look_ends(const struct store *store)
{
	return clock_after(db_attempt_ns(store->db), LOOK_MS);
}

void store_wait(struct store *store, int wake_fd, uint64_t until_ns)
{
	uint64_t look_ns = look_ends(store);
	bool trying = db_is_trying(store->db);

	if (store->deadline_ns < until_ns)
		until_ns = store->deadline_ns;
	if (trying && !store->checked && look_ns < until_ns &&
	    clock_ns() < look_ns)
		until_ns = look_ns;
	db_wait(store->db, wake_fd, until_ns);
}

bool store_is_busy(const struct store *store)
{
	return store->busy;
}

void store_hurry(struct store *store)
{
	db_hurry(store->db);
}

bool store_is_away(const struct store *store)
{
	return store->away_ns != 0;
}

enum err_kind store_hopeless(const struct store *store)
{
	uint64_t now = clock_ns();
	uint64_t patient_ns = clock_after(store->away_ns, store->patience_ms);

	if (store->away_ns == 0 || (!store->no_schema && now < patient_ns))
		return ERR_NONE;
	if (db_is_trying(store->db) && now < look_ends(store))
		return ERR_NONE;
	return store->no_schema ? ERR_SCHEMA : ERR_AWAY;
}

void store_done(struct store *store)
{
	db_done(store->db);
}

/* -------------------------------------------------------------- writing */

static bool queue_calls(struct store *store, struct err *err)
{
	static const char sql[] =
	    "SELECT call_log.record_calls($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,"
	    "$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,"
	    "$28,$29,$30,$31,$32,$33,$34,$35,$36)";
	uint32_t types[COLUMNS + 1];
	const char *values[COLUMNS + 1];
	int lengths[COLUMNS + 1];
	char erases = store->empty_note_erases ? 1 : 0;

	columns_bind(&store->columns, types, values, lengths);
	types[COLUMNS] = ARRAY_BOOL;
	values[COLUMNS] = &erases;
	lengths[COLUMNS] = 1;
	return db_queue(store->db,
			&(struct db_statement){.sql = sql,
					       .count = COLUMNS + 1,
					       .types = types,
					       .values = values,
					       .lengths = lengths},
			err);
}

bool store_record(struct store *store, const struct event *const *events,
		  size_t count, uint64_t deadline_ns, struct err *err)
{
	static const struct db_statement begin = {
	    .sql = "BEGIN ISOLATION LEVEL READ COMMITTED"};
	static const struct db_statement commit = {.sql = "COMMIT"};

	if (!columns_encode(&store->columns, events, count))
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	store->busy = true;
	store->records = true;
	store->rejects = false;
	store->deadline_ns = deadline_ns;
	return (db_queue(store->db, &begin, err) && add_limits(store, err) &&
		queue_calls(store, err) && db_queue(store->db, &commit, err) &&
		db_go(store->db, err)) ||
	       not_sent(store, err);
}

/* What the event tells is kept by the names of record_calls()'s parameters. */
static bool queue_rejected(struct store *store, const struct err *why,
			   struct err *err)
{
	static const char sql[] =
	    "INSERT INTO call_log.rejected (account, agent, session_id, "
	    "request_id, sqlstate, reason, body) "
	    "SELECT account, agent, session_id, coalesce(request_id, ''), "
	    "$36, $37, json_strip_nulls(row_to_json(e))::text "
	    "FROM unnest($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,"
	    "$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30,$31,"
	    "$32,$33,$34,$35) AS e (" COLUMNS_NAMES ") "
	    "ON CONFLICT DO NOTHING";
	enum { SQLSTATE = COLUMNS, REASON, PARAMS };
	uint32_t types[PARAMS];
	const char *values[PARAMS];
	int lengths[PARAMS];

	columns_bind(&store->columns, types, values, lengths);
	types[SQLSTATE] = types[REASON] = ARRAY_TEXT;
	values[SQLSTATE] = why->sqlstate;
	lengths[SQLSTATE] = (int)strlen(why->sqlstate);
	values[REASON] = why->text;
	lengths[REASON] = (int)strlen(why->text);
	return db_queue(store->db,
			&(struct db_statement){.sql = sql,
					       .count = PARAMS,
					       .types = types,
					       .values = values,
					       .lengths = lengths},
			err);
}

bool store_reject(struct store *store, const struct event *event,
		  const struct err *why, uint64_t deadline_ns, struct err *err)
{
	if (!columns_encode(&store->columns, &event, 1))
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	store->busy = true;
	store->records = false;
	store->rejects = true;
	store->deadline_ns = deadline_ns;
	return (add_limits(store, err) && queue_rejected(store, why, err) &&
		db_go(store->db, err)) ||
	       not_sent(store, err);
}

int32_t store_written(const struct store *store)
{
	if (db_rows(store->db, RECORD_CALLS) != 1)
		return 0;
	return db_int4(store->db, RECORD_CALLS, 0, 0);
}

/* ------------------------------------------------------------- matching */

/* Every ASK_MAX ids become a statement of the same group. */
static bool queue_asked(struct store *store, struct err *err)
{
	static const char sql[] =
	    "SELECT ordinal, id, note, contact_id, contact_name, contact_type "
	    "FROM call_log.match_calls($1, $2, $3)";
	uint32_t types[ASK_COLUMNS];
	const char *values[ASK_COLUMNS];
	int lengths[ASK_COLUMNS];
	bool whole = true;

	for (int i = 0; i < ASK_COLUMNS; i++) {
		whole = array_end(&store->asked[i]) && whole;
		types[i] = array_oid(ARRAY_TEXT);
		values[i] = store->asked[i].buf.bytes;
		lengths[i] = (int)store->asked[i].buf.len;
	}
	if (!whole)
		return err_set(err, ERR_NO_MEMORY, "out of memory");

	bool queued = db_queue(store->db,
			       &(struct db_statement){.sql = sql,
						      .count = ASK_COLUMNS,
						      .types = types,
						      .values = values,
						      .lengths = lengths},
			       err);
	for (int i = 0; i < ASK_COLUMNS; i++)
		array_begin(&store->asked[i]);
	return queued;
}

bool store_begin_match(struct store *store, uint64_t deadline_ns,
		       struct err *err)
{
	for (int i = 0; i < ASK_COLUMNS; i++)
		array_begin(&store->asked[i]);
	store->ask_statement = MATCH_FIRST;
	store->ask_row = 0;
	store->busy = true;
	store->records = false;
	store->rejects = false;
	store->deadline_ns = deadline_ns;
	return add_limits(store, err) || not_sent(store, err);
}

bool store_ask(struct store *store, struct text account, struct text agent,
	       struct text session_id, struct err *err)
{
	if (store->asked[0].count == ASK_MAX && !queue_asked(store, err))
		return not_sent(store, err);
	array_add_text(&store->asked[0], account);
	array_add_text(&store->asked[1], agent);
	array_add_text(&store->asked[2], session_id);
	return true;
}

bool store_match(struct store *store, struct err *err)
{
	return (queue_asked(store, err) && db_go(store->db, err)) ||
	       not_sent(store, err);
}

bool store_next_found(struct store *store, struct store_found *found)
{
	enum { ORDINAL, ID, NOTE, CONTACT_ID, CONTACT_NAME, CONTACT_TYPE };
	const struct db *db = store->db;

	while (store->ask_row >= db_rows(db, store->ask_statement)) {
		if (store->ask_statement >= db_count(db))
			return false;
		store->ask_statement++;
		store->ask_row = 0;
	}
	size_t statement = store->ask_statement;
	int row = store->ask_row++;
	*found = (struct store_found){
	    .index = (statement - MATCH_FIRST) * ASK_MAX +
		     (size_t)db_int4(db, statement, row, ORDINAL) - 1,
	    .refused = db_is_null(db, statement, row, ID),
	    .id = db_int8(db, statement, row, ID),
	    .note = db_text(db, statement, row, NOTE),
	    .contact_id = db_text(db, statement, row, CONTACT_ID),
	    .contact_name = db_text(db, statement, row, CONTACT_NAME),
	    .contact_type = db_text(db, statement, row, CONTACT_TYPE),
	};
	return true;
}
