/* batch - see batch.h. */
#include "batch.h"

#include "clock.h"

#include <stdlib.h>
#include <string.h>

enum {
	BYTES_MAX = 8 * 1024 * 1024,
	LOOK_MAX = 4 * WRITER_BATCH_MAX /* events looked at for one batch */
};

/* ---------------------------------------------------------------- items */

void items_init(struct items *items)
{
	items->first = NULL;
	items->end = &items->first;
}

void items_add(struct items *items, struct queue_item *chain)
{
	*items->end = chain;
	for (; chain; chain = chain->next)
		items->end = &chain->next;
}

struct writer_item *items_take(struct items *items)
{
	struct queue_item *item = items->first;

	if (!item)
		return NULL;
	items->first = item->next;
	if (!items->first)
		items->end = &items->first;
	item->next = NULL;
	return (struct writer_item *)item;
}

/* -------------------------------------------------------------- forming */

void batch_init(struct batch *batch)
{
	batch->len = 0;
	batch->due_ns = CLOCK_NEVER;
	ranges_start(&batch->ranges, 0);
}

uint64_t batch_hash(const struct event *event)
{
	uint64_t hash = call_hash(event->session_id.s, event->session_id.len);

	hash = hash * 31 + call_hash(event->agent.s, event->agent.len);
	return hash * 31 + call_hash(event->account.s, event->account.len);
}

/* Remembers the key; false when the batch has it already. */
static bool claim_key(struct batch *batch, const struct writer_item *item)
{
	size_t slot = item->key_hash & (BATCH_SLOTS - 1);

	for (; batch->slots[slot]; slot = (slot + 1) & (BATCH_SLOTS - 1)) {
		struct writer_item *other =
		    batch->items[batch->slots[slot] - 1];

		if (other->key_hash == item->key_hash &&
		    event_compare_key(other->event, item->event) == 0)
			return false;
	}
	batch->slots[slot] = (uint16_t)(batch->len + 1);
	return true;
}

static int compare_items(const void *a, const void *b)
{
	const struct writer_item *const *left = a;
	const struct writer_item *const *right = b;

	return event_compare_key((*left)->event, (*right)->event);
}

void batch_form(struct batch *batch, struct items *waiting, size_t max)
{
	struct queue_item **at = &waiting->first;
	size_t bytes = 0;

	batch_init(batch);
	memset(batch->slots, 0, sizeof(batch->slots));
	for (size_t looked = 0; *at && looked < LOOK_MAX; looked++) {
		struct writer_item *item = (struct writer_item *)*at;

		if (batch->len == max ||
		    (bytes > 0 && bytes + item->link.bytes > BYTES_MAX))
			break;
		if (!claim_key(batch, item)) {
			at = &item->link.next;
			continue;
		}
		*at = item->link.next;
		bytes += item->link.bytes;
		batch->items[batch->len++] = item;
		if (item->deadline_ns < batch->due_ns)
			batch->due_ns = item->deadline_ns;
	}
	if (!*at)
		waiting->end = at;
	qsort(batch->items, batch->len, sizeof(batch->items[0]), compare_items);
	ranges_start(&batch->ranges, batch->len);
}

/* ---------------------------------------------------------------- parts */

static size_t list(const struct batch *batch, const struct range *range,
		   const struct event **events, uint64_t *due_ns)
{
	size_t count = 0;

	*due_ns = 0;
	for (size_t i = range->start; i < range->end; i++) {
		const struct writer_item *item = batch->items[i];

		if (!item)
			continue;
		events[count++] = item->event;
		if (item->deadline_ns > *due_ns)
			*due_ns = item->deadline_ns;
	}
	return count;
}

size_t batch_next(struct batch *batch, struct range *range,
		  const struct event **events, uint64_t *due_ns)
{
	struct ranges *ranges = &batch->ranges;

	while (ranges_next(ranges, WRITER_BATCH_MAX, range)) {
		size_t count = list(batch, range, events, due_ns);
		bool whole = count == range->end - range->start;

		if (count == 0)
			batch_written(batch, false);
		else if (whole && ranges_guilty(ranges))
			ranges_refused(ranges, &ranges->why);
		else
			return count;
	}
	return 0;
}

static void take(struct batch *batch, size_t i, struct items *taken)
{
	struct writer_item *item = batch->items[i];

	batch->items[i] = NULL;
	item->link.next = NULL;
	items_add(taken, &item->link);
}

void batch_take(struct batch *batch, const struct range *range,
		struct items *taken)
{
	for (size_t i = range->start; i < range->end; i++)
		if (batch->items[i])
			take(batch, i, taken);
}

void batch_take_due(struct batch *batch, uint64_t now, struct items *taken)
{
	if (now < batch->due_ns)
		return;
	batch->due_ns = CLOCK_NEVER;
	for (size_t i = 0; i < batch->len; i++) {
		struct writer_item *item = batch->items[i];

		if (!item)
			continue;
		if (item->deadline_ns <= now)
			take(batch, i, taken);
		else if (item->deadline_ns < batch->due_ns)
			batch->due_ns = item->deadline_ns;
	}
}

void batch_written(struct batch *batch, bool whole)
{
	ranges_written(&batch->ranges, whole);
	if (batch->ranges.count == 0)
		batch->due_ns = CLOCK_NEVER;
}
