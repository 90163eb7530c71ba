/* fetcher - see fetcher.h.
 *
 * The thread waits in db_wait() alone: for the connection, and for the descriptor
 * of the downloads, which the queue wakes too. The database gets one statement at
 * a time; what it is about comes first that was longest ago or keeps others
 * waiting: what became of an attempt, then the next claim, then pages' questions,
 * then leases, then chores. While the database is away downloads go on, and what
 * became of them is told when it is back. */
#include "fetcher.h"

#include "clock.h"
#include "db.h"
#include "download.h"
#include "fetch.h"
#include "log.h"
#include "message.h"
#include "queue.h"
#include "recordings.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECT_MS = 5000,
	FETCHES_MAX = 1000, /* known at a time; more stay wanted */
	QUEUE_MAX = 1000,
	QUEUE_BYTES = 16 * 1024 * 1024,
	TOTAL_MS = 15 * 60 * 1000,   /* for one download */
	ADDRESS_MS = 10 * 60 * 1000, /* how long an address is kept */
	LEASE_S = 60,
	HOLD_MS = 15000,
	SWEEP_MS = 60000,
	SOON_MS = 5000, /* after a failure */
	ROOM_MS = 5000, /* until a full disk is tried again */
	FAREWELL_MS = 1000
};
static const char ASK[] = "{\"type\":\"call-log-recordings\"}";

struct handed {
	struct queue_item link;
	struct message_recordings message;
	uint64_t id; /* of a question; 0: it is none */
};

/* What the statement under way is about. */
enum job {
	JOB_NONE,
	JOB_SETTLE,
	JOB_CLAIM,
	JOB_WANTED,
	JOB_HOLD,
	JOB_SWEEP,
	JOB_FORGET
};

struct fetcher {
	const struct config *config; /* borrowed */
	const struct crm_host *host; /* borrowed */
	struct health *health;       /* borrowed */
	struct queue *queue;         /* owned */
	struct db *db;               /* owned */
	_Atomic uint64_t stop_ns;    /* when to have ended; CLOCK_NEVER: runs */

	/* the thread's own */
	struct downloads *downloads; /* owned while it runs */
	struct fetch *fetches;       /* owned */
	size_t count;
	struct queue_item *questions; /* owned; oldest first */
	struct queue_item **questions_end;
	struct fetch
	    *erased; /* owned: files that are gone, rows that are not */
	bool open;   /* more may be handed over */
	enum job job;
	struct fetch *subject; /* of the job, if it is about one */
	uint64_t sweep_ns;
	uint64_t room_ns; /* nothing is fetched before; 0: there is room */
	uint64_t bytes;   /* that all recordings take */
	bool said_full, said_failed;
};

struct fetcher *fetcher_new(const struct fetcher_settings *settings,
			    struct err *err)
{
	struct fetcher *fetcher = calloc(1, sizeof(*fetcher));

	if (!fetcher) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	fetcher->config = settings->config;
	fetcher->host = settings->host;
	fetcher->health = settings->health;
	atomic_init(&fetcher->stop_ns, CLOCK_NEVER);
	fetcher->queue = queue_new(QUEUE_MAX, QUEUE_BYTES, err);
	if (fetcher->queue)
		fetcher->db =
		    db_new(fetcher->config->conninfo, CONNECT_MS, err);
	if (fetcher->db)
		return fetcher;
	fetcher_free(fetcher);
	return NULL;
}

void fetcher_free(struct fetcher *fetcher)
{
	if (!fetcher)
		return;
	db_free(fetcher->db);
	queue_free(fetcher->queue);
	free(fetcher);
}

bool fetcher_open(struct fetcher *fetcher, struct err *err)
{
	return recording_file_prepare(fetcher->config->recordings_dir, err) &&
	       queue_open(fetcher->queue, err);
}

/* ---------------------------------------------------------- the handler */

static void complete(struct fetcher *fetcher, uint64_t id,
		     enum crm_status status, const char *body, size_t len)
{
	fetcher->host->complete(fetcher->host, id, status, body, len);
}

static void handed_free(struct handed *handed)
{
	message_recordings_free(&handed->message);
	free(handed);
}

static enum crm_status push(struct fetcher *fetcher, struct handed *handed)
{
	switch (queue_push(fetcher->queue, &handed->link)) {
	case QUEUE_ACCEPTED:
		return CRM_OK;
	case QUEUE_FULL:
		health_add(fetcher->health, HEALTH_BUSY, 1);
		handed_free(handed);
		return CRM_BUSY;
	default:
		handed_free(handed);
		return CRM_STOPPING;
	}
}

/* Addresses are acknowledged at once: what is lost with the process is asked for
 * again. */
static enum crm_status acknowledge(struct fetcher *fetcher,
				   struct handed *handed, uint64_t id)
{
	size_t len;
	char *body = message_answer_ok(handed->message.request_id, &len);
	enum crm_status status = body ? push(fetcher, handed) : CRM_BUSY;

	if (!body)
		handed_free(handed);
	if (status == CRM_OK)
		complete(fetcher, id, CRM_OK, body, len);
	free(body);
	return status;
}

enum crm_status fetcher_submit(struct fetcher *fetcher,
			       const struct crm_request *request)
{
	struct message_origin origin = {.account = request->account,
					.agent = request->agent};
	struct handed *handed = calloc(1, sizeof(*handed));
	struct err err = {0};

	if (!handed)
		return CRM_BUSY;
	if (!message_decode_recordings(request->body, request->body_len,
				       &origin, &handed->message, &err)) {
		free(handed);
		if (err.kind != ERR_INPUT)
			return CRM_BUSY;
		health_add(fetcher->health, HEALTH_REFUSED, 1);
		complete(fetcher, request->id, CRM_BAD_REQUEST, err.text,
			 strlen(err.text));
		return CRM_OK;
	}
	handed->link.bytes = sizeof(*handed) + request->body_len;
	if (handed->message.count > 0)
		return acknowledge(fetcher, handed, request->id);
	handed->id = request->id;
	return push(fetcher, handed);
}

size_t fetcher_queued(struct fetcher *fetcher)
{
	return queue_length(fetcher->queue);
}

void fetcher_stop(struct fetcher *fetcher, uint64_t deadline_ns)
{
	uint64_t end_ns = clock_after(clock_ns(), FAREWELL_MS);

	atomic_store(&fetcher->stop_ns,
		     deadline_ns < end_ns ? deadline_ns : end_ns);
	queue_close(fetcher->queue);
}

/* ------------------------------------------------------------- what comes */

static struct fetch *find(struct fetcher *fetcher,
			  const struct recording_key *key)
{
	struct fetch *fetch = fetcher->fetches;

	while (fetch && !fetch_is(fetch, key))
		fetch = fetch->next;
	return fetch;
}

/* What there is no room for stays wanted. */
static void add(struct fetcher *fetcher, const struct recording_key *key,
		struct text address)
{
	struct fetch *fetch = find(fetcher, key);

	if (fetch && fetch->state == FETCH_WAITING && address.s)
		fetch_readdress(fetch, address);
	if (fetch || fetcher->count == FETCHES_MAX)
		return;
	fetch = fetch_new(key, address);
	if (!fetch)
		return;
	fetch->next = fetcher->fetches;
	fetcher->fetches = fetch;
	fetcher->count++;
}

static void take_addresses(struct fetcher *fetcher, struct handed *handed)
{
	const struct message_recordings *message = &handed->message;

	for (size_t i = 0; i < message->count; i++) {
		const struct message_recording *one = &message->list[i];
		struct recording_key key = {
		    .account = message->account,
		    .agent = message->agent,
		    .session_id = one->session_id,
		    .recording_id = one->recording_id,
		};
		add(fetcher, &key, one->address);
	}
	queue_release(fetcher->queue, &handed->link);
	handed_free(handed);
}

static void take(struct fetcher *fetcher)
{
	bool closed;
	struct queue_item *item = queue_take(fetcher->queue, &closed);

	fetcher->open = !closed;
	while (item) {
		struct handed *handed = (struct handed *)item;

		item = item->next;
		if (handed->message.count > 0) {
			take_addresses(fetcher, handed);
			continue;
		}
		handed->link.next = NULL;
		*fetcher->questions_end = &handed->link;
		fetcher->questions_end = &handed->link.next;
	}
}

static struct handed *first_question(struct fetcher *fetcher)
{
	return (struct handed *)fetcher->questions;
}

static void answer(struct fetcher *fetcher, enum crm_status status,
		   struct text wanted)
{
	struct handed *handed = first_question(fetcher);
	size_t len = 0;
	char *body =
	    status == CRM_OK && wanted.s
		? message_answer_data(handed->message.request_id, wanted, &len)
		: NULL;

	if (status == CRM_OK && !body)
		status = CRM_BUSY;
	complete(fetcher, handed->id, status, body ? body : "", len);
	free(body);
	fetcher->questions = handed->link.next;
	if (!fetcher->questions)
		fetcher->questions_end = &fetcher->questions;
	queue_release(fetcher->queue, &handed->link);
	handed_free(handed);
}

/* -------------------------------------------------------------- fetching */

static void soon(struct fetcher *fetcher)
{
	uint64_t soon_ns = clock_after(clock_ns(), SOON_MS);

	if (soon_ns < fetcher->sweep_ns)
		fetcher->sweep_ns = soon_ns;
}

static bool is_full(const struct fetcher *fetcher)
{
	uint64_t quota = (uint64_t)fetcher->config->recordings_quota_gb << 30;

	return (quota > 0 && fetcher->bytes >= quota) ||
	       clock_ns() < fetcher->room_ns;
}

static void say_full(struct fetcher *fetcher, bool full, const char *why)
{
	if (full && !fetcher->said_full)
		log_line(fetcher->host, CRM_WARN,
			 "recordings wait: %s; calls are logged as ever", why);
	if (!full && fetcher->said_full)
		log_line(fetcher->host, CRM_INFO,
			 "there is room for recordings again");
	fetcher->said_full = full;
}

static void tell(struct fetcher *fetcher, const struct fetch *fetch)
{
	if (fetch->stored) {
		fetcher->bytes += fetch->facts.bytes;
		health_add(fetcher->health, HEALTH_FETCHED, 1);
		return;
	}
	health_add(fetcher->health, HEALTH_UNFETCHED, 1);
	soon(fetcher);
	if (fetch->err.kind != ERR_FULL)
		return;
	fetcher->room_ns = clock_after(clock_ns(), ROOM_MS);
	say_full(fetcher, true, "there is no room on the disk");
}

static void take_downloads(struct fetcher *fetcher)
{
	enum download_result result;
	struct err err;
	struct fetch *fetch;

	downloads_step(fetcher->downloads);
	while ((fetch = downloads_take(fetcher->downloads, &result, &err))) {
		fetch_loaded(fetch, result, &err);
		tell(fetcher, fetch);
	}
}

/* Forgets what has ended, and what waited too long. */
static void forget_ended(struct fetcher *fetcher)
{
	uint64_t now = clock_ns();

	for (struct fetch **at = &fetcher->fetches; *at;) {
		struct fetch *fetch = *at;
		bool stale = fetch->state == FETCH_WAITING && fetch->address &&
			     now >= clock_after(fetch->given_ns, ADDRESS_MS);

		if (fetch == fetcher->subject ||
		    (fetch->state != FETCH_ENDED && !stale)) {
			at = &fetch->next;
			continue;
		}
		*at = fetch->next;
		fetch_free(fetch);
		fetcher->count--;
	}
}

/* ------------------------------------------------------------------ jobs */

static struct fetch *first_in(struct fetcher *fetcher, enum fetch_state state)
{
	struct fetch *fetch = fetcher->fetches;

	while (fetch && fetch->state != state)
		fetch = fetch->next;
	return fetch;
}

static bool has_slot(const struct fetcher *fetcher)
{
	int loading = 0;

	for (struct fetch *f = fetcher->fetches; f; f = f->next)
		loading += f->state == FETCH_LOADING;
	return loading < fetcher->config->recording_parallel;
}

/* The next to be claimed, the one that is due longest. */
static struct fetch *next_claim(struct fetcher *fetcher)
{
	struct fetch *next = NULL;

	if (!fetcher->open || !has_slot(fetcher))
		return NULL;
	for (struct fetch *f = fetcher->fetches; f; f = f->next)
		if (f->state == FETCH_WAITING && f->due_ns <= clock_ns() &&
		    (!next || f->due_ns < next->due_ns))
			next = f;
	if (!next)
		return NULL;
	say_full(fetcher, is_full(fetcher), "'recordings_quota_gb' is reached");
	return fetcher->said_full ? NULL : next;
}

static struct fetch *next_hold(struct fetcher *fetcher)
{
	for (struct fetch *f = fetcher->fetches; f; f = f->next)
		if (f->state == FETCH_LOADING &&
		    clock_ns() >= clock_after(f->held_ns, HOLD_MS))
			return f;
	return NULL;
}

static bool settle(struct fetcher *fetcher, struct err *err)
{
	const struct fetch *fetch = fetcher->subject;

	return recordings_settle(fetcher->db, &fetch->key, fetch->verdict,
				 fetch->stored ? NULL : fetch->err.text,
				 fetch->stored ? &fetch->facts : NULL, err);
}

static bool ask_wanted(struct fetcher *fetcher, struct err *err)
{
	const struct message_recordings *message =
	    &first_question(fetcher)->message;

	return recordings_ask_wanted(fetcher->db, message->account,
				     message->agent, err);
}

static bool pick(struct fetcher *fetcher, enum job job, struct fetch *subject)
{
	if (!subject)
		return false;
	fetcher->job = job;
	fetcher->subject = subject;
	return true;
}

static void pick_job(struct fetcher *fetcher)
{
	if (pick(fetcher, JOB_SETTLE, first_in(fetcher, FETCH_OVER)) ||
	    pick(fetcher, JOB_CLAIM, next_claim(fetcher)))
		return;
	if (fetcher->questions) {
		fetcher->job = JOB_WANTED;
		return;
	}
	if (pick(fetcher, JOB_HOLD, next_hold(fetcher)) ||
	    pick(fetcher, JOB_FORGET, fetcher->erased))
		return;
	if (fetcher->open && clock_ns() >= fetcher->sweep_ns)
		fetcher->job = JOB_SWEEP;
}

static bool send(struct fetcher *fetcher, struct err *err)
{
	struct db *db = fetcher->db;

	switch (fetcher->job) {
	case JOB_SETTLE:
		return settle(fetcher, err);
	case JOB_CLAIM:
		return recordings_claim(db, &fetcher->subject->key, LEASE_S,
					err);
	case JOB_WANTED:
		return ask_wanted(fetcher, err);
	case JOB_HOLD:
		return recordings_hold(db, &fetcher->subject->key, LEASE_S,
				       err);
	case JOB_SWEEP:
		return recordings_sweep(
		    db, (unsigned)fetcher->config->recordings_retention_days,
		    err);
	case JOB_FORGET:
		return recordings_forget(db, &fetcher->subject->key, err);
	case JOB_NONE:
		break;
	}
	return true;
}

/* --------------------------------------------------------------- results */

static void claimed(struct fetcher *fetcher)
{
	struct fetch *fetch = fetcher->subject;
	struct text name = {0};

	switch (recordings_verdict(fetcher->db, &name)) {
	case RECORDING_CLAIMED:
		fetch_begin(fetch, fetcher->downloads,
			    fetcher->config->recordings_dir, name.s);
		if (fetch->state == FETCH_OVER)
			tell(fetcher, fetch);
		return;
	case RECORDING_TAKEN:
		fetch->state = FETCH_ENDED;
		return;
	case RECORDING_UNKNOWN:
		fetch_unknown(fetch);
		if (!fetch->address)
			fetch->state = FETCH_ENDED;
		return;
	}
}

/* The file goes first: a row without a file is found again by its erase_at, a
 * file without a row by nobody. */
static void erase(struct fetcher *fetcher, const struct recording_sweep *sweep)
{
	struct err err;
	struct fetch *fetch;

	if (sweep->name.s &&
	    !recording_file_erase(fetcher->config->recordings_dir,
				  sweep->name.s, &err)) {
		log_line(fetcher->host, CRM_ERROR, "%s", err.text);
		return;
	}
	fetch = fetch_new(&sweep->key, (struct text){0});
	if (!fetch)
		return;
	fetch->next = fetcher->erased;
	fetcher->erased = fetch;
}

static void forgotten(struct fetcher *fetcher)
{
	struct fetch *fetch = fetcher->erased;

	fetcher->erased = fetch->next;
	fetch_free(fetch);
	if (!fetcher->erased) /* there may be more of them */
		fetcher->sweep_ns = clock_ns();
}

static void swept(struct fetcher *fetcher)
{
	int count = recordings_swept_count(fetcher->db);

	fetcher->sweep_ns = clock_after(clock_ns(), SWEEP_MS);
	fetcher->bytes = (uint64_t)recordings_bytes(fetcher->db);
	for (int i = 0; i < count; i++) {
		struct recording_sweep sweep = recordings_swept(fetcher->db, i);

		switch (sweep.chore) {
		case RECORDING_ASK:
			fetcher->host->post(fetcher->host, sweep.key.account.s,
					    sweep.key.agent.s, ASK,
					    sizeof(ASK) - 1);
			break;
		case RECORDING_LEFT:
			add(fetcher, &sweep.key, (struct text){0});
			break;
		case RECORDING_ERASE:
			erase(fetcher, &sweep);
			break;
		}
	}
}

static void job_done(struct fetcher *fetcher)
{
	switch (fetcher->job) {
	case JOB_SETTLE:
		fetch_settled(fetcher->subject);
		break;
	case JOB_CLAIM:
		claimed(fetcher);
		break;
	case JOB_WANTED:
		answer(fetcher, CRM_OK, recordings_wanted(fetcher->db));
		break;
	case JOB_HOLD:
		fetcher->subject->held_ns = clock_ns();
		break;
	case JOB_SWEEP:
		swept(fetcher);
		break;
	case JOB_FORGET:
		forgotten(fetcher);
		break;
	case JOB_NONE:
		break;
	}
}

/* The same comes again, but for a question: who asks, asks again. A claim that may
 * have been made is settled first. */
static void job_failed(struct fetcher *fetcher, const struct err *err)
{
	struct fetch *fetch = fetcher->subject;

	if (fetcher->job == JOB_WANTED)
		answer(fetcher, CRM_BUSY, (struct text){0});
	if (fetcher->job == JOB_CLAIM) {
		fetch->err = *err;
		fetch->verdict = "waiting";
		fetch->stored = false;
		fetch->again = fetch->address != NULL;
		fetch->state = FETCH_OVER;
	}
	if (fetcher->job == JOB_SWEEP)
		fetcher->sweep_ns = clock_after(clock_ns(), SOON_MS);
	if (!fetcher->said_failed)
		log_line(fetcher->host, CRM_WARN,
			 "recordings wait for the database: %s", err->text);
	fetcher->said_failed = true;
}

static void end_job(struct fetcher *fetcher)
{
	fetcher->job = JOB_NONE;
	fetcher->subject = NULL;
}

/* A statement that the database refuses would be refused again at once. */
static void finish_job(struct fetcher *fetcher)
{
	struct err err = *db_error(fetcher->db);

	if (err.kind == ERR_NONE) {
		db_proved(fetcher->db);
		fetcher->said_failed = false;
		job_done(fetcher);
		db_done(fetcher->db);
	} else {
		job_failed(fetcher, &err);
		db_drop(fetcher->db);
	}
	end_job(fetcher);
}

static void fail_questions(struct fetcher *fetcher, enum crm_status status)
{
	while (fetcher->questions)
		answer(fetcher, status, (struct text){0});
}

/* True: there may be more to do at once. */
static bool work(struct fetcher *fetcher)
{
	struct err err = {0};

	switch (db_step(fetcher->db, &err)) {
	case DB_IDLE:
		if (fetcher->job != JOB_NONE) {
			job_failed(fetcher, &err);
			end_job(fetcher);
		}
		pick_job(fetcher);
		if (fetcher->job == JOB_NONE)
			return false;
		if (send(fetcher, &err))
			return true;
		break;
	case DB_DONE:
		finish_job(fetcher);
		return true;
	case DB_BUSY:
		return false;
	default:
		if (err.kind == ERR_NONE && db_failures(fetcher->db) == 0)
			return false;
	}
	if (fetcher->job != JOB_NONE) {
		job_failed(fetcher, &err);
		end_job(fetcher);
	}
	fail_questions(fetcher, CRM_BUSY);
	return false;
}

/* ------------------------------------------------------------------ loop */

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t next_due(struct fetcher *fetcher)
{
	uint64_t due_ns = sooner(downloads_due_ns(fetcher->downloads),
				 atomic_load(&fetcher->stop_ns));

	due_ns = sooner(due_ns, fetcher->sweep_ns);
	if (is_full(fetcher) || !has_slot(fetcher))
		return due_ns;
	for (struct fetch *f = fetcher->fetches; f; f = f->next)
		if (f->state == FETCH_WAITING)
			due_ns = sooner(due_ns, f->due_ns);
	return due_ns;
}

/* What is due and cannot be done, for want of the database, waits for that. */
static void wait(struct fetcher *fetcher)
{
	uint64_t now = clock_ns();
	uint64_t until_ns = next_due(fetcher);

	if (until_ns <= now)
		until_ns = sooner(clock_after(now, 1000),
				  downloads_due_ns(fetcher->downloads));
	queue_arm(fetcher->queue);
	db_wait(fetcher->db, downloads_fd(fetcher->downloads), until_ns);
}

/* Nothing is under way any more, and the database knows. */
static bool has_ended(struct fetcher *fetcher)
{
	uint64_t stop_ns = atomic_load(&fetcher->stop_ns);

	if (stop_ns == CLOCK_NEVER)
		return false;
	fail_questions(fetcher, CRM_STOPPING);
	for (struct fetch *f = fetcher->fetches; f; f = f->next) {
		if (f->state == FETCH_LOADING)
			fetch_interrupt(f, "the host was stopped");
		f->again = false;
	}
	return clock_ns() >= stop_ns ||
	       (fetcher->job == JOB_NONE && !first_in(fetcher, FETCH_OVER));
}

static void serve(struct fetcher *fetcher)
{
	for (;;) {
		take(fetcher);
		take_downloads(fetcher);
		while (work(fetcher))
			;
		forget_ended(fetcher);
		if (has_ended(fetcher))
			return;
		wait(fetcher);
	}
}

static void clear(struct fetcher *fetcher)
{
	take(fetcher);
	fail_questions(fetcher, CRM_STOPPING);
	end_job(fetcher);
	while (fetcher->erased)
		forgotten(fetcher);
	while (fetcher->fetches) {
		struct fetch *fetch = fetcher->fetches;

		fetcher->fetches = fetch->next;
		fetch_free(fetch);
	}
	fetcher->count = 0;
}

void *fetcher_run(void *argument)
{
	struct fetcher *fetcher = argument;
	struct download_settings settings = {
	    .hosts = fetcher->config->recording_hosts,
	    .ca = fetcher->config->recording_ca,
	    .loopback = fetcher->config->recording_loopback,
	    .max_bytes = (uint64_t)fetcher->config->recording_max_mb << 20,
	    .stall_ms = (unsigned)fetcher->config->recording_stall_ms,
	    .total_ms = TOTAL_MS,
	    .wake_fd = queue_fd(fetcher->queue),
	};
	struct err err = {0};

	fetcher->questions = NULL;
	fetcher->questions_end = &fetcher->questions;
	fetcher->open = true;
	fetcher->sweep_ns = clock_ns();
	fetcher->downloads = downloads_new(&settings, &err);
	if (fetcher->downloads)
		serve(fetcher);
	else
		log_line(fetcher->host, CRM_ERROR, "no recordings: %s",
			 err.text);
	clear(fetcher);
	downloads_free(fetcher->downloads);
	fetcher->downloads = NULL;
	return NULL;
}
