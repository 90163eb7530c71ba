/* queue - what the bounded queue promises. */
#include "../../plugin/queue.h"
#include "../tap.h"

#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

enum { PUSHERS = 4, PUSHES = 20000, ROUNDS = 50 };

static bool readable(struct queue *queue, int timeout_ms)
{
	struct pollfd fd = {.fd = queue_fd(queue), .events = POLLIN};

	return poll(&fd, 1, timeout_ms) == 1;
}

static void order_and_bounds(void)
{
	struct queue_item items[4] = {
	    {.bytes = 10}, {.bytes = 10}, {.bytes = 10}, {.bytes = 100}};
	struct queue *queue = queue_new(2, 50, NULL);

	ok(queue_open(queue, NULL), "it opens");
	bool closed = true;

	ok(queue_take(queue, &closed) == NULL && !closed,
	   "a new queue is empty and open");
	ok(queue_push(queue, &items[0]) == QUEUE_ACCEPTED &&
	       queue_push(queue, &items[1]) == QUEUE_ACCEPTED,
	   "it accepts as many as it may hold");
	ok(queue_push(queue, &items[2]) == QUEUE_FULL, "and no more");
	struct queue_item *first = queue_take(queue, &closed);
	ok(first == &items[0] && first->next == &items[1] &&
	       items[1].next == NULL,
	   "they are taken oldest first");
	ok(queue_length(queue) == 2, "what is taken still counts");
	ok(queue_push(queue, &items[2]) == QUEUE_FULL,
	   "so that there is no room yet");
	queue_release(queue, &items[0]);
	ok(queue_push(queue, &items[2]) == QUEUE_ACCEPTED,
	   "what is released makes room");
	queue_release(queue, &items[1]);
	ok(queue_push(queue, &items[3]) == QUEUE_FULL,
	   "the bytes are bounded as well");
	queue_take(queue, &closed);
	queue_release(queue, &items[2]);
	ok(queue_length(queue) == 0, "all released, nothing counts");
	ok(queue_push(queue, &items[3]) == QUEUE_ACCEPTED,
	   "an item above the bound passes when it is alone");
	queue_free(queue);
}

static void waking(void)
{
	struct queue_item items[3] = {{.bytes = 1}, {.bytes = 1}, {.bytes = 1}};
	struct queue *queue = queue_new(10, 100, NULL);

	ok(queue_open(queue, NULL), "it opens");
	bool closed;

	queue_push(queue, &items[0]);
	ok(!readable(queue, 0), "a push wakes nobody who did not ask");
	queue_arm(queue);
	ok(readable(queue, 0), "to ask when something is there wakes at once");
	queue_take(queue, &closed);
	ok(!readable(queue, 0), "to take it ends that");
	queue_arm(queue);
	ok(!readable(queue, 0), "to ask of an empty queue waits");
	queue_push(queue, &items[1]);
	queue_push(queue, &items[2]);
	ok(readable(queue, 0), "for the next push");
	ok(queue_take(queue, &closed) == &items[1] && !readable(queue, 0),
	   "one take ends the waking of two pushes");
	ok(write(queue_fd(queue), &(uint64_t){1}, 8) == 8 &&
	       !queue_take(queue, &closed) && !readable(queue, 0),
	   "a signal that comes too late wakes once");
	queue_close(queue);
	ok(readable(queue, 0), "to close wakes without being asked");
	ok(queue_push(queue, &items[0]) == QUEUE_CLOSED,
	   "a closed queue accepts nothing");
	ok(queue_take(queue, &closed) == NULL && closed,
	   "and its taker learns that nothing will come");
	ok(!readable(queue, 0), "which wakes it once");
	queue_free(queue);
}

struct pusher {
	struct queue *queue;
	struct queue_item *items;
	size_t accepted;
};

static void *push_all(void *argument)
{
	struct pusher *pusher = argument;

	for (int i = 0; i < PUSHES; i++)
		while (queue_push(pusher->queue, &pusher->items[i]) ==
		       QUEUE_FULL)
			sched_yield();
	return NULL;
}

/* Everything arrives, once, and each thread's items in their order. */
static void threads(void)
{
	struct queue *queue = queue_new(64, SIZE_MAX, NULL);

	ok(queue_open(queue, NULL), "it opens");
	struct pusher pushers[PUSHERS];
	pthread_t ids[PUSHERS];
	size_t taken = 0, next[PUSHERS] = {0};
	bool ordered = true, woken = true, closed;

	for (int i = 0; i < PUSHERS; i++) {
		pushers[i] = (struct pusher){
		    .queue = queue,
		    .items = calloc(PUSHES, sizeof(struct queue_item))};
		pthread_create(&ids[i], NULL, push_all, &pushers[i]);
	}
	while (taken < (size_t)PUSHERS * PUSHES && woken) {
		struct queue_item *item = queue_take(queue, &closed);

		if (!item) {
			queue_arm(queue);
			woken = readable(queue, 30000);
		}
		while (item) {
			struct queue_item *after = item->next;

			for (int i = 0; i < PUSHERS; i++) {
				struct queue_item *own = pushers[i].items;

				if (item < own || item >= own + PUSHES)
					continue;
				if (item != own + next[i]++)
					ordered = false;
			}
			queue_release(queue, item);
			taken++;
			item = after;
		}
	}
	ok(woken && taken == (size_t)PUSHERS * PUSHES,
	   "of four threads' pushes none is lost and none sleeps through");
	ok(ordered, "each thread's come in the order pushed");
	for (int i = 0; i < PUSHERS; i++) {
		pthread_join(ids[i], NULL);
		free(pushers[i].items);
	}
	queue_free(queue);
}

static void *push_until_closed(void *argument)
{
	struct pusher *pusher = argument;
	enum queue_push result = QUEUE_ACCEPTED;

	pusher->accepted = 0;
	while (pusher->accepted < PUSHES && result != QUEUE_CLOSED) {
		result =
		    queue_push(pusher->queue, &pusher->items[pusher->accepted]);
		pusher->accepted += result == QUEUE_ACCEPTED;
	}
	return NULL;
}

static size_t take_some(struct queue *queue, bool *closed)
{
	struct queue_item *item = queue_take(queue, closed);
	size_t taken = 0;

	while (item) {
		struct queue_item *after = item->next;

		queue_release(queue, item);
		taken++;
		item = after;
	}
	return taken;
}

/* What was accepted is there when the taker learns of the end, and no later. */
static void closing(void)
{
	struct pusher pushers[PUSHERS];
	pthread_t ids[PUSHERS];
	size_t taken = 0, accepted = 0;

	for (int round = 0; round < ROUNDS; round++) {
		struct queue *queue = queue_new(64, SIZE_MAX, NULL);
		bool closed = !queue_open(queue, NULL);

		for (int i = 0; i < PUSHERS; i++) {
			pushers[i] = (struct pusher){
			    .queue = queue,
			    .items = calloc(PUSHES, sizeof(struct queue_item))};
			pthread_create(&ids[i], NULL, push_until_closed,
				       &pushers[i]);
		}
		for (int i = 0; i < 4 * round; i++)
			taken += take_some(queue, &closed);
		queue_close(queue);
		taken += take_some(queue, &closed);
		for (int i = 0; i < PUSHERS; i++) {
			pthread_join(ids[i], NULL);
			accepted += pushers[i].accepted;
			free(pushers[i].items);
		}
		if (!closed || queue_length(queue) != 0)
			taken = SIZE_MAX;
		queue_free(queue);
	}
	ok(taken == accepted,
	   "of what is pushed while it closes, all that is accepted is taken");
}

int main(void)
{
	order_and_bounds();
	waking();
	threads();
	closing();
	return tap_done();
}
