/* lanes - see lanes.h.
 *
 * A message's number is its request's id. Lane n of m submits number n, n + m,
 * and so on. An answer may come before submit() returns. */
#include "lanes.h"

#include "command.h"
#include "samples.h"
#include "stopwatch.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LANES = 16, PATIENCE_S = 300 };

struct lane {
	struct lanes *lanes;
	size_t index;
	size_t accepted, refused;
	uint64_t cpu_ns;
	pthread_t thread;
	/* by whoever answers */
	atomic_size_t answered, ok;
	atomic_size_t wanted; /* `room` is posted at that answer */
	sem_t room;
	_Atomic uint64_t last_ns;
};

struct lanes {
	struct lanes_settings settings;
	struct lane lane[LANES];
	uint64_t *began_ns;  /* owned; when submitted, or due */
	uint64_t *took_ns;   /* owned; from then to the answer */
	uint64_t *submit_ns; /* owned */
	uint64_t start_ns, cpu_ns;
};

struct lanes *lanes_new(const struct lanes_settings *settings)
{
	struct lanes *lanes = calloc(1, sizeof(*lanes));

	if (!lanes || settings->lanes > LANES || settings->lanes == 0)
		die("lanes: settings out of range");
	lanes->settings = *settings;
	lanes->began_ns = samples_new(settings->count);
	lanes->took_ns = samples_new(settings->count);
	lanes->submit_ns = samples_new(settings->count);
	for (size_t i = 0; i < settings->lanes; i++) {
		lanes->lane[i].lanes = lanes;
		lanes->lane[i].index = i;
		sem_init(&lanes->lane[i].room, 0, 0);
	}
	return lanes;
}

void lanes_free(struct lanes *lanes)
{
	if (!lanes)
		return;
	for (size_t i = 0; i < lanes->settings.lanes; i++)
		sem_destroy(&lanes->lane[i].room);
	free(lanes->began_ns);
	free(lanes->took_ns);
	free(lanes->submit_ns);
	free(lanes);
}

/* Until so many were answered. A post may be of an earlier wish: then we look
 * once more than we need to. */
static bool wait_answered(struct lane *lane, size_t wanted)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += PATIENCE_S;
	atomic_store(&lane->wanted, wanted);
	while (atomic_load(&lane->answered) < wanted)
		if (sem_clockwait(&lane->room, CLOCK_MONOTONIC, &until) != 0 &&
		    stopwatch_now() / 1000000000 >= (uint64_t)until.tv_sec)
			return false;
	return true;
}

/* As a quarter of the window became free, so as not to be woken by each. */
static void wait_room(struct lane *lane)
{
	size_t window = lane->lanes->settings.window;
	size_t share = window / lane->lanes->settings.lanes;

	if (share == 0)
		share = 1;
	if (window == 0 ||
	    lane->accepted - atomic_load(&lane->answered) < share)
		return;
	if (!wait_answered(lane, lane->accepted - share + share / 4 + 1))
		die("no answer for %d seconds", PATIENCE_S);
}

static void submit_one(struct lane *lane, size_t number)
{
	struct lanes *lanes = lane->lanes;
	const struct lanes_settings *settings = &lanes->settings;
	struct crm_request request = {.id = number};
	uint64_t due_ns = 0;

	if (settings->rate > 0) {
		due_ns = lanes->start_ns +
			 (uint64_t)((double)number * 1e9 / settings->rate);
		stopwatch_wait_until(due_ns);
	}
	settings->make(settings->context, lane->index, number, &request);
	uint64_t start = stopwatch_now();
	request.deadline_ns = start + PATIENCE_S * UINT64_C(1000000000);
	lanes->began_ns[number] = due_ns ? due_ns : start;
	lane->accepted++;
	enum crm_status status =
	    settings->plugin->submit(settings->plugin, &request);
	lanes->submit_ns[number] = stopwatch_now() - start;
	if (status != CRM_OK) {
		lane->accepted--;
		lane->refused++;
	}
}

static void *run_lane(void *argument)
{
	struct lane *lane = argument;
	const struct lanes_settings *settings = &lane->lanes->settings;

	for (size_t n = lane->index; n < settings->count;
	     n += settings->lanes) {
		wait_room(lane);
		submit_one(lane, n);
	}
	lane->cpu_ns = stopwatch_thread_ns();
	return NULL;
}

void lanes_run(struct lanes *lanes)
{
	lanes->cpu_ns = stopwatch_process_ns();
	lanes->start_ns = stopwatch_now();
	for (size_t i = 0; i < lanes->settings.lanes; i++)
		if (pthread_create(&lanes->lane[i].thread, NULL, run_lane,
				   &lanes->lane[i]) != 0)
			die("cannot create a thread");
	for (size_t i = 0; i < lanes->settings.lanes; i++)
		pthread_join(lanes->lane[i].thread, NULL);
}

void lanes_settle(struct lanes *lanes)
{
	for (size_t i = 0; i < lanes->settings.lanes; i++)
		if (!wait_answered(&lanes->lane[i], lanes->lane[i].accepted))
			die("no answer for %d seconds", PATIENCE_S);
	lanes->cpu_ns = stopwatch_process_ns() - lanes->cpu_ns;
}

void lanes_answered(struct lanes *lanes, uint64_t id, enum crm_status status)
{
	struct lane *lane = &lanes->lane[id % lanes->settings.lanes];
	uint64_t now = stopwatch_now();

	lanes->took_ns[id] = now - lanes->began_ns[id];
	atomic_store_explicit(&lane->last_ns, now, memory_order_relaxed);
	if (status == CRM_OK)
		atomic_fetch_add_explicit(&lane->ok, 1, memory_order_relaxed);
	if (atomic_fetch_add(&lane->answered, 1) + 1 ==
	    atomic_load(&lane->wanted))
		sem_post(&lane->room);
}

void lanes_print(struct lanes *lanes)
{
	size_t answered = 0, ok = 0, refused = 0;
	uint64_t last_ns = lanes->start_ns, caller_ns = 0;

	for (size_t i = 0; i < lanes->settings.lanes; i++) {
		struct lane *lane = &lanes->lane[i];
		uint64_t lane_last_ns = atomic_load(&lane->last_ns);

		answered += atomic_load(&lane->answered);
		ok += atomic_load(&lane->ok);
		refused += lane->refused;
		caller_ns += lane->cpu_ns;
		if (lane_last_ns > last_ns)
			last_ns = lane_last_ns;
	}
	double each = (double)(answered ? answered : 1) * 1e3;
	printf(" messages=%zu ok=%zu refused=%zu failed=%zu seconds=%.6f "
	       "caller_us=%.3f own_us=%.3f",
	       lanes->settings.count, ok, refused, answered - ok,
	       (double)(last_ns - lanes->start_ns) / 1e9,
	       (double)caller_ns / each,
	       (double)(lanes->cpu_ns - caller_ns) / each);
	samples_print(lanes->took_ns, lanes->settings.count, "");
	samples_print(lanes->submit_ns, lanes->settings.count, "submit_");
}
