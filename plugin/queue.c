/* queue - see queue.h. */
#include "queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct queue {
	pthread_mutex_t mutex;
	int fd; /* an eventfd; owned; -1: not open */
	size_t max_items, max_bytes;

	/* under the mutex */
	struct queue_item *first; /* pushed, not taken */
	struct queue_item **end;
	size_t items, bytes; /* pushed, not released */
	bool closed;
	bool armed;     /* the next push is to signal */
	bool signalled; /* fd is readable */
};

struct queue *queue_new(size_t max_items, size_t max_bytes, struct err *err)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	queue->fd = -1;
	pthread_mutex_init(&queue->mutex, NULL);
	queue->max_items = max_items;
	queue->max_bytes = max_bytes;
	queue->end = &queue->first;
	return queue;
}

void queue_free(struct queue *queue)
{
	if (!queue)
		return;
	if (queue->fd >= 0)
		close(queue->fd);
	pthread_mutex_destroy(&queue->mutex);
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

static void signal_locked(struct queue *queue)
{
	uint64_t one = 1;

	queue->armed = false;
	if (queue->signalled)
		return;
	queue->signalled = true;
	/* It can fail only when the counter is full, that is readable. */
	ssize_t written = write(queue->fd, &one, sizeof(one));
	(void)written;
}

static bool has_room_locked(const struct queue *queue, size_t bytes)
{
	if (queue->items == 0)
		return true;
	return queue->items < queue->max_items &&
	       queue->bytes < queue->max_bytes &&
	       bytes <= queue->max_bytes - queue->bytes;
}

enum queue_push queue_push(struct queue *queue, struct queue_item *item)
{
	enum queue_push result = QUEUE_ACCEPTED;

	pthread_mutex_lock(&queue->mutex);
	if (queue->closed) {
		result = QUEUE_CLOSED;
	} else if (!has_room_locked(queue, item->bytes)) {
		result = QUEUE_FULL;
	} else {
		item->next = NULL;
		*queue->end = item;
		queue->end = &item->next;
		queue->items++;
		queue->bytes += item->bytes;
		if (queue->armed)
			signal_locked(queue);
	}
	pthread_mutex_unlock(&queue->mutex);
	return result;
}

size_t queue_length(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	size_t items = queue->items;
	pthread_mutex_unlock(&queue->mutex);
	return items;
}

void queue_close(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	queue->closed = true;
	signal_locked(queue);
	pthread_mutex_unlock(&queue->mutex);
}

struct queue_item *queue_take(struct queue *queue, bool *closed)
{
	uint64_t count;

	pthread_mutex_lock(&queue->mutex);
	struct queue_item *first = queue->first;
	queue->first = NULL;
	queue->end = &queue->first;
	queue->armed = false;
	*closed = queue->closed;
	if (queue->signalled) {
		ssize_t got = read(queue->fd, &count, sizeof(count));
		(void)got;
		queue->signalled = false;
	}
	pthread_mutex_unlock(&queue->mutex);
	return first;
}

void queue_release(struct queue *queue, const struct queue_item *item)
{
	pthread_mutex_lock(&queue->mutex);
	queue->items--;
	queue->bytes -= item->bytes;
	pthread_mutex_unlock(&queue->mutex);
}

void queue_arm(struct queue *queue)
{
	pthread_mutex_lock(&queue->mutex);
	if (queue->first)
		signal_locked(queue);
	else
		queue->armed = true;
	pthread_mutex_unlock(&queue->mutex);
}

int queue_fd(const struct queue *queue)
{
	return queue->fd;
}
