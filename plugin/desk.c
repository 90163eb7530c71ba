/* desk - see desk.h.
 *
 * The connection is made when somebody asks first. While it cannot be had, or
 * fails, who asks is told at once: pages ask again. One question in a quarter of
 * a second tries anew (db_hurry). */
#include "desk.h"

#include "array.h"
#include "changes.h"
#include "clock.h"
#include "db.h"
#include "message.h"
#include "queue.h"
#include "sqlstate.h"
#include "supervisors.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECT_MS = 2000, BYTES_MAX = 16 * 1024 * 1024 };

const char *const desk_paths[] = {"call_log/calls",
				  "call_log/call",
				  "call_log/set-note",
				  "call_log/settings",
				  DESK_EVENTS,
				  DESK_RECORDING,
				  NULL};
const char *const desk_types[] = {"rc-callLogger-auto-log-notify", NULL};
const char *const desk_report_paths[] = {"call_log/report",
					 "call_log/report-calls", NULL};

static const char *const none[] = {NULL};

/* What is asked of the database: a question's path, account, agent, body, and as
 * $4 when it was sent, or whether by a supervisor. */
struct form {
	const char *sql;
	enum { WHEN_SENT, BY_SUPERVISOR } more;
};

static const struct form recording = {
    "SELECT call_log.open_recording($2, $3, $4::boolean, $5::jsonb)::text, $1",
    BY_SUPERVISOR};

static const struct kind {
	const char *const *paths, *const *types;
	struct form form;
	unsigned answer_ms; /* for one question, waiting included */
	size_t waiting_max; /* questions */
} kinds[] = {
    [DESK_CALLS] = {.paths = desk_paths,
		    .types = desk_types,
		    .form = {"SELECT call_log.desk($1, $2, $3, "
			     "to_timestamp($4::bigint / 1000.0), "
			     "$5::jsonb)::text",
			     WHEN_SENT},
		    .answer_ms = 3000,
		    .waiting_max = 1000},
    /* the host's own deadline is 14 seconds unless it was set */
    [DESK_REPORTS] = {.paths = desk_report_paths,
		      .types = none,
		      .form = {"SELECT call_log.report_page($1, $2, $3, "
			       "$4::boolean, $5::jsonb)::text",
			       BY_SUPERVISOR},
		      .answer_ms = 12000,
		      .waiting_max = 16},
};

struct asked {
	struct queue_item link;
	uint64_t id; /* the request's */
	uint64_t deadline_ns;
	const char *path; /* one of ours */
	const struct form *form;
	char more[24];
	struct message_ask ask;
};

struct desk {
	const struct kind *kind;
	const char *supervisors;     /* borrowed */
	struct queue *queue;         /* owned */
	struct db *db;               /* owned */
	const struct crm_host *host; /* borrowed */
	struct health *health;       /* borrowed */
	_Atomic uint64_t stop_ns;    /* when to give up; CLOCK_NEVER: runs */
	struct queue_item *waiting;  /* the thread's own; oldest first */
};

struct desk *desk_new(const struct desk_settings *settings, struct err *err)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	if (!desk) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	desk->kind = &kinds[settings->kind];
	desk->supervisors = settings->supervisors;
	desk->host = settings->host;
	desk->health = settings->health;
	atomic_init(&desk->stop_ns, CLOCK_NEVER);
	desk->queue = queue_new(desk->kind->waiting_max, BYTES_MAX, err);
	if (desk->queue)
		desk->db = db_new(settings->conninfo, CONNECT_MS, err);
	if (desk->db)
		return desk;
	desk_free(desk);
	return NULL;
}

void desk_free(struct desk *desk)
{
	if (!desk)
		return;
	db_free(desk->db);
	queue_free(desk->queue);
	free(desk);
}

bool desk_open(struct desk *desk, struct err *err)
{
	return queue_open(desk->queue, err);
}

/* ---------------------------------------------------------- the handler */

static const char *find(const char *const *list, const char *name)
{
	for (; *list; list++)
		if (strcmp(*list, name) == 0)
			return *list;
	return NULL;
}

static const char *known(const struct desk *desk, const char *path)
{
	const char *name = find(desk->kind->paths, path);

	return name ? name : find(desk->kind->types, path);
}

bool desk_takes(const struct desk *desk, const char *path)
{
	return known(desk, path) != NULL;
}

static void complete(struct desk *desk, uint64_t id, enum crm_status status,
		     const char *sentence)
{
	desk->host->complete(desk->host, id, status, sentence,
			     strlen(sentence));
}

static void asked_free(struct asked *asked)
{
	message_ask_free(&asked->ask);
	free(asked);
}

static bool decode(const struct desk *desk, struct asked *asked,
		   const struct crm_request *request, struct err *err)
{
	bool notice = find(desk->kind->types, request->path) != NULL;
	struct message_origin origin = {.account = request->account,
					.agent = request->agent};

	return (notice ? message_decode_notice : message_decode_ask)(
	    request->body, request->body_len, &origin, &asked->ask, err);
}

static void fill(struct asked *asked, const struct desk *desk,
		 const struct crm_request *request)
{
	int64_t sent_at_ms =
	    request->sent_at_ms ? request->sent_at_ms : clock_wall_ms();

	asked->id = request->id;
	asked->path = known(desk, request->path);
	asked->form = strcmp(asked->path, DESK_RECORDING) == 0
			  ? &recording
			  : &desk->kind->form;
	if (asked->form->more == WHEN_SENT)
		snprintf(asked->more, sizeof(asked->more), "%lld",
			 (long long)sent_at_ms);
	else
		snprintf(asked->more, sizeof(asked->more), "%s",
			 supervisors_hold(desk->supervisors, request->account,
					  request->agent)
			     ? "true"
			     : "false");
	asked->deadline_ns = clock_after(clock_ns(), desk->kind->answer_ms);
	asked->link.bytes = sizeof(*asked) + request->body_len;
}

enum crm_status desk_submit(struct desk *desk,
			    const struct crm_request *request)
{
	struct asked *asked = calloc(1, sizeof(*asked));
	struct err err = {0};

	if (!asked)
		return CRM_BUSY;
	if (!decode(desk, asked, request, &err)) {
		free(asked);
		if (err.kind != ERR_INPUT)
			return CRM_BUSY;
		health_add(desk->health, HEALTH_REFUSED, 1);
		complete(desk, request->id, CRM_BAD_REQUEST, err.text);
		return CRM_OK;
	}
	fill(asked, desk, request);
	switch (queue_push(desk->queue, &asked->link)) {
	case QUEUE_ACCEPTED:
		return CRM_OK;
	case QUEUE_FULL:
		health_add(desk->health, HEALTH_BUSY, 1);
		asked_free(asked);
		return CRM_BUSY;
	default:
		asked_free(asked);
		return CRM_STOPPING;
	}
}

size_t desk_queued(struct desk *desk)
{
	return queue_length(desk->queue);
}

void desk_stop(struct desk *desk, uint64_t deadline_ns)
{
	atomic_store(&desk->stop_ns, deadline_ns);
	queue_close(desk->queue);
}

/* --------------------------------------------------------------- asking */

static bool send(struct desk *desk, const struct asked *asked, struct err *err)
{
	const struct message_ask *ask = &asked->ask;
	const char *values[] = {asked->path, ask->account.s, ask->agent.s,
				asked->more, ask->body.s};
	int lengths[] = {(int)strlen(asked->path), (int)ask->account.len,
			 (int)ask->agent.len, (int)strlen(asked->more),
			 (int)ask->body.len};
	const uint32_t types[] = {ARRAY_TEXT, ARRAY_TEXT, ARRAY_TEXT,
				  ARRAY_TEXT, ARRAY_TEXT};
	/* Sooner than we give up, so that it can say so; 0 would be no limit. */
	uint64_t ms =
	    clock_until_ms(clock_ns(), asked->deadline_ns) * 9 / 10 + 1;

	return changes_limit(desk->db, (unsigned)ms, err) &&
	       db_queue(desk->db,
			&(struct db_statement){.sql = asked->form->sql,
					       .count = 5,
					       .types = types,
					       .values = values,
					       .lengths = lengths},
			err) &&
	       db_go(desk->db, err);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Until the connection is in that state; false: it is not to be had in time. */
static bool reach(struct desk *desk, const struct asked *asked,
		  enum db_state wanted, struct err *err)
{
	for (;;) {
		uint64_t until_ns =
		    earlier(asked->deadline_ns, atomic_load(&desk->stop_ns));
		enum db_state state = db_step(desk->db, err);

		if (state == wanted)
			return true;
		if (err->kind != ERR_NONE)
			return false;
		if (state == DB_DOWN && db_failures(desk->db) > 0)
			return err_set(err, ERR_AWAY, "away a moment ago");
		if (clock_ns() >= until_ns) {
			db_drop(desk->db);
			return err_set(err, ERR_AWAY, "no answer in time");
		}
		db_wait(desk->db, -1, until_ns);
	}
}

static void answer(struct desk *desk, const struct asked *asked)
{
	struct text json = db_text(desk->db, 1, 0, 0);
	size_t len = 0;
	char *body = NULL;

	if (!asked->ask.request_id.s) {
		desk->host->complete(desk->host, asked->id, CRM_OK, "", 0);
		return;
	}
	if (!json.s)
		json = (struct text){"null", 4};
	body = message_answer_data(asked->ask.request_id, json, &len);
	if (body)
		desk->host->complete(desk->host, asked->id, CRM_OK, body, len);
	else
		complete(desk, asked->id, CRM_BUSY, "out of memory");
	free(body);
}

static void refuse(struct desk *desk, const struct asked *asked,
		   const struct err *err)
{
	if (atomic_load(&desk->stop_ns) <= clock_ns())
		complete(desk, asked->id, CRM_STOPPING, "stopping");
	else if (err->kind == ERR_ROW)
		complete(desk, asked->id, CRM_BAD_REQUEST,
			 "the question is not understood");
	else if (err->kind == ERR_SCHEMA)
		complete(desk, asked->id, CRM_BUSY,
			 "the database is not set up; try again");
	else if (sqlstate_is_cancelled(err->sqlstate))
		complete(desk, asked->id, CRM_BUSY,
			 "the database takes too long; ask for less, or later");
	else
		complete(desk, asked->id, CRM_BUSY,
			 "the database is away; try again");
}

/* True: the answer is there, to be read before db_done(). */
static bool ask(struct desk *desk, const struct asked *asked, struct err *err)
{
	db_hurry(desk->db);
	if (!reach(desk, asked, DB_IDLE, err) || !send(desk, asked, err) ||
	    !reach(desk, asked, DB_DONE, err))
		return false;
	db_proved(desk->db);
	*err = *db_error(desk->db);
	if (err->kind == ERR_NONE && db_rows(desk->db, 1) == 1)
		return true;
	db_done(desk->db);
	return false;
}

static void deal_with(struct desk *desk, struct asked *asked)
{
	struct err err = {0};
	/* The server may have been started anew since it answered last; a note
	 * that is saved twice is the same note. */
	bool again = db_is_trying(desk->db);
	bool done = ask(desk, asked, &err);

	if (!done && again && err.kind == ERR_AWAY && !db_is_trying(desk->db) &&
	    clock_ns() < asked->deadline_ns)
		done = ask(desk, asked, &err);
	if (done) {
		answer(desk, asked);
		db_done(desk->db);
	} else {
		refuse(desk, asked, &err);
	}
	queue_release(desk->queue, &asked->link);
	asked_free(asked);
}

/* ----------------------------------------------------------------- loop */

/* Until somebody asks. A connection that falls meanwhile is not missed. */
static void rest(struct desk *desk)
{
	struct pollfd fd = {.fd = queue_fd(desk->queue), .events = POLLIN};
	struct err err;

	if (db_is_trying(desk->db) && db_step(desk->db, &err) == DB_IDLE)
		db_wait(desk->db, fd.fd, CLOCK_NEVER);
	else
		poll(&fd, 1, -1);
}

/* Waits for questions; false: there will be none. */
static bool take(struct desk *desk)
{
	bool closed = false;

	while (!desk->waiting && !closed) {
		desk->waiting = queue_take(desk->queue, &closed);
		if (desk->waiting || closed)
			break;
		queue_arm(desk->queue);
		rest(desk);
	}
	return desk->waiting != NULL;
}

void *desk_run(void *argument)
{
	struct desk *desk = argument;

	while (take(desk)) {
		struct asked *asked = (struct asked *)desk->waiting;

		desk->waiting = asked->link.next;
		deal_with(desk, asked);
	}
	return NULL;
}
