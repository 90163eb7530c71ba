/* writer - see writer.h.
 *
 * The thread never blocks but in store_wait(). Events wait in `pending`, oldest
 * first and so the first to expire first, until they join the batch; the batch
 * holds one event a call, sorted by key, so that two hosts never deadlock. It
 * is written as one range; a range that the database refuses is halved until
 * the event that spoils it stands alone. A range whose connection dies is
 * written again on the next: the merge is idempotent. Events in a batch expire
 * one by one; a place in it is NULL when its event is done. */
#include "writer.h"

#include "clock.h"
#include "log.h"
#include "store.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	BATCH_BYTES_MAX = 8 * 1024 * 1024,
	LOOK_MAX = 4 * WRITER_BATCH_MAX, /* events looked at for one batch */
	SLOTS = 2048,                    /* a power of 2, well over the batch */
	RANGES_MAX = 16                  /* over log2(WRITER_BATCH_MAX) + 1 */
};

struct range {
	size_t start, end;
};

struct writer {
	struct queue *queue;                    /* owned */
	struct store *store;                    /* owned */
	const struct crm_host *host;            /* borrowed */
	struct health *health;                  /* borrowed */
	const struct writer_observer *observer; /* borrowed; not NULL */
	unsigned commit_deadline_ms;
	size_t batch_max;
	_Atomic uint64_t stop_ns; /* when to give up; CLOCK_NEVER: runs */

	/* the thread's own */
	struct queue_item *pending;
	struct queue_item **pending_end;
	struct writer_item *batch[WRITER_BATCH_MAX];
	size_t batch_len;
	uint64_t batch_expires_ns; /* the first of it does; CLOCK_NEVER: none */
	struct range ranges[RANGES_MAX]; /* a stack: what is to be written */
	size_t range_count;
	struct queue_item *committed; /* done, to be told after the next send */
	uint64_t sent_ns;             /* when the range was */
	uint64_t usual_ns;            /* what a range takes, on average */
	uint64_t range_deadline_ns;   /* when the last of it expires */
	uint16_t slots[SLOTS];        /* hash of the batch: its index + 1 */
	size_t refused;               /* events of this batch */
	struct err refusal;           /* of the first of them */
	size_t given_up;
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
	    .patience_ms = settings->commit_deadline_ms,
	};
	struct writer *writer = calloc(1, sizeof(*writer));

	if (!writer) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	writer->host = settings->host;
	writer->health = settings->health;
	writer->observer = settings->observer ? settings->observer : &nobody;
	writer->commit_deadline_ms = settings->commit_deadline_ms;
	writer->batch_max = settings->batch_max;
	writer->pending_end = &writer->pending;
	writer->batch_expires_ns = CLOCK_NEVER;
	atomic_init(&writer->stop_ns, CLOCK_NEVER);
	writer->queue =
	    queue_new(settings->queue_max, settings->queue_max_bytes, err);
	if (writer->queue)
		writer->store = store_new(&store, err);
	if (!writer->store) {
		writer_free(writer);
		return NULL;
	}
	return writer;
}

void writer_free(struct writer *writer)
{
	if (!writer)
		return;
	store_free(writer->store);
	queue_free(writer->queue);
	free(writer);
}

static uint64_t hash_key(const struct event *event)
{
	uint64_t hash = call_hash(event->session_id.s, event->session_id.len);

	hash = hash * 31 + call_hash(event->agent.s, event->agent.len);
	return hash * 31 + call_hash(event->account.s, event->account.len);
}

enum queue_push writer_submit(struct writer *writer, struct writer_item *item)
{
	item->key_hash = hash_key(item->event);
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
	return writer->given_up;
}

/* ------------------------------------------------------------ one event */

static void finish(struct writer *writer, struct writer_item *item,
		   const struct err *err)
{
	queue_release(writer->queue, &item->link);
	item->done(item, err);
}

static void finish_unwritten(struct writer *writer, struct writer_item *item,
			     enum err_kind kind)
{
	struct err err;

	err_set(&err, kind,
		kind == ERR_STOPPING ? "the call is not logged: stopping"
		: kind == ERR_SCHEMA
		    ? "the call is not logged: the database is not set up"
		    : "the call is not logged: the database cannot be reached "
		      "or is too slow");
	if (kind == ERR_STOPPING)
		writer->given_up++;
	else
		health_add(writer->health, HEALTH_BUSY, 1);
	finish(writer, item, &err);
}

/* ---------------------------------------------------------------- batch */

/* Remembers the key; false when the batch has it already. */
static bool claim_key(struct writer *writer, const struct writer_item *item)
{
	size_t slot = item->key_hash & (SLOTS - 1);

	for (; writer->slots[slot]; slot = (slot + 1) & (SLOTS - 1)) {
		struct writer_item *other =
		    writer->batch[writer->slots[slot] - 1];

		if (other->key_hash == item->key_hash &&
		    event_compare_key(other->event, item->event) == 0)
			return false;
	}
	writer->slots[slot] = (uint16_t)(writer->batch_len + 1);
	return true;
}

static int compare_items(const void *a, const void *b)
{
	const struct writer_item *const *left = a;
	const struct writer_item *const *right = b;

	return event_compare_key((*left)->event, (*right)->event);
}

static void expire_pending(struct writer *writer, uint64_t now,
			   enum err_kind kind)
{
	while (writer->pending) {
		struct writer_item *item =
		    (struct writer_item *)writer->pending;

		if (item->deadline_ns > now)
			return;
		writer->pending = item->link.next;
		if (!writer->pending)
			writer->pending_end = &writer->pending;
		finish_unwritten(writer, item, kind);
	}
}

/* What will expire before it can be committed is not worth the work: under more
 * load than the database bears, all the work would go into such events. */
static void expire_late(struct writer *writer)
{
	uint64_t half_ns = clock_after(0, writer->commit_deadline_ms) / 2;
	uint64_t margin_ns = 2 * writer->usual_ns;

	if (margin_ns > half_ns)
		margin_ns = half_ns;
	expire_pending(writer, clock_ns() + margin_ns, ERR_AWAY);
}

/* Moves pending events to the batch, the first of each call. */
static void form_batch(struct writer *writer)
{
	struct queue_item **at = &writer->pending;
	size_t bytes = 0;

	expire_late(writer);
	memset(writer->slots, 0, sizeof(writer->slots));
	writer->batch_len = 0;
	writer->batch_expires_ns = CLOCK_NEVER;
	for (size_t looked = 0; *at && looked < LOOK_MAX; looked++) {
		struct writer_item *item = (struct writer_item *)*at;

		if (writer->batch_len == writer->batch_max ||
		    (bytes > 0 && bytes + item->link.bytes > BATCH_BYTES_MAX))
			break;
		if (!claim_key(writer, item)) {
			at = &item->link.next;
			continue;
		}
		*at = item->link.next;
		bytes += item->link.bytes;
		writer->batch[writer->batch_len++] = item;
		if (item->deadline_ns < writer->batch_expires_ns)
			writer->batch_expires_ns = item->deadline_ns;
	}
	if (!*at)
		writer->pending_end = at;
	qsort(writer->batch, writer->batch_len, sizeof(writer->batch[0]),
	      compare_items);
	writer->ranges[0] = (struct range){0, writer->batch_len};
	writer->range_count = writer->batch_len > 0 ? 1 : 0;
}

/* What of the topmost range is not done; notes when the last of it expires. */
static size_t list_range(struct writer *writer, const struct event **events)
{
	struct range range = writer->ranges[writer->range_count - 1];
	size_t count = 0;

	writer->range_deadline_ns = 0;
	for (size_t i = range.start; i < range.end; i++) {
		const struct writer_item *item = writer->batch[i];

		if (!item)
			continue;
		events[count++] = item->event;
		if (item->deadline_ns > writer->range_deadline_ns)
			writer->range_deadline_ns = item->deadline_ns;
	}
	return count;
}

static void tell_refused(struct writer *writer)
{
	if (writer->refused > 0)
		log_line(writer->host, CRM_ERROR,
			 "the database refuses %zu of %zu calls, the first: %s",
			 writer->refused, writer->batch_len,
			 writer->refusal.text);
	writer->refused = 0;
}

static void pop_range(struct writer *writer)
{
	writer->range_count--;
	if (writer->range_count > 0)
		return;
	writer->batch_expires_ns = CLOCK_NEVER;
	tell_refused(writer);
}

/* The topmost range is refused: an event alone is to blame, more are halved. */
static void range_refused(struct writer *writer, const struct err *err)
{
	struct range range = writer->ranges[writer->range_count - 1];
	size_t middle = range.start + (range.end - range.start) / 2;

	if (range.end - range.start > 1) {
		writer->ranges[writer->range_count - 1].start = middle;
		writer->ranges[writer->range_count++] =
		    (struct range){range.start, middle};
		return;
	}
	struct writer_item *item = writer->batch[range.start];
	writer->batch[range.start] = NULL;
	if (item) {
		if (writer->refused++ == 0)
			writer->refusal = *err;
		health_add(writer->health, HEALTH_FAILED, 1);
		finish(writer, item, err);
	}
	pop_range(writer);
}

/* Sends the next range that is not done, of this batch or a new one. What could
 * not be sent stays for a new connection. */
static void send_next(struct writer *writer)
{
	const struct event *events[WRITER_BATCH_MAX];
	struct err err;

	for (;;) {
		if (writer->range_count == 0)
			form_batch(writer);
		if (writer->range_count == 0)
			return;
		size_t count = list_range(writer, events);
		writer->sent_ns = clock_ns();
		if (count == 0)
			pop_range(writer);
		else if (store_record(writer->store, events, count,
				      writer->range_deadline_ns, &err) ||
			 err.kind != ERR_NO_MEMORY)
			return;
		else /* half of it takes less memory */
			range_refused(writer, &err);
	}
}

/* A range took from its sending until now. */
static void note_time(struct writer *writer)
{
	uint64_t took_ns = clock_ns() - writer->sent_ns;

	writer->usual_ns = (3 * writer->usual_ns + took_ns) / 4;
}

/* The topmost range is committed. Its events are told only after the next send,
 * so that the server works meanwhile. */
static void range_committed(struct writer *writer)
{
	struct range range = writer->ranges[writer->range_count - 1];
	size_t stored = 0;

	note_time(writer);
	for (size_t i = range.start; i < range.end; i++) {
		struct writer_item *item = writer->batch[i];

		if (!item)
			continue;
		writer->batch[i] = NULL;
		item->link.next = writer->committed;
		writer->committed = &item->link;
		stored++;
	}
	size_t written = (size_t)store_written(writer->store);
	store_done(writer->store);
	health_add(writer->health, HEALTH_BATCHES, 1);
	health_add(writer->health, HEALTH_STORED, stored);
	health_add(writer->health, HEALTH_WRITTEN, written);
	if (stored > written)
		health_add(writer->health, HEALTH_REPEATED, stored - written);
	pop_range(writer);
}

/* ----------------------------------------------------------------- loop */

/* False when nothing more will come. */
static bool take(struct writer *writer)
{
	bool closed;
	struct queue_item *first = queue_take(writer->queue, &closed);

	if (first) {
		store_hurry(writer->store);
		*writer->pending_end = first;
		while (first->next)
			first = first->next;
		writer->pending_end = &first->next;
	}
	return !closed;
}

static void tell_committed(struct writer *writer)
{
	const struct writer_observer *observer = writer->observer;
	static const struct err none = {0};

	while (writer->committed) {
		struct queue_item *item = writer->committed;

		writer->committed = item->next;
		if (observer->stored)
			observer->stored(observer->context,
					 ((struct writer_item *)item)->event);
		finish(writer, (struct writer_item *)item, &none);
	}
}

static void expire_batch(struct writer *writer, uint64_t now,
			 enum err_kind kind)
{
	if (now < writer->batch_expires_ns)
		return;
	writer->batch_expires_ns = CLOCK_NEVER;
	for (size_t i = 0; i < writer->batch_len; i++) {
		struct writer_item *item = writer->batch[i];

		if (!item)
			continue;
		if (item->deadline_ns > now) {
			if (item->deadline_ns < writer->batch_expires_ns)
				writer->batch_expires_ns = item->deadline_ns;
			continue;
		}
		writer->batch[i] = NULL;
		finish_unwritten(writer, item, kind);
	}
}

/* Gives up every event that must not wait beyond `now`. */
static void expire(struct writer *writer, uint64_t now, enum err_kind kind)
{
	expire_batch(writer, now, kind);
	expire_pending(writer, now, kind);
}

static void work(struct writer *writer)
{
	enum store_state state;
	struct err err;

	do {
		state = store_step(writer->store, &err);
		if (state == STORE_DONE)
			range_committed(writer);
		if (state == STORE_DONE || state == STORE_IDLE)
			send_next(writer);
		if (state == STORE_FAILED &&
		    (err.kind == ERR_ROW || err.kind == ERR_INTERNAL))
			range_refused(writer, &err);
		if (state == STORE_FAILED && err.kind == ERR_TIMEOUT) {
			note_time(writer);
			expire(writer, writer->range_deadline_ns, ERR_AWAY);
		}
		if (state == STORE_AWAY) {
			enum err_kind why = store_hopeless(writer->store);

			if (why != ERR_NONE)
				expire(writer, CLOCK_NEVER, why);
		}
	} while (state == STORE_FAILED);
	tell_committed(writer);
}

/* batch_expires_ns is CLOCK_NEVER when no event of the batch is left. */
static bool has_work(const struct writer *writer)
{
	return writer->pending || writer->batch_expires_ns != CLOCK_NEVER;
}

static void wait(struct writer *writer, uint64_t until_ns)
{
	if (writer->batch_expires_ns < until_ns)
		until_ns = writer->batch_expires_ns;
	if (writer->pending) {
		struct writer_item *item =
		    (struct writer_item *)writer->pending;

		if (item->deadline_ns < until_ns)
			until_ns = item->deadline_ns;
	}
	/* While a batch is under way the next one gathers in the queue. */
	if (!store_is_busy(writer->store))
		queue_arm(writer->queue);
	store_wait(writer->store, queue_fd(writer->queue), until_ns);
}

void *writer_run(void *argument)
{
	struct writer *writer = argument;

	for (;;) {
		bool open = take(writer);
		uint64_t now = clock_ns();
		uint64_t stop_ns = atomic_load(&writer->stop_ns);

		if (!open && now >= stop_ns)
			break;
		expire(writer, now, ERR_AWAY);
		work(writer);
		if (!open && !has_work(writer))
			break;
		wait(writer, stop_ns);
	}
	expire(writer, CLOCK_NEVER, ERR_STOPPING);
	tell_refused(writer);
	return NULL;
}
