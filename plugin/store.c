/* store - see store.h. */
#include "store.h"

#include "clock.h"
#include "db.h"
#include "bounds.h"
#include "sqlstate.h"

#include <stdlib.h>
#include <string.h>

enum {
	SCHEMA_NEEDED = 19, /* the migration that this was written for */
	CONNECT_MS = 2000,
	CHECK_MS = 2000,
	LOOK_MS = 200, /* how long one look at the database may take before
			  it counts as hopeless */
	COLLISIONS = 3 /* with other transactions in a row are no news */
};

#define INSTALL "psql -v ON_ERROR_STOP=1 -f sql/install.sql"

struct store {
	struct db *db;         /* owned */
	struct health *health; /* borrowed */
	enum health_connection connection;
	unsigned patience_ms;

	bool connected;
	bool checked;           /* this connection's schema is new enough */
	bool busy;              /* a statement of our owner is under way */
	enum store_group group; /* of what kind it is */
	size_t first;           /* of its statements is the owner's first */
	uint64_t deadline_ns;   /* of the statement under way */
	struct bounds bounds;   /* the server's own */
	uint64_t away_ns;       /* since when it cannot be used; 0: it can */
	bool no_schema;         /* that is for want of a schema */
	int version;            /* of the schema */
	unsigned collisions;    /* in a row */
	bool unproved; /* nor does a connection alone show that it can */
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
	store->patience_ms = settings->patience_ms;
	return store;
}

void store_free(struct store *store)
{
	if (!store)
		return;
	db_free(store->db);
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

void store_blame(struct store *store, const struct err *err)
{
	went_away(store, err);
	store->unproved = true;
}

/* No statement is under way any more. True when it was our owner's. */
static bool settle(struct store *store)
{
	bool owners = store->busy;

	store->busy = false;
	store->deadline_ns = CLOCK_NEVER;
	return owners;
}

/* Another server may do better. */
static void drop(struct store *store)
{
	bounds_forget(&store->bounds);
	db_prefer(store->db, false);
	db_drop(store->db);
	store->connected = false;
	store->checked = false;
}

/* That none can be made is news; that one was lost only when it could not be
 * used, or at a statement, again before any has worked. */
static void note_fall(struct store *store, const struct err *err)
{
	bool again = db_failures(store->db) > 1;

	bounds_forget(&store->bounds);
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

/* --------------------------------------------------------------- schema */

static bool start_check(struct store *store, struct err *err)
{
	static const struct db_statement check = {
	    .sql = "SELECT call_log.schema_version(), pg_backend_pid()"};

	store->deadline_ns = clock_after(clock_ns(), CHECK_MS);
	return db_queue(store->db, &check, err) && db_go(store->db, err);
}

/* Why the schema does not do, in a line: a server names a function that is
 * missing with all its parameters. */
static void explain(const struct store *store, struct err *err)
{
	struct err said = *err;

	if (strncmp(said.text, "function ", strlen("function ")) == 0 &&
	    sqlstate_is_missing(said.sqlstate))
		err_set(&said, ERR_SCHEMA, "%.*s does not exist (SQLSTATE %s)",
			(int)strcspn(err->text, "("), err->text, err->sqlstate);
	if (store->version > SCHEMA_NEEDED)
		err_set(err, ERR_SCHEMA,
			"its schema call_log is version %d, newer than version "
			"%d that this plugin knows: %s",
			store->version, SCHEMA_NEEDED, said.text);
	else
		err_set(err, ERR_SCHEMA, "%s", said.text);
}

static enum store_state finish_check(struct store *store, struct err *err)
{
	*err = *db_error(store->db);
	settle(store);
	store->version = 0;
	if (err->kind == ERR_NONE && db_rows(store->db, 0) == 1)
		store->version = db_int4(store->db, 0, 0, 0);
	if (err->kind == ERR_NONE && store->version >= SCHEMA_NEEDED) {
		store->checked = true;
		db_answers(store->db, db_int4(store->db, 0, 0, 1));
		db_prefer(store->db, true);
		db_done(store->db);
		if (!store->unproved)
			came_back(store);
		return STORE_IDLE;
	}
	if (err->kind == ERR_NONE)
		err_set(err, ERR_SCHEMA,
			"its schema call_log is version %d, needed is %d; "
			"run: " INSTALL,
			store->version, SCHEMA_NEEDED);
	else if (sqlstate_is_missing(err->sqlstate))
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
	bounds_forget(&store->bounds);
	return settle(store) ? STORE_FAILED : STORE_AWAY;
}

static enum store_state give_up(struct store *store, struct err *err)
{
	err_set(err, ERR_AWAY, "no answer in time");
	drop(store);
	went_away(store, err);
	return failed(store);
}

/* The server's own words name the setting that ended the statement, which is
 * ours. */
static void say_too_slow(const struct store *store, struct err *err)
{
	char sqlstate[sizeof(err->sqlstate)];

	memcpy(sqlstate, err->sqlstate, sizeof(sqlstate));
	if (sqlstate_is_lock(sqlstate))
		err_set(err, ERR_TIMEOUT,
			"somebody holds a lock on its tables for more than %u "
			"ms; pg_locks tells who (SQLSTATE %s)",
			store->bounds.lock_ms, sqlstate);
	else
		err_set(err, ERR_TIMEOUT,
			"a statement takes more than %u ms; look for load, "
			"slow disks and slow triggers (SQLSTATE %s)",
			store->bounds.limit_ms, sqlstate);
	memcpy(err->sqlstate, sqlstate, sizeof(sqlstate));
}

/* The connection stays unless the failure is about it or the whole database:
 * then a new one may find another server, or find it mended. */
static enum store_state finish_away(struct store *store, struct err *err)
{
	bool collided = sqlstate_is_serialization(err->sqlstate);
	bool cancelled = sqlstate_is_cancelled(err->sqlstate);

	if (cancelled && clock_ns() >= store->bounds.late_ns)
		say_too_slow(store, err);
	/* After the loss of a connection it is enough to find the server again;
	 * else only a statement that succeeds shows that it is mended. */
	if (!collided || store->collisions++ >= COLLISIONS) {
		went_away(store, err);
		store->unproved = !sqlstate_is_connection(err->sqlstate);
	}
	if (collided || cancelled)
		db_done(store->db);
	else
		drop(store);
	return failed(store);
}

static enum store_state finish_statement(struct store *store, struct err *err)
{
	*err = *db_error(store->db);
	if (err->kind == ERR_NONE && store->group == STORE_WRITES &&
	    !db_tag_is(store->db, db_count(store->db) - 1, "COMMIT"))
		err_set(err, ERR_AWAY, "the transaction was not committed");
	/* The table of what is refused refuses it: that is to be mended there.
	 */
	if (store->group == STORE_REJECTS && err->kind != ERR_NONE &&
	    err->kind != ERR_AWAY)
		err->kind = ERR_SCHEMA;
	if (err->kind == ERR_SCHEMA)
		explain(store, err);
	switch (err->kind) {
	case ERR_NONE:
		store->collisions = 0;
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

bool store_is_sent(const struct store *store)
{
	return store->busy && db_is_sent(store->db);
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

void store_keep(struct store *store)
{
	db_keep(store->db);
}

void store_forget(struct store *store)
{
	db_forget(store->db);
}

/* ----------------------------------------------------------- statements */

bool store_begin(struct store *store, enum store_group group,
		 uint64_t deadline_ns, struct err *err)
{
	static const struct db_statement begin = {
	    .sql = "BEGIN ISOLATION LEVEL READ COMMITTED", .repeats = true};
	bool limited;

	store->busy = true;
	store->group = group;
	store->deadline_ns = deadline_ns;
	if ((group == STORE_WRITES && !db_queue(store->db, &begin, err)) ||
	    !bounds_queue(&store->bounds, store->db, deadline_ns, &limited,
			  err))
		return not_sent(store, err);
	store->first = (group == STORE_WRITES ? 1u : 0u) + (limited ? 1u : 0u);
	return true;
}

bool store_queue(struct store *store, const struct db_statement *statement,
		 struct err *err)
{
	return db_queue(store->db, statement, err) || not_sent(store, err);
}

bool store_go(struct store *store, struct err *err)
{
	static const struct db_statement commit = {.sql = "COMMIT",
						   .repeats = true};

	return ((store->group != STORE_WRITES ||
		 db_queue(store->db, &commit, err)) &&
		db_go(store->db, err)) ||
	       not_sent(store, err);
}

bool store_abandon(struct store *store, const struct err *err)
{
	return not_sent(store, err);
}

const struct db *store_results(const struct store *store)
{
	return store->db;
}

size_t store_first(const struct store *store)
{
	return store->first;
}
