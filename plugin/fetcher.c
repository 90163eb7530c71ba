/* fetcher - see fetcher.h.
 *
 * The thread waits in db_wait() alone: for the connection, and for the descriptor
 * of the downloads, which the queue wakes too. The database gets one statement at
 * a time; what it is about comes first that was longest ago or keeps others
 * waiting: what became of an attempt, then the next claim, then pages' questions,
 * then whether the folder is the one, then leases, then chores. While the database
 * is away downloads go on, and what became of them is told when it is back. */
#include "fetcher.h"

#include "chores.h"
#include "clock.h"
#include "db.h"
#include "download.h"
#include "fetches.h"
#include "handed.h"
#include "log.h"
#include "recording_folder.h"
#include "recordings.h"
#include "room.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECT_MS = 5000,
	TOTAL_MS = 15 * 60 * 1000, /* for one download */
	LEASE_S = 60,
	HOLD_MS = 15000,
	FAREWELL_MS = 1000
};

/* What the statement under way is about. */
enum job {
	JOB_NONE,
	JOB_SETTLE,
	JOB_CLAIM,
	JOB_WANTED,
	JOB_FOLDER,
	JOB_HOLD,
	JOB_CHORE
};

struct fetcher {
	const struct config *config; /* borrowed */
	const struct crm_host *host; /* borrowed */
	struct health *health;       /* borrowed */
	struct handed handed;        /* owned */
	struct db *db;               /* owned */
	_Atomic uint64_t stop_ns;    /* when to have ended; CLOCK_NEVER: runs */

	/* the thread's own */
	struct downloads *downloads; /* owned; NULL: libcurl did not start */
	struct fetches fetches;      /* owned */
	struct chores chores;        /* owned */
	struct room room;
	enum job job;
	struct fetch *subject; /* of the job, if it is about one */
	bool said_failed;
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
	fetcher->fetches.parallel = settings->config->recording_parallel;
	atomic_init(&fetcher->stop_ns, CLOCK_NEVER);
	if (handed_init(&fetcher->handed, settings->host, settings->health,
			err))
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
	downloads_free(fetcher->downloads);
	db_free(fetcher->db);
	handed_free(&fetcher->handed);
	free(fetcher);
}

/* ------------------------------------------------------------------ open */

/* Calls are logged all the same without. */
static void open_downloads(struct fetcher *fetcher)
{
	struct download_settings settings = {
	    .hosts = fetcher->config->recording_hosts,
	    .ca = fetcher->config->recording_ca,
	    .proxy = fetcher->config->recording_proxy,
	    .loopback = fetcher->config->recording_loopback,
	    .max_bytes = (uint64_t)fetcher->config->recording_max_mb << 20,
	    .stall_ms = (unsigned)fetcher->config->recording_stall_ms,
	    .total_ms = TOTAL_MS,
	    .wake_fd = handed_fd(&fetcher->handed),
	};
	struct err err = {0};

	downloads_free(fetcher->downloads);
	fetcher->downloads = downloads_new(&settings, &err);
	if (!fetcher->downloads)
		log_line(fetcher->host, CRM_ERROR, "no recordings: %s",
			 err.text);
	else if (!downloads_are_secret(fetcher->downloads))
		log_line(fetcher->host, CRM_WARN,
			 "libcurl was used before this plugin: a core dump of "
			 "this process may show the token of a recording that "
			 "is being fetched");
}

/* The downloads begin here, not in their thread: libcurl's sockets are marked as not
 * to be inherited before the host, which is told that it has started, starts others. */
bool fetcher_open(struct fetcher *fetcher, struct err *err)
{
	if (!handed_open(&fetcher->handed, err))
		return false;
	room_init(&fetcher->room, fetcher->config, fetcher->host,
		  fetcher->health);
	room_has_folder(&fetcher->room);
	open_downloads(fetcher);
	return true;
}

enum crm_status fetcher_submit(struct fetcher *fetcher,
			       const struct crm_request *request)
{
	return handed_submit(&fetcher->handed, request);
}

size_t fetcher_queued(struct fetcher *fetcher)
{
	return handed_queued(&fetcher->handed);
}

void fetcher_stop(struct fetcher *fetcher, uint64_t deadline_ns)
{
	uint64_t end_ns = clock_after(clock_ns(), FAREWELL_MS);

	atomic_store(&fetcher->stop_ns,
		     deadline_ns < end_ns ? deadline_ns : end_ns);
	handed_close(&fetcher->handed);
}

/* -------------------------------------------------------------- fetching */

static void tell(struct fetcher *fetcher, const struct fetch *fetch)
{
	if (fetch->stored) {
		room_took(&fetcher->room, fetch->facts.bytes);
		health_add(fetcher->health, HEALTH_FETCHED, 1);
		return;
	}
	health_add(fetcher->health, HEALTH_UNFETCHED, 1);
	chores_soon(&fetcher->chores);
	if (fetch->err.kind == ERR_INTERNAL || fetch->err.kind == ERR_FULL)
		room_failed(&fetcher->room, &fetch->err);
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

/* ------------------------------------------------------------------ jobs */

/* The next to be claimed, where there is room for it. */
static struct fetch *next_claim(struct fetcher *fetcher)
{
	struct fetch *next =
	    fetcher->handed.open ? fetches_next(&fetcher->fetches) : NULL;

	return next && room_is_left(&fetcher->room) ? next : NULL;
}

static bool is_to_prove(struct fetcher *fetcher)
{
	return fetcher->handed.open && !room_has_folder(&fetcher->room) &&
	       room_is_unproved(&fetcher->room);
}

static struct fetch *next_hold(struct fetcher *fetcher)
{
	uint64_t now = clock_ns();
	uint64_t hold_ns = clock_after(0, HOLD_MS);

	return fetches_held_before(&fetcher->fetches,
				   now > hold_ns ? now - hold_ns : 0);
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
	const struct message_recordings *question =
	    handed_question(&fetcher->handed);

	return recordings_ask_wanted(fetcher->db, question->account,
				     question->agent, err);
}

static bool pick(struct fetcher *fetcher, enum job job, struct fetch *subject)
{
	if (!subject)
		return false;
	fetcher->job = job;
	fetcher->subject = subject;
	fetcher->fetches.busy = subject;
	return true;
}

static void pick_job(struct fetcher *fetcher)
{
	if (pick(fetcher, JOB_SETTLE,
		 fetches_in(&fetcher->fetches, FETCH_OVER)) ||
	    pick(fetcher, JOB_CLAIM, next_claim(fetcher)))
		return;
	if (handed_question(&fetcher->handed)) {
		fetcher->job = JOB_WANTED;
		return;
	}
	if (is_to_prove(fetcher)) {
		fetcher->job = JOB_FOLDER;
		return;
	}
	if (!pick(fetcher, JOB_HOLD, next_hold(fetcher)) &&
	    fetcher->handed.open && chores_pick(&fetcher->chores))
		fetcher->job = JOB_CHORE;
}

static bool send(struct fetcher *fetcher, struct err *err)
{
	struct db *db = fetcher->db;

	switch (fetcher->job) {
	case JOB_SETTLE:
		return settle(fetcher, err);
	case JOB_FOLDER:
		return recordings_ask_some(db, err);
	case JOB_CLAIM:
		return recordings_claim(db, &fetcher->subject->key, LEASE_S,
					err);
	case JOB_WANTED:
		return ask_wanted(fetcher, err);
	case JOB_HOLD:
		return recordings_hold(db, &fetcher->subject->key, LEASE_S,
				       err);
	case JOB_CHORE:
		return chores_send(&fetcher->chores, db, err);
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
		return;
	}
}

static void settled(struct fetcher *fetcher)
{
	struct err err;

	if (!fetch_settled(fetcher->subject, recordings_is_known(fetcher->db),
			   &err))
		log_line(fetcher->host, CRM_ERROR, "%s", err.text);
}

/* A new folder is the one when there are none, else one that has some. */
static void prove(struct fetcher *fetcher)
{
	int count = recordings_some_count(fetcher->db);
	bool found = count == 0;

	for (int i = 0; i < count && !found; i++)
		found = recording_folder_has(fetcher->config->recordings_dir,
					     recordings_some(fetcher->db, i).s);
	room_proved(&fetcher->room, found);
}

static void job_done(struct fetcher *fetcher)
{
	switch (fetcher->job) {
	case JOB_SETTLE:
		settled(fetcher);
		break;
	case JOB_FOLDER:
		prove(fetcher);
		break;
	case JOB_CLAIM:
		claimed(fetcher);
		break;
	case JOB_WANTED:
		handed_answer(&fetcher->handed, CRM_OK,
			      recordings_wanted(fetcher->db));
		break;
	case JOB_HOLD:
		fetcher->subject->held_ns = clock_ns();
		break;
	case JOB_CHORE:
		chores_done(&fetcher->chores, fetcher->db);
		break;
	case JOB_NONE:
		break;
	}
}

/* The same comes again, but for a question: who asks, asks again. A claim that may
 * have been made ends by itself. */
static void job_failed(struct fetcher *fetcher, const struct err *err)
{
	if (fetcher->job == JOB_WANTED)
		handed_answer(&fetcher->handed, CRM_BUSY, (struct text){0});
	if (fetcher->job == JOB_CLAIM)
		fetch_unknown(fetcher->subject);
	if (fetcher->job == JOB_CHORE)
		chores_failed(&fetcher->chores);
	if (!fetcher->said_failed)
		log_line(fetcher->host, CRM_WARN,
			 "recordings wait for the database: %s", err->text);
	fetcher->said_failed = true;
}

/* What the database refuses for what it is about stands in the way of the others
 * no longer. */
static bool job_refused(struct fetcher *fetcher, const struct err *err)
{
	bool forgets =
	    fetcher->job == JOB_CHORE && fetcher->chores.chore == CHORE_FORGET;

	if (err->kind != ERR_ROW || (fetcher->job != JOB_SETTLE &&
				     fetcher->job != JOB_CLAIM && !forgets))
		return false;
	log_line(fetcher->host, CRM_ERROR,
		 "the database refuses %sa recording: %s",
		 forgets ? "to forget " : "", err->text);
	if (forgets)
		chores_failed(&fetcher->chores);
	else if (fetcher->job == JOB_SETTLE)
		fetch_refused(fetcher->subject);
	else
		fetcher->subject->state = FETCH_ENDED;
	return true;
}

static void end_job(struct fetcher *fetcher)
{
	fetcher->job = JOB_NONE;
	fetcher->subject = NULL;
	fetcher->fetches.busy = NULL;
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
		if (!job_refused(fetcher, &err))
			job_failed(fetcher, &err);
		db_drop(fetcher->db);
	}
	end_job(fetcher);
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
	handed_refuse(&fetcher->handed, CRM_BUSY);
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
	uint64_t room_ns = room_due_ns(&fetcher->room);

	due_ns = sooner(due_ns, chores_due_ns(&fetcher->chores));
	return sooner(due_ns,
		      room_ns ? room_ns : fetches_due_ns(&fetcher->fetches));
}

/* What is due and cannot be done, for want of the database, waits for that. */
static void wait(struct fetcher *fetcher)
{
	uint64_t now = clock_ns();
	uint64_t until_ns = next_due(fetcher);

	if (until_ns <= now)
		until_ns = sooner(clock_after(now, 1000),
				  downloads_due_ns(fetcher->downloads));
	handed_arm(&fetcher->handed);
	db_wait(fetcher->db, downloads_fd(fetcher->downloads), until_ns);
}

/* Nothing is under way any more, and the database knows. */
static bool has_ended(struct fetcher *fetcher)
{
	uint64_t stop_ns = atomic_load(&fetcher->stop_ns);

	if (stop_ns == CLOCK_NEVER)
		return false;
	handed_refuse(&fetcher->handed, CRM_STOPPING);
	for (struct fetch *f = fetcher->fetches.first; f; f = f->next) {
		if (f->state == FETCH_LOADING)
			fetch_interrupt(f, "the host was stopped");
		f->again = false;
	}
	return clock_ns() >= stop_ns ||
	       (fetcher->job == JOB_NONE &&
		!fetches_in(&fetcher->fetches, FETCH_OVER));
}

static void take_addresses(void *context,
			   const struct message_recordings *recordings)
{
	struct fetcher *fetcher = context;

	for (size_t i = 0; i < recordings->count; i++) {
		const struct message_recording *one = &recordings->list[i];
		const struct recording_key key = {
		    .account = recordings->account,
		    .agent = recordings->agent,
		    .session_id = one->session_id,
		    .recording_id = one->recording_id,
		};
		fetches_add(&fetcher->fetches, &key, one->address);
	}
	/* what waits is told why */
	if (room_why(&fetcher->room))
		chores_soon(&fetcher->chores);
}

static void serve(struct fetcher *fetcher)
{
	for (;;) {
		handed_take(&fetcher->handed, take_addresses, fetcher);
		take_downloads(fetcher);
		while (work(fetcher))
			;
		fetches_forget(&fetcher->fetches);
		if (has_ended(fetcher))
			return;
		wait(fetcher);
	}
}

static void clear(struct fetcher *fetcher)
{
	handed_take(&fetcher->handed, take_addresses, fetcher);
	handed_refuse(&fetcher->handed, CRM_STOPPING);
	end_job(fetcher);
	chores_free(&fetcher->chores);
	fetches_clear(&fetcher->fetches);
}

void *fetcher_run(void *argument)
{
	struct fetcher *fetcher = argument;

	chores_init(&fetcher->chores, fetcher->config, fetcher->host,
		    &fetcher->fetches, &fetcher->room);
	if (fetcher->downloads)
		serve(fetcher);
	clear(fetcher);
	downloads_free(fetcher->downloads);
	fetcher->downloads = NULL;
	return NULL;
}
