/* writer - see writer.h.
 *
 * The thread waits in store_wait() alone, and for the spool's disk. Events that
 * have come are `live`, and written range by range; so is what is replayed, in
 * turns. A statement whose connection dies is sent again on the next: the merge is
 * idempotent, and so it does not matter that an event that is due, and goes to
 * the spool, may be under way to the database as well.
 *
 * Once the database is known to be away no event waits: each goes to the spool
 * at once. That is known from the store, or from a statement that failed for
 * want of the database (`broken`); then a replay is what tries it again. */
#include "writer.h"

#include "batch.h"
#include "clock.h"
#include "ending.h"
#include "live.h"
#include "recorder.h"
#include "replay.h"
#include "spooler.h"
#include "store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	REPLAY_MS = 5000, /* for one statement of a replay */
	DRAIN_MS = 200    /* the last part of stop()'s time is for the spool */
};

/* What the statement under way is part of. */
enum job { JOB_NONE, JOB_LIVE, JOB_REPLAY };

struct writer {
	struct queue *queue; /* owned */
	struct store *store; /* owned */
	struct recorder recorder;
	struct health *health;  /* borrowed */
	const char *spool_path; /* borrowed; NULL: none */
	uint64_t spool_max_bytes;
	unsigned commit_deadline_ms;
	_Atomic uint64_t stop_ns; /* stop()'s deadline; CLOCK_NEVER: runs */

	/* the thread's own */
	bool open;         /* more may come */
	uint64_t drain_ns; /* not open: when to spool what is left */
	struct ending ending;
	struct live live;
	struct spooler spooler;
	struct replay replay;
	enum store_state state;

	enum job job; /* the statement under way, and of it: */
	struct range range;
	bool whole; /* it has every event of the range */
	uint64_t sent_ns;
	uint64_t due_ns;
	bool replays_next; /* it is the replay's turn */

	bool broken;
};

static const struct writer_observer nobody = {0};

struct writer *writer_new(const struct writer_settings *settings,
			  struct err *err)
{
	struct store_settings store = {
	    .conninfo = settings->conninfo,
	    .health = settings->health,
	    .connection = HEALTH_WRITER,
	    .patience_ms = settings->spool ? 0 : settings->commit_deadline_ms,
	};
	struct writer *writer = calloc(1, sizeof(*writer));

	if (!writer) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	writer->health = settings->health;
	writer->spool_path = settings->spool;
	writer->spool_max_bytes = settings->spool_max_bytes;
	writer->commit_deadline_ms = settings->commit_deadline_ms;
	writer->drain_ns = CLOCK_NEVER;
	atomic_init(&writer->stop_ns, CLOCK_NEVER);
	writer->queue =
	    queue_new(settings->queue_max, settings->queue_max_bytes, err);
	if (writer->queue)
		writer->store = store_new(&store, err);
	if (!writer->store) {
		writer_free(writer);
		return NULL;
	}
	recorder_init(&writer->recorder, writer->store,
		      settings->empty_note_erases, settings->keeps_recordings);
	writer->ending = (struct ending){
	    .queue = writer->queue,
	    .health = writer->health,
	    .observer = settings->observer ? settings->observer : &nobody,
	};
	live_init(&writer->live, &writer->ending, settings->batch_max,
		  settings->commit_deadline_ms);
	writer->spooler = (struct spooler){
	    .host = settings->host,
	    .ending = &writer->ending,
	};
	replay_init(&writer->replay, &writer->spooler, settings->batch_max);
	return writer;
}

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	spooler_close(&writer->spooler);
	recorder_free(&writer->recorder);
	store_free(writer->store);
	queue_free(writer->queue);
	free(writer);
}

bool writer_open(struct writer *writer, struct err *err)
{
	if (!queue_open(writer->queue, err))
		return false;
	if (!writer->spool_path || writer->spooler.spool)
		return true;
	return spooler_open(&writer->spooler, writer->spool_path,
			    writer->spool_max_bytes, err);
}

static bool spools(const struct writer *writer)
{
	return writer->spooler.spool != NULL;
}

enum queue_push writer_submit(struct writer *writer, struct writer_item *item)
{
	item->key_hash = batch_hash(item->event);
	item->deadline_ns = clock_after(clock_ns(), writer->commit_deadline_ms);
	return queue_push(writer->queue, &item->link);
}

size_t writer_queued(struct writer *writer)
{
	return queue_length(writer->queue);
}

void writer_stop(struct writer *writer, uint64_t deadline_ns)
{
	/* CLOCK_NEVER means running. */
	if (deadline_ns == CLOCK_NEVER)
		deadline_ns--;
	atomic_store(&writer->stop_ns, deadline_ns);
	queue_close(writer->queue);
}

size_t writer_given_up(const struct writer *writer)
{
	return writer->ending.given_up;
}

/* ------------------------------------------------------- waiting no longer */

/* Nothing that is not under way is to wait for the database. */
static void shed(struct writer *writer, enum err_kind why)
{
	struct items items;

	items_init(&items);
	live_take_all(&writer->live, writer->job != JOB_LIVE, &items);
	spooler_leave(&writer->spooler, &items, why);
	if (spools(writer) && writer->job != JOB_REPLAY)
		replay_leave(&writer->replay);
}

/* What is due by then waits no longer. */
static void expire(struct writer *writer, uint64_t now)
{
	struct items due;

	items_init(&due);
	live_take_due(&writer->live, now, &due);
	if (!due.first)
		return;
	/* Whatever the store is waiting for, the next need not. */
	if (spools(writer) && writer->state == STORE_AWAY)
		writer->broken = true;
	spooler_leave(&writer->spooler, &due, ERR_AWAY);
}

/* --------------------------------------------------------------- sending */

/* The database takes nothing now, though there is a connection. */
static void broke(struct writer *writer)
{
	if (!spools(writer))
		return;
	backoff_failed(&writer->replay.backoff);
	writer->broken = true;
}

static struct ranges *ranges_of(struct writer *writer, enum job job)
{
	return job == JOB_LIVE ? &writer->live.batch.ranges
			       : &writer->replay.ranges;
}

/* False: for want of memory; less may go. What could not be sent for another
 * reason comes again when there is a new connection. */
static bool send(struct writer *writer, enum job job, struct range range,
		 const struct event **events, size_t count)
{
	struct recorder *recorder = &writer->recorder;
	struct err err;

	writer->range = range;
	writer->whole = count == range.end - range.start;
	writer->sent_ns = clock_ns();
	bool sent =
	    range.condemned
		? recorder_reject(recorder, events[0],
				  &ranges_of(writer, job)->why, writer->due_ns,
				  &err)
		: recorder_write(recorder, events, count,
				 job == JOB_LIVE && writer->live.prepared,
				 writer->due_ns, &err);
	writer->job = sent ? job : JOB_NONE;
	return sent || err.kind != ERR_NO_MEMORY;
}

/* Sends the next range of events that wait; false: none does. */
static bool send_live(struct writer *writer)
{
	const struct event *events[WRITER_BATCH_MAX];
	struct live *live = &writer->live;
	struct range range;
	struct items late, stuck;
	size_t count;

	items_init(&late);
	if (live->batch.ranges.count == 0)
		live_take_late(live, &late);
	spooler_leave(&writer->spooler, &late, ERR_AWAY);
	while ((count = live_next(live, &range, events, &writer->due_ns)) > 0) {
		if (send(writer, JOB_LIVE, range, events, count))
			return true;
		if (ranges_halve(&live->batch.ranges))
			continue;
		items_init(&stuck);
		live_take(live, &range, &stuck);
		spooler_leave(&writer->spooler, &stuck, ERR_NO_MEMORY);
	}
	return false;
}

/* While the server works, what it will be sent next is made ready. */
static void prepare_live(struct writer *writer)
{
	const struct event *events[WRITER_BATCH_MAX];
	size_t count = live_prepare(&writer->live, events);

	if (count > 0)
		recorder_prepare(&writer->recorder, events, count);
}

/* Sends the next range out of the spool; false: there is none now. */
static bool send_replay(struct writer *writer)
{
	const struct event *events[REPLAY_STATEMENT_MAX];
	struct replay *replay = &writer->replay;
	struct range range;

	while (writer->open && clock_ns() >= replay->backoff.next_ns) {
		if (!replay_ready(replay)) {
			/* Then live events must find out. */
			writer->broken = false;
			return false;
		}
		size_t count = replay_next(replay, &range, events);

		writer->due_ns = clock_after(clock_ns(), REPLAY_MS);
		if (send(writer, JOB_REPLAY, range, events, count))
			return true;
		if (!ranges_halve(&replay->ranges))
			replay_rest(replay);
	}
	return false;
}

/* In turns, so that neither waits for all of the other. */
static void send_next(struct writer *writer)
{
	bool first = writer->replays_next || writer->broken;

	writer->replays_next = false;
	if (first && send_replay(writer))
		return;
	if (send_live(writer))
		writer->replays_next = true;
	else if (!first)
		send_replay(writer);
}

/* --------------------------------------------------------------- results */

static void count_written(struct writer *writer, size_t events)
{
	bool erased;
	size_t written = (size_t)recorder_written(&writer->recorder, &erased);

	writer->ending.erased = writer->ending.erased || erased;

	health_add(writer->health, HEALTH_BATCHES, 1);
	health_add(writer->health, HEALTH_WRITTEN, written);
	if (events > written)
		health_add(writer->health, HEALTH_REPEATED, events - written);
}

static void live_done(struct writer *writer)
{
	live_took(&writer->live, clock_ns() - writer->sent_ns);
	size_t count =
	    live_written(&writer->live, &writer->range, writer->whole);
	if (!writer->range.condemned)
		count_written(writer, count);
}

static void replay_done(struct writer *writer)
{
	const struct range *range = &writer->range;
	struct replay *replay = &writer->replay;

	if (!range->condemned)
		count_written(writer, range->end - range->start);
	replay_written(replay, range);
}

static void statement_done(struct writer *writer)
{
	if (writer->job == JOB_LIVE)
		live_done(writer);
	else
		replay_done(writer);
	store_done(writer->store);
	writer->job = JOB_NONE;
	writer->broken = false;
	backoff_proved(&writer->replay.backoff);
}

static void statement_failed(struct writer *writer, const struct err *err)
{
	enum job job = writer->job;

	writer->job = JOB_NONE;
	if (err->kind == ERR_ROW || err->kind == ERR_INTERNAL) {
		if (ranges_refused(ranges_of(writer, job), err)) {
			writer->broken = false;
			return;
		}
		store_blame(writer->store, err);
	}
	if (job == JOB_LIVE && err->kind == ERR_TIMEOUT) {
		live_took(&writer->live, clock_ns() - writer->sent_ns);
		expire(writer, writer->due_ns);
	}
	/* the server gives up a little before the moment it is due */
	if (job == JOB_REPLAY &&
	    (err->kind == ERR_TIMEOUT || clock_ns() >= writer->due_ns))
		replay_slow(&writer->replay,
			    writer->range.end - writer->range.start);
	if (store_is_away(writer->store))
		broke(writer);
}

/* ------------------------------------------------------------------ loop */

static void take(struct writer *writer)
{
	bool closed;
	struct queue_item *first = queue_take(writer->queue, &closed);

	live_add(&writer->live, first);
	/* With a spool nobody waits for the database to be tried again. */
	if (first && !spools(writer))
		store_hurry(writer->store);
	writer->open = !closed;
	if (!closed || writer->drain_ns != CLOCK_NEVER)
		return;
	uint64_t now = clock_ns();
	uint64_t stop_ns = atomic_load(&writer->stop_ns);
	uint64_t part_ns = stop_ns > now ? (stop_ns - now) / 4 : 0;
	uint64_t most_ns = clock_after(0, DRAIN_MS);
	writer->drain_ns = stop_ns - (part_ns < most_ns ? part_ns : most_ns);
}

static void work(struct writer *writer)
{
	struct err err;

	do {
		writer->state = store_step(writer->store, &err);
		if (writer->state == STORE_DONE)
			statement_done(writer);
		if (writer->state == STORE_FAILED)
			statement_failed(writer, &err);
		if (writer->broken)
			shed(writer, ERR_AWAY);
		if (writer->state == STORE_DONE || writer->state == STORE_IDLE)
			send_next(writer);
		if (writer->state == STORE_AWAY) {
			enum err_kind why = store_hopeless(writer->store);

			if (why != ERR_NONE)
				shed(writer, why);
		}
	} while (writer->state == STORE_FAILED);
	live_tell(&writer->live);
	writer->ending.erased = false;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void wait(struct writer *writer)
{
	uint64_t until_ns =
	    sooner(live_due_ns(&writer->live), writer->drain_ns);

	if (spools(writer))
		until_ns = sooner(until_ns, writer->spooler.look_ns);
	if ((writer->spooler.filled || writer->broken) &&
	    writer->replay.backoff.next_ns > clock_ns())
		until_ns = sooner(until_ns, writer->replay.backoff.next_ns);
	/* While a batch is under way the next one gathers in the queue, unless
	 * there is to be none. */
	if (!store_is_busy(writer->store) || writer->broken)
		queue_arm(writer->queue);
	store_wait(writer->store, queue_fd(writer->queue), until_ns);
}

void *writer_run(void *argument)
{
	struct writer *writer = argument;

	for (;;) {
		take(writer);
		if (clock_ns() >= writer->drain_ns)
			break;
		spooler_look(&writer->spooler);
		expire(writer, clock_ns());
		work(writer);
		if (writer->job == JOB_REPLAY && store_is_sent(writer->store))
			replay_prepare(&writer->replay);
		if (writer->job == JOB_LIVE && store_is_sent(writer->store))
			prepare_live(writer);
		health_tell_rejected(writer->health, false);
		if (!writer->open && live_is_empty(&writer->live))
			break;
		wait(writer);
	}
	writer->job = JOB_NONE;
	shed(writer, ERR_STOPPING);
	live_tell(&writer->live);
	health_tell_rejected(writer->health, true);
	return NULL;
}
