/* ranges - which parts of a batch are still to be written, and how the event
 * that spoils a part is found: a part that is refused is halved until one event
 * stands alone. An event that is refused for what it is, is condemned at once;
 * where the reason may be the database's, only when another event was written
 * meanwhile: else all would be condemned for the fault of a broken index. It
 * knows neither events nor databases.
 *
 *     ranges_start -> (ranges_next -> written | refused | dropped)... -> false
 */
#ifndef CALL_LOG_RANGES_H
#define CALL_LOG_RANGES_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

enum { RANGES_MAX = 48 }; /* halvings and cuts that lie in each other */

struct range {
	size_t start, end;
	bool condemned; /* a single event, known to be refused */
	bool half;      /* the first half of one that was refused */
	bool guilty;    /* it holds what spoiled that, whole or not */
	bool deferred;  /* a single event, to be tried after the others */
};

struct ranges {
	struct range stack[RANGES_MAX]; /* what comes next on top */
	size_t count;                   /* 0: nothing is left to be written */
	struct err why;                 /* of the last refusal */
	size_t deferred;                /* so often */
	bool written;                   /* something was */
};

/* All of a batch of `len` events. */
void ranges_start(struct ranges *ranges, size_t len);

/* The part to be written next, of at most `max` events; false: none is left. It
 * stays the next one until one of the calls below. */
bool ranges_next(struct ranges *ranges, size_t max, struct range *next);

/* It is dealt with. `whole`: every event of it was written at once. */
void ranges_written(struct ranges *ranges, bool whole);

/* It is refused: comes again in halves or, of a single event, condemned. False:
 * for anything but ERR_ROW, and nothing shows that the event is to blame; then
 * nothing has changed. */
bool ranges_refused(struct ranges *ranges, const struct err *why);

/* It comes again in halves, for another reason than its events; a single event
 * is left as it is: false. */
bool ranges_halve(struct ranges *ranges);

/* For a part not condemned, that was asked for but not written yet: whether it
 * is known to be refused as long as it is whole, because its other half was
 * written and both together were refused. */
bool ranges_guilty(const struct ranges *ranges);

#endif
