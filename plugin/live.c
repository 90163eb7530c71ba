/* live - see live.h. */
#include "live.h"

#include "clock.h"

void live_init(struct live *live, struct ending *ending, size_t batch_max,
	       unsigned deadline_ms)
{
	*live = (struct live){
	    .ending = ending,
	    .batch_max = batch_max,
	    .deadline_ms = deadline_ms,
	};
	items_init(&live->waiting);
	items_init(&live->committed);
	batch_init(&live->batch);
	batch_init(&live->next);
}

void live_add(struct live *live, struct queue_item *chain)
{
	items_add(&live->waiting, chain);
}

bool live_is_empty(const struct live *live)
{
	return !live->waiting.first && live->batch.due_ns == CLOCK_NEVER &&
	       live->next.due_ns == CLOCK_NEVER;
}

uint64_t live_due_ns(const struct live *live)
{
	const struct writer_item *oldest =
	    (const struct writer_item *)live->waiting.first;
	uint64_t due_ns = live->batch.due_ns;

	if (live->next.due_ns < due_ns)
		due_ns = live->next.due_ns;
	return oldest && oldest->deadline_ns < due_ns ? oldest->deadline_ns
						      : due_ns;
}

/* -------------------------------------------------------------- writing */

/* False: nothing waits. */
static bool next_batch(struct live *live)
{
	live->prepared = live->next.ranges.count > 0;
	if (live->prepared) {
		live->batch = live->next;
		batch_init(&live->next);
	} else if (live->waiting.first) {
		batch_form(&live->batch, &live->waiting, live->batch_max);
	} else {
		return false;
	}
	return true;
}

size_t live_next(struct live *live, struct range *range,
		 const struct event **events, uint64_t *due_ns)
{
	size_t count = 0;

	live->prepared = false;
	while (count == 0) {
		if (live->batch.ranges.count == 0 && !next_batch(live))
			break;
		count = batch_next(&live->batch, range, events, due_ns);
	}
	live->prepared = live->prepared && count == live->batch.len;
	return count;
}

static bool full_waits(const struct live *live)
{
	const struct queue_item *item = live->waiting.first;
	size_t count = 0;

	for (; item && count < live->batch_max; item = item->next)
		count++;
	return count == live->batch_max;
}

size_t live_prepare(struct live *live, const struct event **events)
{
	struct batch *next = &live->next;

	if (next->ranges.count > 0 || !full_waits(live))
		return 0;
	batch_form(next, &live->waiting, live->batch_max);
	for (size_t i = 0; i < next->len; i++)
		events[i] = next->items[i]->event;
	return next->len;
}

size_t live_written(struct live *live, const struct range *range, bool whole)
{
	struct health *health = live->ending->health;
	struct items items;
	struct writer_item *item;
	size_t count = 0;

	items_init(&items);
	batch_take(&live->batch, range, &items);
	for (struct queue_item *i = items.first; i; i = i->next)
		count++;
	if (range->condemned) {
		health_rejected(health, count, &live->batch.ranges.why);
		while ((item = items_take(&items)))
			ending_rejected(live->ending, item);
	} else {
		health_add(health, HEALTH_STORED, count);
		items_add(&live->committed, items.first);
	}
	batch_written(&live->batch, whole);
	return count;
}

void live_took(struct live *live, uint64_t ns)
{
	live->usual_ns = (3 * live->usual_ns + ns) / 4;
}

void live_tell(struct live *live)
{
	struct writer_item *item;

	while ((item = items_take(&live->committed)))
		ending_stored(live->ending, item);
}

/* ----------------------------------------------------------- taking out */

static void take_due(struct items *from, uint64_t now, struct items *due)
{
	while (from->first &&
	       ((struct writer_item *)from->first)->deadline_ns <= now)
		items_add(due, &items_take(from)->link);
}

void live_take_due(struct live *live, uint64_t now, struct items *taken)
{
	batch_take_due(&live->batch, now, taken);
	batch_take_due(&live->next, now, taken);
	take_due(&live->waiting, now, taken);
}

void live_take_late(struct live *live, struct items *taken)
{
	uint64_t half_ns = clock_after(0, live->deadline_ms) / 2;
	uint64_t margin_ns = 2 * live->usual_ns;

	if (margin_ns > half_ns)
		margin_ns = half_ns;
	uint64_t by_ns = clock_ns() + margin_ns;
	batch_take_due(&live->next, by_ns, taken);
	take_due(&live->waiting, by_ns, taken);
}

void live_take_all(struct live *live, bool batch, struct items *taken)
{
	if (batch)
		batch_take_due(&live->batch, CLOCK_NEVER, taken);
	batch_take_due(&live->next, CLOCK_NEVER, taken);
	items_add(taken, live->waiting.first);
	items_init(&live->waiting);
}

void live_take(struct live *live, const struct range *range,
	       struct items *taken)
{
	batch_take(&live->batch, range, taken);
	batch_written(&live->batch, false);
}
