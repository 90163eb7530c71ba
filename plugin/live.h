/* live - the events that go to the database at once, without a time in the
 * spool: those that wait, oldest first and so the first to be due first, and
 * the batch of them that is being written. It knows neither database nor
 * spool. */
#ifndef CALL_LOG_LIVE_H
#define CALL_LOG_LIVE_H

#include "batch.h"
#include "ending.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct live {
	struct ending *ending; /* borrowed */
	size_t batch_max;
	unsigned deadline_ms; /* what an event has in all */
	struct items waiting;
	struct batch batch;
	struct batch next;      /* older than what waits; mostly empty */
	bool prepared;          /* what live_next() gave is what live_prepare()
			      gave before, all of it */
	struct items committed; /* to be told, see live_tell() */
	uint64_t usual_ns;      /* what a statement takes, on average */
};

/* [writer thread, as all below] */
void live_init(struct live *live, struct ending *ending, size_t batch_max,
	       unsigned deadline_ms);

/* A chain of new ones, which may be NULL. */
void live_add(struct live *live, struct queue_item *chain);

/* Whether any waits or is being written. */
bool live_is_empty(const struct live *live);
/* When the first of them is due; CLOCK_NEVER: there is none. */
uint64_t live_due_ns(const struct live *live);

/* The events to be written next, and when the last of them is due; 0: none. */
size_t live_next(struct live *live, struct range *range,
		 const struct event **events, uint64_t *due_ns);

/* While a batch is being written: the events of the whole next one, where a
 * full one waits; 0: none, or it was given before. It stays the next one, but
 * for what is taken out of it. */
size_t live_prepare(struct live *live, const struct event **events);

/* They were committed, or condemned and kept as rejected: that is counted, and
 * they end. `whole`: no event of the range had ended before. Returns how many
 * did now. */
size_t live_written(struct live *live, const struct range *range, bool whole);
/* A statement took so long. */
void live_took(struct live *live, uint64_t ns);

/* Tells those that were committed; after the next statement was sent, so that
 * the server works meanwhile. */
void live_tell(struct live *live);

/* Takes out what is to wait no longer, to be spooled: */
/* what is due at a moment, */
void live_take_due(struct live *live, uint64_t now, struct items *taken);
/* what will be due before it can be committed: under more load than the
 * database bears, all the work would go into such events, */
void live_take_late(struct live *live, struct items *taken);
/* what waits, with the batch or without, */
void live_take_all(struct live *live, bool batch, struct items *taken);
/* what live_next() gave. */
void live_take(struct live *live, const struct range *range,
	       struct items *taken);

#endif
