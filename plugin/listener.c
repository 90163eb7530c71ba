/* listener - see listener.h.
 *
 * Whether notifications come through is tried, not guessed, because a pooler
 * that shares connections accepts LISTEN and delivers nothing. The plugin tells
 * itself something from a second connection: one that is notified by its own
 * statement would hear of it even through a pooler.
 *
 * What was changed is kept until its calls were read, also when the connection
 * falls; what was missed meanwhile is found by looking. So is what there was no
 * memory for: then the connection is given up, as if it had fallen. */
#include "listener.h"

#include "array.h"
#include "changes.h"
#include "clock.h"
#include "log.h"
#include "message.h"
#include "retention.h"
#include "rollup.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CONNECT_MS = 5000,
	STATEMENT_MS = 5000,
	HEAR_MS = 5000,   /* how long a notification of our own may take */
	CHECK_MS = 60000, /* how often one is sent */
	POLL_MS = 5000,
	CHORE_MS = 1000,
	/* How long before its start a new listener looks back: one that was
	 * here before may have ended with something untold. */
	LOOK_BACK_MS = 15000,
	SEEN = 16384, /* saves remembered */
	KEYS_MAX = CHANGES_MAX,
	ARRAY_MAX = 16 * 1024 * 1024
};

struct listener {
	const struct crm_host *host; /* borrowed */
	struct health *health;       /* borrowed */
	struct recall *recall;       /* borrowed */
	struct trigger *trigger;     /* borrowed */
	char *conninfo;              /* owned */
	struct db *db;               /* owned */
	atomic_bool stopping;

	/* the thread's own */
	struct array keys[CHANGES_KEYS]; /* of calls to be read */
	uint64_t seen[SEEN];             /* names of saves, by themselves */
	char *cursor; /* owned; of the last look; NULL: there was none */
	bool looked_back;
	struct rollup rollup;
	struct retention retention;
	uint64_t started_ns;
	uint64_t chore_ns, check_ns, poll_ns;
	char token[64];
	unsigned checks;
	bool heard; /* the token */
	bool polls;
	bool said; /* that it does */
};

struct listener *listener_new(const struct listener_settings *settings,
			      struct err *err)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (listener) {
		listener->conninfo = strdup(settings->conninfo);
		listener->db = db_new(settings->conninfo, CONNECT_MS, err);
	}
	if (!listener || !listener->conninfo || !listener->db) {
		listener_free(listener);
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	listener->host = settings->host;
	listener->health = settings->health;
	listener->recall = settings->recall;
	listener->trigger = settings->trigger;
	rollup_init(&listener->rollup, settings->host);
	retention_init(&listener->retention, settings->retention_days,
		       settings->host, settings->health);
	for (int i = 0; i < CHANGES_KEYS; i++) {
		array_init(&listener->keys[i], ARRAY_TEXT, ARRAY_MAX);
		array_begin(&listener->keys[i]);
	}
	atomic_init(&listener->stopping, false);
	return listener;
}

void listener_free(struct listener *listener)
{
	if (!listener)
		return;
	for (int i = 0; i < CHANGES_KEYS; i++)
		array_free(&listener->keys[i]);
	db_free(listener->db);
	free(listener->cursor);
	free(listener->conninfo);
	free(listener);
}

void listener_stop(struct listener *listener)
{
	atomic_store(&listener->stopping, true);
	trigger_close(listener->trigger);
}

static bool stops(struct listener *listener)
{
	return atomic_load(&listener->stopping);
}

/* -------------------------------------------------------------- changes */

static void forget_keys(struct listener *listener)
{
	for (int i = 0; i < CHANGES_KEYS; i++)
		array_begin(&listener->keys[i]);
}

/* Remembers the save; false: it was known. Forgetting one does no harm. A
 * message of the widget may be about several calls. */
static bool is_new(struct listener *listener, struct text request_id,
		   struct text session_id)
{
	uint64_t name = call_hash(request_id.s, request_id.len) * 31 +
			call_hash(session_id.s, session_id.len);
	uint64_t *place = &listener->seen[name % SEEN];

	if (*place == name)
		return false;
	*place = name;
	return true;
}

/* Of a save that is notified and found each agent is told once. */
static void add_change(struct listener *listener, struct text account,
		       struct text agent, struct text session_id,
		       struct text request_id)
{
	if (request_id.s && !is_new(listener, request_id, session_id))
		return;
	array_add_text(&listener->keys[0], account);
	array_add_text(&listener->keys[1], agent);
	array_add_text(&listener->keys[2], session_id);
	health_add(listener->health, HEALTH_NOTIFIED, 1);
}

/* What others say on the channel in words of their own is not for us. False: no
 * memory. */
static bool take_notification(struct listener *listener, const char *payload)
{
	struct message_change change;
	struct err err;

	if (!message_decode_change(payload, strlen(payload), &change, &err))
		return err.kind != ERR_NO_MEMORY;
	if (!change.token.s)
		add_change(listener, change.account, change.agent,
			   change.session_id, change.request_id);
	else if (strcmp(change.token.s, listener->token) == 0)
		listener->heard = true;
	message_change_free(&change);
	return true;
}

static bool take_notifications(struct listener *listener)
{
	char payload[DB_PAYLOAD];

	while (listener->keys[0].count < KEYS_MAX &&
	       db_notification(listener->db, payload))
		if (!take_notification(listener, payload))
			return false;
	return true;
}

/* -------------------------------------------------------------- waiting */

/* Waits for that connection, doing the chores meanwhile. */
static void pause_for(struct listener *listener, struct db *db,
		      uint64_t until_ns)
{
	uint64_t due_ns;

	trigger_send(listener->trigger);
	if (clock_ns() >= listener->chore_ns) {
		recall_sync(listener->recall);
		listener->chore_ns = clock_after(clock_ns(), CHORE_MS);
	}
	due_ns = trigger_due_ns(listener->trigger);
	if (due_ns < until_ns)
		until_ns = due_ns;
	if (listener->chore_ns < until_ns)
		until_ns = listener->chore_ns;
	if (!stops(listener))
		db_wait(db, trigger_fd(listener->trigger), until_ns);
}

/* Waits until there is a connection; false: not in time. */
static bool come_up(struct listener *listener, struct db *db, uint64_t until_ns)
{
	struct err err;

	while (!stops(listener) && clock_ns() < until_ns) {
		if (db_step(db, &err) == DB_IDLE)
			return true;
		pause_for(listener, db, until_ns);
	}
	return false;
}

/* Sends the group and waits for its result, good or bad, to be read before
 * db_done(). False: there is none, and the connection is gone. */
static bool answered(struct listener *listener, struct db *db)
{
	uint64_t until_ns = clock_after(clock_ns(), 2 * STATEMENT_MS);
	struct err err;

	if (!db_go(db, &err))
		return false;
	while (!stops(listener) && clock_ns() < until_ns) {
		enum db_state state = db_step(db, &err);

		if (state == DB_DOWN)
			return false;
		if (state == DB_DONE)
			return true;
		pause_for(listener, db, until_ns);
	}
	db_drop(db);
	return false;
}

/* The same, where a bad result is none. */
static bool run(struct listener *listener, struct db *db)
{
	if (!answered(listener, db))
		return false;
	if (db_error(db)->kind == ERR_NONE)
		return true;
	db_drop(db);
	return false;
}

/* --------------------------------------------------- reading and looking */

/* Reads the calls that were changed, and has their agents told. */
static bool read_calls(struct listener *listener)
{
	struct db *db = listener->db;
	struct err err;
	bool whole = true;

	if (listener->keys[0].count == 0)
		return true;
	for (int i = 0; i < CHANGES_KEYS; i++)
		whole = array_end(&listener->keys[i]) && whole;
	if (!whole) {
		/* which saves they are of is not known any more */
		memset(listener->seen, 0, sizeof(listener->seen));
		forget_keys(listener);
		return false;
	}
	if (!changes_limit(db, STATEMENT_MS, &err) ||
	    !changes_ask_calls(db, listener->keys, &err) || !run(listener, db))
		return false;
	for (int row = 0; row < db_rows(db, 1); row++) {
		struct changed_call call = changes_call(db, 1, row);

		if (call.id != 0)
			recall_logged(listener->recall, call.account,
				      call.agent, call.session_id,
				      &(struct message_entry){
					  .status = MESSAGE_LOGGED,
					  .id = call.id,
					  .note = call.note,
					  .contact_id = call.contact_id,
					  .contact_name = call.contact_name,
					  .contact_type = call.contact_type});
		trigger_add(listener->trigger, call.account, call.agent,
			    call.session_id, TRIGGER_HEARD);
	}
	db_done(db);
	forget_keys(listener);
	return true;
}

/* Takes the saves that are not known. The next cursor; NULL: no memory. */
static char *take_page(struct listener *listener, size_t statement)
{
	struct db *db = listener->db;
	struct text cursor = changes_cursor(db, statement);

	for (int i = 0; i < changes_count(db, statement); i++) {
		struct change change = changes_since(db, statement, i);

		add_change(listener, change.account, change.agent,
			   change.session_id, change.request_id);
	}
	return cursor.s ? strndup(cursor.s, cursor.len) : NULL;
}

/* One page of what was changed since the last look; *full: there may be more.
 * Until its calls were read it counts as not looked at. */
static bool look_page(struct listener *listener, bool *full)
{
	struct db *db = listener->db;
	uint64_t ms = clock_until_ms(listener->started_ns, clock_ns());
	char first[32];
	struct err err;

	snprintf(first, sizeof(first), "-%llu",
		 (unsigned long long)ms + LOOK_BACK_MS);
	if (!changes_limit(db, STATEMENT_MS, &err) ||
	    !changes_ask_since(db, listener->cursor ? listener->cursor : first,
			       &err) ||
	    !run(listener, db))
		return false;
	*full = changes_count(db, 1) == CHANGES_MAX;
	char *cursor = take_page(listener, 1);
	db_done(db);
	if (!cursor || !read_calls(listener)) {
		free(cursor);
		return false;
	}
	free(listener->cursor);
	listener->cursor = cursor;
	return true;
}

static bool look(struct listener *listener)
{
	bool full = true;

	while (full)
		if (!look_page(listener, &full))
			return false;
	recall_reached(listener->recall, listener->cursor);
	listener->poll_ns = clock_after(clock_ns(), POLL_MS);
	return true;
}

/* Finds what was changed, erased above all, while nobody listened who shares
 * what is known with us. */
static bool look_back(struct listener *listener)
{
	bool done = true;

	if (listener->looked_back)
		return true;
	listener->cursor = recall_reach(listener->recall);
	if (listener->cursor)
		done = look(listener);
	free(listener->cursor);
	listener->cursor = NULL;
	listener->looked_back = done;
	return done;
}

/* --------------------------------------------------------- what is kept */

/* What the host does not post goes where any process finds it when a page asks.
 * False: the connection fell; it is tried again on the next. */
static bool keep_triggers(struct listener *listener)
{
	struct db *db = listener->db;
	struct err err;
	size_t count =
	    trigger_unposted(listener->trigger, listener->keys, KEYS_MAX);
	bool done = true;

	if (count == 0)
		return true;
	for (int i = 0; i < CHANGES_KEYS; i++)
		done = array_end(&listener->keys[i]) && done;
	done = done && changes_limit(db, STATEMENT_MS, &err) &&
	       changes_keep_triggers(db, listener->keys, &err) &&
	       run(listener, db);
	for (int i = 0; i < CHANGES_KEYS; i++)
		array_begin(&listener->keys[i]);
	if (done) {
		db_done(db);
		trigger_kept(listener->trigger, count);
	}
	return done;
}

/* ---------------------------------------------------- counting, purging */

/* Has figures of reports counted, if it is time. False: the connection fell. */
static bool count_figures(struct listener *listener)
{
	struct rollup *rollup = &listener->rollup;
	struct db *db = listener->db;
	struct err err;

	if (clock_ns() < rollup->due_ns)
		return true;
	if (!changes_limit(db, STATEMENT_MS, &err) ||
	    !rollup_queue(rollup, db, &err) || !answered(listener, db))
		return false;
	rollup_answered(rollup, db, 1);
	db_done(db);
	return true;
}

/* Has old calls purged, if it is time. False: the connection fell. */
static bool purge(struct listener *listener)
{
	struct retention *retention = &listener->retention;
	struct db *db = listener->db;
	struct err err;

	if (clock_ns() < retention->due_ns)
		return true;
	if (!changes_limit(db, STATEMENT_MS, &err) ||
	    !retention_queue(retention, db, &err) || !answered(listener, db))
		return false;
	retention_answered(retention, db, 1);
	db_done(db);
	return true;
}

/* ------------------------------------------------------------ listening */

/* From a second connection; where none can be had it was not heard. */
static void tell_myself(struct listener *listener)
{
	struct err err;
	struct db *mouth = db_new(listener->conninfo, CONNECT_MS, &err);
	char payload[sizeof(listener->token) + 16];

	snprintf(listener->token, sizeof(listener->token), "%d.%llx.%u",
		 (int)getpid(), (unsigned long long)listener->started_ns,
		 listener->checks++);
	snprintf(payload, sizeof(payload), "{\"token\":\"%s\"}",
		 listener->token);
	if (mouth &&
	    come_up(listener, mouth, clock_after(clock_ns(), CONNECT_MS)) &&
	    changes_limit(mouth, STATEMENT_MS, &err) &&
	    changes_notify(mouth, payload, &err))
		run(listener, mouth);
	db_free(mouth);
}

static void say_polls(struct listener *listener)
{
	if (listener->polls && !listener->said)
		log_line(listener->host, CRM_WARN,
			 "notifications of the database do not come through, "
			 "as behind a connection pooler: notes changed "
			 "elsewhere are looked for every %d s; "
			 "'listen_conninfo' can name a direct connection",
			 POLL_MS / 1000);
	listener->said = listener->said || listener->polls;
}

/* Finds out whether notifications come through. False: the connection fell. */
static bool check(struct listener *listener)
{
	struct db *db = listener->db;
	struct err err;

	listener->heard = false;
	tell_myself(listener);
	uint64_t until_ns = clock_after(clock_ns(), HEAR_MS);
	while (!stops(listener) && !listener->heard && clock_ns() < until_ns) {
		if (db_step(db, &err) != DB_IDLE)
			return false;
		if (!take_notifications(listener) || !read_calls(listener))
			return false;
		if (!listener->heard)
			pause_for(listener, db, until_ns);
	}
	if (stops(listener))
		return false;
	listener->polls = !listener->heard;
	say_polls(listener);
	listener->check_ns = clock_after(clock_ns(), CHECK_MS);
	health_listener(listener->health,
			listener->polls ? LISTENER_POLLING : LISTENER_OK);
	/* now all is known until a moment ago; or has to be looked for */
	return look(listener);
}

/* Begins to listen, and finds what was missed. */
static bool begin(struct listener *listener)
{
	struct db *db = listener->db;
	struct err err;

	if (!changes_limit(db, STATEMENT_MS, &err) ||
	    !changes_listen(db, &err) || !run(listener, db))
		return false;
	db_done(db);
	return look_back(listener) && look(listener) && check(listener);
}

/* Until the connection falls. */
static void serve(struct listener *listener)
{
	struct db *db = listener->db;
	struct err err;

	db_proved(db);
	db_prefer(db, true);
	while (!stops(listener) && db_step(db, &err) == DB_IDLE) {
		uint64_t now = clock_ns();
		uint64_t until_ns = listener->check_ns;

		if (!take_notifications(listener) || !read_calls(listener))
			return;
		if (now >= listener->check_ns && !check(listener))
			return;
		if (listener->polls && now >= listener->poll_ns &&
		    !look(listener))
			return;
		if (listener->polls && listener->poll_ns < until_ns)
			until_ns = listener->poll_ns;
		if (listener->keys[0].count > 0)
			continue;
		if (!keep_triggers(listener) || !count_figures(listener) ||
		    !purge(listener))
			return;
		if (listener->rollup.due_ns < until_ns)
			until_ns = listener->rollup.due_ns;
		if (listener->retention.due_ns < until_ns)
			until_ns = listener->retention.due_ns;
		pause_for(listener, db, until_ns);
	}
}

void *listener_run(void *argument)
{
	struct listener *listener = argument;

	listener->started_ns = clock_ns();
	while (!stops(listener)) {
		if (!come_up(listener, listener->db, CLOCK_NEVER))
			break;
		if (begin(listener))
			serve(listener);
		health_listener(listener->health, LISTENER_AWAY);
		if (!stops(listener))
			db_drop(listener->db);
	}
	trigger_send(listener->trigger);
	recall_sync(listener->recall);
	return NULL;
}
