/* batch - which waiting events are written together: at most one of each call,
 * sorted by key, so that two hosts never deadlock. Its events are due one by
 * one; a place in it is empty when its event is done. It knows no database. */
#ifndef CALL_LOG_BATCH_H
#define CALL_LOG_BATCH_H

#include "ranges.h"
#include "writer.h"

#include <stddef.h>
#include <stdint.h>

/* Items in a row, first in first out. */
struct items {
	struct queue_item *first;
	struct queue_item **end;
};
void items_init(struct items *items);
/* Appends a chain of items, which may be NULL. */
void items_add(struct items *items, struct queue_item *chain);
/* NULL: none is left. */
struct writer_item *items_take(struct items *items);

enum { BATCH_SLOTS = 2048 }; /* a power of 2, well over the largest batch */

struct batch {
	struct writer_item *items[WRITER_BATCH_MAX]; /* NULL: done */
	size_t len;
	uint64_t due_ns;      /* of the first of them; CLOCK_NEVER: none left */
	struct ranges ranges; /* what of it is to be written */
	uint16_t slots[BATCH_SLOTS]; /* hash of the keys: index + 1 */
};

void batch_init(struct batch *batch);

/* What tells two calls apart, fast. */
uint64_t batch_hash(const struct event *event);

/* Makes a new batch of at most `max` of the waiting events, the first of each
 * call. */
void batch_form(struct batch *batch, struct items *waiting, size_t max);

/* The part to be written next: what of it is not done yet, and when the last of
 * that is due. 0: none is left. */
size_t batch_next(struct batch *batch, struct range *range,
		  const struct event **events, uint64_t *due_ns);

/* Takes out what of a part is not done yet. */
void batch_take(struct batch *batch, const struct range *range,
		struct items *taken);

/* Takes out what is due at a moment. */
void batch_take_due(struct batch *batch, uint64_t now, struct items *taken);

/* The part has been dealt with, see ranges.h; the last one empties the batch.
 */
void batch_written(struct batch *batch, bool whole);

#endif
