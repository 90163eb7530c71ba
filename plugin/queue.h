/* queue - how work passes from the host's threads to one of ours: bounded by
 * number and bytes, first in first out. It owns no item and knows nothing of
 * what the items are.
 *
 * What is accepted counts against the bounds until it is released, not only
 * until it is taken, so that the bounds cover all work not yet answered. */
#ifndef CALL_LOG_QUEUE_H
#define CALL_LOG_QUEUE_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

/* The first member of whatever is queued. */
struct queue_item {
	struct queue_item *next; /* borrowed; the queue's while it is inside */
	size_t bytes;            /* its memory; set by who pushes it */
};

enum queue_push { QUEUE_ACCEPTED, QUEUE_FULL, QUEUE_CLOSED };

struct queue;

struct queue *queue_new(size_t max_items, size_t max_bytes, struct err *err);
void queue_free(struct queue *queue);

/* Before anything is pushed, by the process that will: children of a fork
 * that shared what wakes the taker would wake each other's. */
bool queue_open(struct queue *queue, struct err *err);

/* [any] Waits for no other thread. Wakes the taker when it waits. An item larger
 * than max_bytes is accepted when the queue is empty. */
enum queue_push queue_push(struct queue *queue, struct queue_item *item);

/* [any] Items pushed and not yet released. */
size_t queue_length(struct queue *queue);

/* [any] Later pushes are refused; queue_fd() becomes readable at once. */
void queue_close(struct queue *queue);

/* The rest is for the one thread that takes. */

/* All that has come, oldest first, chained by `next`; NULL for nothing.
 * *closed: nothing will come after it. */
struct queue_item *queue_take(struct queue *queue, bool *closed);

/* The item has been dealt with; to be called before its memory goes. */
void queue_release(struct queue *queue, const struct queue_item *item);

/* Asks for queue_fd() to become readable at the next push, or at once when
 * something is there already. Without it pushes wake nobody: a thread that is
 * busy wants no signals. queue_take() takes the wish back. */
void queue_arm(struct queue *queue);
int queue_fd(const struct queue *queue);

#endif
