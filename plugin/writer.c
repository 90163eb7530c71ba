/* writer - see writer.h.
 *
 * The thread waits in store_wait() alone, and for the spool's disk. Events wait
 * in `waiting`, oldest first and so the first to be due first, until they join
 * the batch, which is written range by range; so is what is replayed, in turns.
 * A statement whose connection dies is sent again on the next: the merge is
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
#include "replay.h"
#include "spooler.h"
#include "store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	REPLAY_MS = 5000,    /* for one statement of a replay */
	ELSEWHERE_MS = 1000, /* while somebody else replays, or nobody can */
	RETRY_FIRST_MS = 50,
	RETRY_LAST_MS = 2000,
	DRAIN_MS = 200 /* the last part of stop()'s time is for the spool */
};

/* What the statement under way is part of. */
enum job { JOB_NONE, JOB_LIVE, JOB_REPLAY };

struct writer {
	struct queue *queue;    /* owned */
	struct store *store;    /* owned */
	struct health *health;  /* borrowed */
	const char *spool_path; /* borrowed; NULL: none */
	uint64_t spool_max_bytes;
	unsigned commit_deadline_ms;
	size_t batch_max;
	_Atomic uint64_t stop_ns; /* stop()'s deadline; CLOCK_NEVER: runs */

	/* the thread's own */
	bool open;         /* more may come */
	uint64_t drain_ns; /* not open: when to spool what is left */
	struct items waiting;
	struct batch batch;
	struct items committed; /* to be told after the next send */
	struct ending ending;
	struct spooler spooler;
	struct replay replay;
	enum store_state state;

	enum job job; /* the statement under way, and of it: */
	struct range range;
	bool whole; /* it has every event of the range */
	uint64_t sent_ns;
	uint64_t due_ns;
	uint64_t usual_ns; /* what a live one takes, on average */
	bool replays_next; /* it is the replay's turn */

	bool broken;
	uint64_t retry_ns; /* when to replay again */
	unsigned retries;
};

static const struct writer_observer nobody = {0};

struct writer *writer_new(const struct writer_settings *settings,
			  struct err *err)
{
	struct store_settings store = {
	    .conninfo = settings->conninfo,
	    .health = settings->health,
	    .connection = HEALTH_WRITER,
	    .empty_note_erases = settings->empty_note_erases,
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
	writer->batch_max = settings->batch_max;
	writer->drain_ns = CLOCK_NEVER;
	items_init(&writer->waiting);
	items_init(&writer->committed);
	batch_init(&writer->batch);
	atomic_init(&writer->stop_ns, CLOCK_NEVER);
	writer->queue =
	    queue_new(settings->queue_max, settings->queue_max_bytes, err);
	if (writer->queue)
		writer->store = store_new(&store, err);
	if (!writer->store) {
		writer_free(writer);
		return NULL;
	}
	writer->ending = (struct ending){
	    .queue = writer->queue,
	    .health = writer->health,
	    .observer = settings->observer ? settings->observer : &nobody,
	};
	writer->spooler = (struct spooler){
	    .host = settings->host,
	    .ending = &writer->ending,
	};
	return writer;
}

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	spooler_close(&writer->spooler);
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
	if (!spooler_open(&writer->spooler, writer->spool_path,
			  writer->spool_max_bytes, err))
		return false;
	writer->replay = (struct replay){
	    .spool = writer->spooler.spool,
	    .observer = writer->ending.observer,
	    .health = writer->health,
	    .max = writer->batch_max,
	};
	return true;
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
	struct err err;

	items_init(&items);
	if (writer->job != JOB_LIVE)
		batch_take_due(&writer->batch, CLOCK_NEVER, &items);
	items_add(&items, writer->waiting.first);
	items_init(&writer->waiting);
	spooler_leave(&writer->spooler, &items, why);
	if (spools(writer) && writer->job != JOB_REPLAY &&
	    !replay_leave(&writer->replay, &err))
		spooler_note(&writer->spooler, &err);
}

static void take_due(struct items *from, uint64_t now, struct items *due)
{
	while (from->first &&
	       ((struct writer_item *)from->first)->deadline_ns <= now)
		items_add(due, &items_take(from)->link);
}

/* What is due by then waits no longer. */
static void expire(struct writer *writer, uint64_t now)
{
	struct items due;

	items_init(&due);
	batch_take_due(&writer->batch, now, &due);
	take_due(&writer->waiting, now, &due);
	if (!due.first)
		return;
	/* Whatever the store is waiting for, the next need not. */
	if (spools(writer) && writer->state == STORE_AWAY)
		writer->broken = true;
	spooler_leave(&writer->spooler, &due, ERR_AWAY);
}

/* What will be due before it can be committed is not worth the work: under more
 * load than the database bears, all the work would go into such events. */
static void expire_late(struct writer *writer)
{
	uint64_t half_ns = clock_after(0, writer->commit_deadline_ms) / 2;
	uint64_t margin_ns = 2 * writer->usual_ns;
	struct items due;

	if (margin_ns > half_ns)
		margin_ns = half_ns;
	items_init(&due);
	take_due(&writer->waiting, clock_ns() + margin_ns, &due);
	spooler_leave(&writer->spooler, &due, ERR_AWAY);
}

/* --------------------------------------------------------------- sending */

static void retry_later(struct writer *writer, uint64_t ms)
{
	uint64_t now = clock_ns();

	/* Between half and all of it, so that many do not come at once. */
	writer->retry_ns = clock_after(now, ms / 2 + now % (ms / 2 + 1));
}

/* The database takes nothing now, though there is a connection. */
static void broke(struct writer *writer)
{
	unsigned ms = RETRY_LAST_MS;

	if (!spools(writer))
		return;
	if (writer->retries < 5)
		ms = (unsigned)RETRY_FIRST_MS << writer->retries++;
	retry_later(writer, ms);
	writer->broken = true;
}

/* False: for want of memory; less may go. What could not be sent for another
 * reason comes again when there is a new connection. */
static bool send(struct writer *writer, enum job job, struct range range,
		 const struct event **events, size_t count)
{
	const struct ranges *ranges =
	    job == JOB_LIVE ? &writer->batch.ranges : &writer->replay.ranges;
	struct err err;

	writer->range = range;
	writer->whole = count == range.end - range.start;
	writer->sent_ns = clock_ns();
	bool sent = range.condemned
			? store_reject(writer->store, events[0], &ranges->why,
				       writer->due_ns, &err)
			: store_record(writer->store, events, count,
				       writer->due_ns, &err);
	writer->job = sent ? job : JOB_NONE;
	return sent || err.kind != ERR_NO_MEMORY;
}

/* Sends the next range of events that wait; false: none does. */
static bool send_live(struct writer *writer)
{
	const struct event *events[WRITER_BATCH_MAX];
	struct batch *batch = &writer->batch;
	struct range range;
	struct items stuck;
	size_t count;

	for (;;) {
		if (batch->ranges.count == 0) {
			expire_late(writer);
			batch_form(batch, &writer->waiting, writer->batch_max);
		}
		count = batch_next(batch, &range, events, &writer->due_ns);
		if (count == 0 && !writer->waiting.first)
			return false;
		if (count == 0)
			continue;
		if (send(writer, JOB_LIVE, range, events, count))
			return true;
		if (ranges_halve(&batch->ranges))
			continue;
		items_init(&stuck);
		batch_take(batch, &range, &stuck);
		batch_written(batch, false);
		spooler_leave(&writer->spooler, &stuck, ERR_NO_MEMORY);
	}
}

/* Whether the spool has something to be written now. */
static bool may_replay(struct writer *writer)
{
	struct spooler *spooler = &writer->spooler;
	enum replay_state state = REPLAY_EMPTY;
	struct err err = {0};

	if (!writer->open || clock_ns() < writer->retry_ns)
		return false;
	if (spooler->filled)
		state = replay_look(&writer->replay, &err);
	if (state == REPLAY_READY)
		return true;
	if (state == REPLAY_EMPTY) {
		spooler->look_ns = spooler->filled ? 0 : spooler->look_ns;
		spooler->filled = false;
	} else {
		if (state == REPLAY_FAILED)
			spooler_note(spooler, &err);
		retry_later(writer, ELSEWHERE_MS);
	}
	/* Then live events must find out. */
	writer->broken = false;
	return false;
}

/* Sends the next range out of the spool; false: there is none now. */
static bool send_replay(struct writer *writer)
{
	const struct event *events[WRITER_BATCH_MAX];
	struct replay *replay = &writer->replay;
	struct range range;
	struct err err;

	while (may_replay(writer)) {
		size_t count = replay_next(replay, &range, events);

		writer->due_ns = clock_after(clock_ns(), REPLAY_MS);
		if (send(writer, JOB_REPLAY, range, events, count))
			return true;
		if (ranges_halve(&replay->ranges))
			continue;
		replay_leave(replay, &err);
		retry_later(writer, ELSEWHERE_MS);
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
	size_t written = (size_t)store_written(writer->store);

	health_add(writer->health, HEALTH_BATCHES, 1);
	health_add(writer->health, HEALTH_WRITTEN, written);
	if (events > written)
		health_add(writer->health, HEALTH_REPEATED, events - written);
}

/* A live statement took from its sending until now. */
static void note_time(struct writer *writer)
{
	uint64_t took_ns = clock_ns() - writer->sent_ns;

	writer->usual_ns = (3 * writer->usual_ns + took_ns) / 4;
}

/* Events are told of their commit only after the next send, so that the server
 * works meanwhile. */
static void live_done(struct writer *writer)
{
	struct batch *batch = &writer->batch;
	struct items items;
	struct writer_item *item;
	size_t count = 0;

	note_time(writer);
	items_init(&items);
	batch_take(batch, &writer->range, &items);
	for (struct queue_item *i = items.first; i; i = i->next)
		count++;
	if (writer->range.condemned) {
		health_rejected(writer->health, count, &batch->ranges.why);
		while ((item = items_take(&items)))
			ending_rejected(&writer->ending, item);
	} else {
		count_written(writer, count);
		health_add(writer->health, HEALTH_STORED, count);
		items_add(&writer->committed, items.first);
	}
	batch_written(batch, writer->whole);
}

static void replay_done(struct writer *writer)
{
	const struct range *range = &writer->range;
	struct replay *replay = &writer->replay;

	if (!range->condemned)
		count_written(writer, range->end - range->start);
	replay_written(replay, range);
	replay_quick(replay, writer->batch_max);
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
	writer->retries = 0;
}

static void statement_failed(struct writer *writer, const struct err *err)
{
	enum job job = writer->job;

	writer->job = JOB_NONE;
	if (err->kind == ERR_ROW || err->kind == ERR_INTERNAL) {
		ranges_refused(job == JOB_LIVE ? &writer->batch.ranges
					       : &writer->replay.ranges,
			       err);
		writer->broken = false;
		return;
	}
	if (job == JOB_LIVE && err->kind == ERR_TIMEOUT) {
		note_time(writer);
		expire(writer, writer->due_ns);
	}
	if (job == JOB_REPLAY && clock_ns() >= writer->due_ns)
		replay_slow(&writer->replay);
	if (store_is_away(writer->store))
		broke(writer);
}

/* ------------------------------------------------------------------ loop */

static void take(struct writer *writer)
{
	bool closed;
	struct queue_item *first = queue_take(writer->queue, &closed);

	items_add(&writer->waiting, first);
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

static void tell_committed(struct writer *writer)
{
	struct writer_item *item;

	while ((item = items_take(&writer->committed)))
		ending_stored(&writer->ending, item);
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
	tell_committed(writer);
}

static bool has_work(const struct writer *writer)
{
	return writer->waiting.first || writer->batch.due_ns != CLOCK_NEVER;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void wait(struct writer *writer)
{
	struct writer_item *oldest =
	    (struct writer_item *)writer->waiting.first;
	uint64_t until_ns = sooner(writer->batch.due_ns, writer->drain_ns);

	if (oldest)
		until_ns = sooner(until_ns, oldest->deadline_ns);
	if (spools(writer))
		until_ns = sooner(until_ns, writer->spooler.look_ns);
	if ((writer->spooler.filled || writer->broken) &&
	    writer->retry_ns > clock_ns())
		until_ns = sooner(until_ns, writer->retry_ns);
	/* While a batch is under way the next one gathers in the queue. */
	if (!store_is_busy(writer->store))
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
		health_tell_rejected(writer->health, false);
		if (!writer->open && !has_work(writer))
			break;
		wait(writer);
	}
	writer->job = JOB_NONE;
	shed(writer, ERR_STOPPING);
	tell_committed(writer);
	health_tell_rejected(writer->health, true);
	return NULL;
}
