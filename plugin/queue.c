/* queue - see queue.h.
 *
 * Whoever pushes is a thread of the host's and never waits for another thread,
 * which may have been put aside in the middle of its work: there is no lock.
 * What is pushed hangs from one atomic word, newest first, whose lowest bits say
 * how the next push is to go; what counts against the bounds is in another. */
#include "queue.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Of `head`; items lie at addresses that leave these bits free. */
enum {
	ARMED = 1,  /* the next push is to signal */
	CLOSED = 2, /* there is to be no push */
	FLAGS = ARMED | CLOSED
};

/* Of `held`: how many items, and below that their bytes. */
enum { BYTES_BITS = 40 };
#define BYTES_MASK ((UINT64_C(1) << BYTES_BITS) - 1)

struct queue {
	int fd;     /* an eventfd; owned; -1: not open */
	bool armed; /* the taker's: a push may have signalled, or will */
	size_t max_items, max_bytes;
	_Atomic uintptr_t head; /* the item pushed last, and flags */
	_Atomic uint64_t held;  /* pushed, not released */
};

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

struct queue *queue_new(size_t max_items, size_t max_bytes, struct err *err)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	queue->fd = -1;
	queue->max_items = smaller(max_items, UINT64_MAX >> BYTES_BITS);
	queue->max_bytes = smaller(max_bytes, BYTES_MASK);
	return queue;
}

void queue_free(struct queue *queue)
{
	if (!queue)
		return;
	if (queue->fd >= 0)
		close(queue->fd);
	free(queue);
}

bool queue_open(struct queue *queue, struct err *err)
{
	if (queue->fd < 0)
		queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return queue->fd >= 0 ||
	       err_set(err, ERR_INTERNAL, "cannot make an eventfd: %s",
		       strerror(errno));
}

static void signal_taker(struct queue *queue)
{
	uint64_t one = 1;

	/* It can fail only when the counter is full, that is readable. */
	ssize_t written = write(queue->fd, &one, sizeof(one));
	(void)written;
}

static struct queue_item *item_of(uintptr_t head)
{
	/* The flags are in the address, to be changed together with it. */
	/* NOLINTNEXTLINE(performance-no-int-to-ptr) */
	return (struct queue_item *)(head & ~(uintptr_t)FLAGS);
}

/* ---------------------------------------------------------------- bounds */

static uint64_t weight(size_t bytes)
{
	return (UINT64_C(1) << BYTES_BITS) + bytes;
}

static bool has_room(const struct queue *queue, uint64_t held, size_t bytes)
{
	size_t held_bytes = held & BYTES_MASK;

	if (held >> BYTES_BITS == 0)
		return true;
	return held >> BYTES_BITS < queue->max_items &&
	       held_bytes < queue->max_bytes &&
	       bytes <= queue->max_bytes - held_bytes;
}

static bool reserve(struct queue *queue, size_t bytes)
{
	uint64_t held = atomic_load(&queue->held);

	do {
		if (!has_room(queue, held, bytes))
			return false;
	} while (!atomic_compare_exchange_weak(&queue->held, &held,
					       held + weight(bytes)));
	return true;
}

void queue_release(struct queue *queue, const struct queue_item *item)
{
	atomic_fetch_sub(&queue->held, weight(item->bytes));
}

size_t queue_length(struct queue *queue)
{
	return atomic_load(&queue->held) >> BYTES_BITS;
}

/* --------------------------------------------------------------- passing */

enum queue_push queue_push(struct queue *queue, struct queue_item *item)
{
	if (!reserve(queue, item->bytes))
		return QUEUE_FULL;
	uintptr_t head = atomic_load(&queue->head);

	do {
		if (head & CLOSED) {
			queue_release(queue, item);
			return QUEUE_CLOSED;
		}
		item->next = item_of(head);
	} while (!atomic_compare_exchange_weak(&queue->head, &head,
					       (uintptr_t)item));
	/* The item is the taker's now. */
	if (head & ARMED)
		signal_taker(queue);
	return QUEUE_ACCEPTED;
}

void queue_close(struct queue *queue)
{
	atomic_fetch_or(&queue->head, CLOSED);
	signal_taker(queue);
}

static struct queue_item *reverse(struct queue_item *newest)
{
	struct queue_item *oldest = NULL;

	while (newest) {
		struct queue_item *older = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = older;
	}
	return oldest;
}

static bool hush(struct queue *queue)
{
	uint64_t count;

	return read(queue->fd, &count, sizeof(count)) > 0;
}

struct queue_item *queue_take(struct queue *queue, bool *closed)
{
	/* First, so that whatever signals later is not missed; a look at the
	 * flags is cheaper, where nobody can have signalled. One that came so
	 * late that it was not waited for any more is for nothing. */
	uintptr_t before = atomic_load(&queue->head);
	bool may = queue->armed || (before & CLOSED) || !item_of(before);
	bool hushed = may && hush(queue);
	uintptr_t head = atomic_fetch_and(&queue->head, CLOSED);
	/* whoever was asked to and is about to signal does so later */
	queue->armed = queue->armed && !hushed && !(head & ARMED);
	*closed = (head & CLOSED) != 0;
	return reverse(item_of(head));
}

void queue_arm(struct queue *queue)
{
	uintptr_t head = atomic_load(&queue->head);

	queue->armed = true;
	do {
		if (item_of(head)) {
			signal_taker(queue);
			return;
		}
	} while (
	    !atomic_compare_exchange_weak(&queue->head, &head, head | ARMED));
}

int queue_fd(const struct queue *queue)
{
	return queue->fd;
}
