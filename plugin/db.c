/* db - see db.h. */
#include "db.h"

#include "backoff.h"
#include "clock.h"
#include "prepared.h"
#include "servers.h"
#include "sqlstate.h"

#include <endian.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a group's statements. */
struct results {
	PGresult **list; /* owned, each and the list */
	size_t count, cap;
};

struct db {
	char *conninfo;          /* owned */
	struct servers *servers; /* owned: those it names */
	bool preferred;          /* the one being used */
	unsigned connect_ms;     /* for each of them */
	PGconn *conn; /* owned; NULL when DOWN, or looking up a name */
	enum db_state state;
	short events; /* what to poll the socket for */
	bool ready;   /* the socket is, since the last step */

	uint64_t attempt_ns;    /* when the attempt began */
	struct backoff backoff; /* of attempts */

	struct prepared prepared;
	size_t sent, taken;     /* of the group: commands, and their results */
	struct results results; /* of the group */
	struct results kept;    /* of an older one */
	struct err error;       /* the first error of the group */
	bool rolling_back;      /* the group is a ROLLBACK of our own */
	bool separated;         /* the last thing libpq gave was a separator */
};

/* --------------------------------------------------------------- errors */

/* A server's message may quote values of the row it is about, so only those
 * classes' messages are passed on that speak of names and circumstances. */
static void set_error(struct err *err, const PGresult *result)
{
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	const char *rule = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);

	if (!sqlstate) {
		err_set(err, ERR_AWAY, "the connection failed");
		return;
	}
	enum err_kind kind = sqlstate_kind(sqlstate);
	if (kind == ERR_AWAY || kind == ERR_SCHEMA)
		err_set(err, kind, "%s (SQLSTATE %s)", text ? text : "error",
			sqlstate);
	else if (rule)
		err_set(err, kind, "constraint %s (SQLSTATE %s)", rule,
			sqlstate);
	else
		err_set(err, kind, "SQLSTATE %s", sqlstate);
	err_flatten(err->text);
	strncpy(err->sqlstate, sqlstate, sizeof(err->sqlstate) - 1);
}

/* libpq's words for why the connection failed. Its verbosity is such that they
 * hold none of a server's message about a statement. */
static void set_connection_error(const struct db *db, struct err *err)
{
	if (db->error.kind == ERR_AWAY) {
		*err = db->error;
		return;
	}
	const char *text = PQerrorMessage(db->conn);
	/* Which, OpenSSL knows, and libpq does not say. */
	bool verified = !strstr(text, "certificate verify failed");

	err_set(err, ERR_AWAY, "%s%s", text,
		verified ? "" : "(expired, or of an unknown authority)");
	err_flatten(err->text);
	if (!err->text[0])
		err_set(err, ERR_AWAY, "the connection was lost");
}

/* ----------------------------------------------------------- life cycle */

/* libpq says so, or nothing at all. */
static bool says_no_memory(const char *text)
{
	return !text || strncmp(text, "out of memory", 13) == 0;
}

/* libpq's words name the option but may also quote a piece of a password. */
bool db_check_conninfo(const char *option, const char *conninfo,
		       struct err *err)
{
	static const char known[] = "invalid connection option";
	char *text = NULL;
	PQconninfoOption *options = PQconninfoParse(conninfo, &text);

	if (options) {
		PQconninfoFree(options);
		return true;
	}
	if (says_no_memory(text)) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
	} else if (strncmp(text, known, strlen(known)) == 0) {
		err_flatten(text);
		err_set(err, ERR_CONFIG, "'%s': %s", option, text);
	} else {
		err_set(err, ERR_CONFIG,
			"'%s' is no PostgreSQL connection string", option);
	}
	PQfreemem(text);
	return false;
}

static const char *option_of(const PQconninfoOption *options,
			     const char *keyword)
{
	for (const PQconninfoOption *o = options; o && o->keyword; o++)
		if (strcmp(o->keyword, keyword) == 0)
			return o->val;
	return NULL;
}

/* What the connection string does not name the environment may. Servers that a
 * service file names are left to libpq. */
static struct servers *list_servers(const char *conninfo)
{
	static const char *const keys[] = {"host", "hostaddr", "port"};
	PQconninfoOption *given = PQconninfoParse(conninfo, NULL);
	PQconninfoOption *defaults = PQconndefaults();
	const char *values[3];

	for (int i = 0; i < 3; i++) {
		values[i] = option_of(given, keys[i]);
		if (!values[i])
			values[i] = option_of(defaults, keys[i]);
	}
	struct servers *servers = NULL;
	if (given && defaults)
		servers = servers_new(values[0], values[1], values[2]);
	PQconninfoFree(given);
	PQconninfoFree(defaults);
	return servers;
}

struct db *db_new(const char *conninfo, unsigned connect_ms, struct err *err)
{
	struct db *db = calloc(1, sizeof(*db));

	if (db) {
		db->conninfo = strdup(conninfo);
		db->servers = list_servers(conninfo);
	}
	if (!db || !db->conninfo || !db->servers) {
		db_free(db);
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	db->connect_ms = connect_ms;
	backoff_init(&db->backoff);
	return db;
}

void db_free(struct db *db)
{
	if (!db)
		return;
	db_drop(db);
	db_forget(db);
	free(db->results.list);
	free(db->kept.list);
	free(db->conninfo);
	servers_free(db->servers);
	free(db);
}

static void clear(struct results *results)
{
	while (results->count > 0)
		PQclear(results->list[--results->count]);
}

static void clear_results(struct db *db)
{
	clear(&db->results);
	db->error = (struct err){0};
	db->separated = false;
}

/* False: every server has been tried. */
static bool turn(struct db *db)
{
	if (!db->preferred)
		return servers_next(db->servers);
	servers_again(db->servers);
	db->preferred = false;
	return false;
}

/* True: there is another server to be tried at once. */
static bool drop(struct db *db)
{
	if (db->state == DB_DOWN)
		return false;
	clear_results(db);
	PQfinish(db->conn);
	db->conn = NULL;
	db->rolling_back = false;
	db->sent = db->taken = 0;
	prepared_forget(&db->prepared);
	db->state = DB_DOWN;
	bool more = turn(db);
	if (more)
		backoff_again(&db->backoff);
	else
		backoff_failed(&db->backoff);
	return more;
}

void db_drop(struct db *db)
{
	drop(db);
}

void db_prefer(struct db *db, bool preferred)
{
	db->preferred = preferred;
}

void db_hurry(struct db *db)
{
	if (db->state == DB_DOWN)
		backoff_hurry(&db->backoff);
}

void db_proved(struct db *db)
{
	backoff_proved(&db->backoff);
}

unsigned db_failures(const struct db *db)
{
	return db->backoff.failures;
}

bool db_is_trying(const struct db *db)
{
	return db->state != DB_DOWN;
}

uint64_t db_attempt_ns(const struct db *db)
{
	return db->attempt_ns;
}

/* That one of several servers cannot be connected to is no news. */
static enum db_state give_up(struct db *db, struct err *err)
{
	bool connected = db->state != DB_CONNECTING;

	if (drop(db) && !connected)
		*err = (struct err){0};
	return DB_DOWN;
}

static enum db_state fall(struct db *db, struct err *err)
{
	set_connection_error(db, err);
	return give_up(db, err);
}

static void ignore_notice(void *context, const PGresult *result)
{
	(void)context;
	(void)result;
}

static enum db_state start_connection(struct db *db, struct hosts_entry host,
				      struct err *err)
{
	/* What stands before the connection string is a default; what stands
	 * after it is not to be changed. Kerberos would wait for the network
	 * at a time of its own. */
	const char *const keys[] = {"application_name",
				    "tcp_user_timeout",
				    "keepalives_idle",
				    "keepalives_interval",
				    "keepalives_count",
				    "gssencmode",
				    "dbname",
				    "client_encoding",
				    "host",
				    "hostaddr",
				    "port",
				    NULL};
	const char *const values[] = {"call_log",    "5000",    "10",
				      "3",           "3",       "disable",
				      db->conninfo,  "UTF8",    host.host,
				      host.hostaddr, host.port, NULL};

	db->attempt_ns = clock_ns();
	db->conn = PQconnectStartParams(keys, values, 1);
	if (!db->conn) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return give_up(db, err);
	}
	PQsetNoticeReceiver(db->conn, ignore_notice, NULL);
	if (PQstatus(db->conn) == CONNECTION_BAD)
		return fall(db, err);
	db->events = POLLOUT;
	db->ready = false;
	return DB_CONNECTING;
}

static bool is_late(const struct db *db)
{
	return clock_ns() >= clock_after(db->attempt_ns, db->connect_ms);
}

/* The name of the server is looked up first, since libpq would wait for it. */
static enum db_state step_lookup(struct db *db, struct err *err)
{
	struct hosts_entry host;

	switch (servers_step(db->servers, &host, err)) {
	case SERVERS_READY:
		return start_connection(db, host, err);
	case SERVERS_FAILED:
		return give_up(db, err);
	default:
		break;
	}
	if (!is_late(db))
		return DB_CONNECTING;
	err_set(err, ERR_AWAY, "the name \"%s\" was not looked up within %u ms",
		host.host, db->connect_ms);
	return give_up(db, err);
}

static enum db_state step_connecting(struct db *db, struct err *err)
{
	if (!db->conn)
		return step_lookup(db, err);
	if (is_late(db)) {
		err_set(err, ERR_AWAY, "no connection within %u ms",
			db->connect_ms);
		return give_up(db, err);
	}
	if (!db->ready)
		return DB_CONNECTING;
	db->ready = false;
	switch (PQconnectPoll(db->conn)) {
	case PGRES_POLLING_READING:
		db->events = POLLIN;
		return DB_CONNECTING;
	case PGRES_POLLING_WRITING:
		db->events = POLLOUT;
		return DB_CONNECTING;
	case PGRES_POLLING_OK:
		break;
	default:
		return fall(db, err);
	}
	if (PQsetnonblocking(db->conn, 1) != 0 ||
	    PQenterPipelineMode(db->conn) != 1)
		return fall(db, err);
	PQsetErrorVerbosity(db->conn, PQERRORS_SQLSTATE);
	db->events = POLLIN;
	db->state = DB_IDLE;
	return DB_IDLE;
}

/* ----------------------------------------------------------- statements */

static bool send_prepare(struct db *db, const char *name,
			 const struct db_statement *statement)
{
	db->sent++;
	return PQsendPrepare(db->conn, name, statement->sql, statement->count,
			     statement->types) == 1;
}

static bool send_statement(struct db *db, const struct db_statement *statement)
{
	static const int binary[DB_PARAMS_MAX] = {
	    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
	enum prepared_how how = PREPARED_NOT;
	char name[PREPARED_NAME];

	if (statement->repeats)
		how =
		    prepared_ask(&db->prepared, statement->sql, db->sent, name);
	if (how == PREPARED_SEND && !send_prepare(db, name, statement))
		return false;
	db->sent++;
	if (how == PREPARED_NOT)
		return PQsendQueryParams(db->conn, statement->sql,
					 statement->count, statement->types,
					 statement->values, statement->lengths,
					 binary, 1) == 1;
	return PQsendQueryPrepared(db->conn, name, statement->count,
				   statement->values, statement->lengths,
				   binary, 1) == 1;
}

bool db_queue(struct db *db, const struct db_statement *statement,
	      struct err *err)
{
	if (send_statement(db, statement))
		return true;
	fall(db, err);
	return false;
}

void db_answers(struct db *db, int32_t pid)
{
	db->prepared.alone = PQbackendPID(db->conn) == pid;
}

bool db_is_alone(const struct db *db)
{
	return db->prepared.alone && !db->prepared.never;
}

/* Writes what it can; the rest goes when the socket takes it. */
static bool flush(struct db *db)
{
	int left = PQflush(db->conn);

	db->events = POLLIN;
	if (left > 0)
		db->events = POLLIN | POLLOUT;
	return left >= 0;
}

bool db_go(struct db *db, struct err *err)
{
	if (PQpipelineSync(db->conn) != 1 || !flush(db)) {
		fall(db, err);
		return false;
	}
	db->state = DB_BUSY;
	db->ready = false;
	return true;
}

bool db_is_sent(const struct db *db)
{
	return db->state == DB_BUSY && (db->events & POLLOUT) == 0;
}

static bool add(struct results *results, PGresult *result)
{
	if (results->count == results->cap) {
		size_t cap = results->cap ? results->cap * 2 : 8;
		PGresult **more =
		    realloc(results->list, cap * sizeof(PGresult *));

		if (!more)
			return false;
		results->list = more;
		results->cap = cap;
	}
	results->list[results->count++] = result;
	return true;
}

static bool keep_result(struct db *db, PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	bool good = status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;

	if (db->error.kind == ERR_NONE && !good) {
		set_error(&db->error, result);
		if (sqlstate_is_name_lost(db->error.sqlstate))
			db->prepared.never = true;
	}
	if (prepared_took(&db->prepared, db->taken++, good)) {
		PQclear(result);
		return true;
	}
	if (add(&db->results, result))
		return true;
	PQclear(result);
	return false;
}

/* The group has ended; a transaction that a failure left open ends too. */
static enum db_state finish_group(struct db *db, struct err *err)
{
	static const struct db_statement rollback = {.sql = "ROLLBACK"};

	db->rolling_back = false;
	db->sent = db->taken = 0;
	prepared_end(&db->prepared);
	if (PQtransactionStatus(db->conn) != PQTRANS_IDLE) {
		if (!db_queue(db, &rollback, err) || !db_go(db, err))
			return DB_DOWN;
		db->rolling_back = true;
		return DB_BUSY;
	}
	db->state = DB_DONE;
	return DB_DONE;
}

/* Takes what has arrived. libpq puts a NULL after each statement's results and
 * none after the sync; two NULLs in a row are the end of a broken exchange. */
static enum db_state drain(struct db *db, struct err *err)
{
	while (!PQisBusy(db->conn)) {
		PGresult *result = PQgetResult(db->conn);

		if (!result) {
			if (db->separated)
				return fall(db, err);
			db->separated = true;
			continue;
		}
		db->separated = false;
		if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
			PQclear(result);
			return finish_group(db, err);
		}
		if (db->rolling_back)
			PQclear(result);
		else if (!keep_result(db, result))
			return fall(db, err);
	}
	return DB_BUSY;
}

static enum db_state step_connected(struct db *db, struct err *err)
{
	if (!db->ready)
		return db->state;
	db->ready = false;
	bool alive = PQconsumeInput(db->conn) == 1 && flush(db);
	if (!alive || PQstatus(db->conn) != CONNECTION_OK)
		return fall(db, err);
	return db->state == DB_BUSY ? drain(db, err) : db->state;
}

enum db_state db_step(struct db *db, struct err *err)
{
	*err = (struct err){0};
	switch (db->state) {
	case DB_DOWN:
		if (clock_ns() < db->backoff.next_ns)
			return DB_DOWN;
		db->attempt_ns = clock_ns();
		db->state = DB_CONNECTING;
		return step_lookup(db, err);
	case DB_CONNECTING:
		return step_connecting(db, err);
	default:
		return step_connected(db, err);
	}
}

void db_wait(struct db *db, int wake_fd, uint64_t until_ns)
{
	struct pollfd fds[2] = {{.fd = wake_fd, .events = POLLIN}, {.fd = -1}};
	uint64_t own = CLOCK_NEVER;

	if (db->state == DB_DOWN)
		own = db->backoff.next_ns;
	if (db->state == DB_CONNECTING)
		own = clock_after(db->attempt_ns, db->connect_ms);
	if (db->conn && db->state != DB_DONE) {
		fds[1].fd = PQsocket(db->conn);
		fds[1].events = db->events;
	} else if (db->state == DB_CONNECTING) {
		fds[1].fd = servers_fd(db->servers);
		fds[1].events = POLLIN;
	}
	if (poll(fds, 2, clock_poll_ms(own < until_ns ? own : until_ns)) > 0)
		db->ready = db->ready || fds[1].revents != 0;
}

bool db_notification(struct db *db, char payload[DB_PAYLOAD])
{
	PGnotify *notify = db->conn ? PQnotifies(db->conn) : NULL;

	if (!notify)
		return false;
	snprintf(payload, DB_PAYLOAD, "%s", notify->extra);
	PQfreemem(notify);
	return true;
}

/* -------------------------------------------------------------- results */

const struct err *db_error(const struct db *db)
{
	return &db->error;
}

void db_done(struct db *db)
{
	clear_results(db);
	db->state = DB_IDLE;
}

void db_keep(struct db *db)
{
	struct results empty;

	clear(&db->kept);
	empty = db->kept;
	db->kept = db->results;
	db->results = empty;
	db_done(db);
}

void db_forget(struct db *db)
{
	clear(&db->kept);
}

size_t db_count(const struct db *db)
{
	return db->results.count;
}

bool db_tag_is(const struct db *db, size_t statement, const char *tag)
{
	return statement < db->results.count &&
	       strcmp(PQcmdStatus(db->results.list[statement]), tag) == 0;
}

int db_rows(const struct db *db, size_t statement)
{
	return statement < db->results.count
		   ? PQntuples(db->results.list[statement])
		   : 0;
}

bool db_is_null(const struct db *db, size_t statement, int row, int column)
{
	return PQgetisnull(db->results.list[statement], row, column) == 1;
}

/* A binary value; other than so long it is as if it were 0. */
static void read_wire(const struct db *db, size_t statement, int row,
		      int column, void *wire, size_t len)
{
	const PGresult *result = db->results.list[statement];

	if ((size_t)PQgetlength(result, row, column) == len)
		memcpy(wire, PQgetvalue(result, row, column), len);
}

int32_t db_int4(const struct db *db, size_t statement, int row, int column)
{
	uint32_t wire = 0;

	read_wire(db, statement, row, column, &wire, sizeof(wire));
	return (int32_t)be32toh(wire);
}

int64_t db_int8(const struct db *db, size_t statement, int row, int column)
{
	uint64_t wire = 0;

	read_wire(db, statement, row, column, &wire, sizeof(wire));
	return (int64_t)be64toh(wire);
}

struct text db_text(const struct db *db, size_t statement, int row, int column)
{
	const PGresult *result = db->results.list[statement];

	if (PQgetisnull(result, row, column))
		return (struct text){0};
	return (struct text){.s = PQgetvalue(result, row, column),
			     .len = (size_t)PQgetlength(result, row, column)};
}
