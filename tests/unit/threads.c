/* threads - are started and joined together, and no more than there is room for. */
#include "../../plugin/clock.h"
#include "../../plugin/threads.h"
#include "../tap.h"

#include <stdatomic.h>
#include <string.h>

static void *add(void *argument)
{
	atomic_int *sum = argument;

	atomic_fetch_add(sum, 1);
	return NULL;
}

int main(void)
{
	struct threads threads;
	struct err err = {0};
	atomic_int sum;
	int started = 0;

	atomic_init(&sum, 0);
	threads_init(&threads);
	while (started < THREADS_MAX &&
	       threads_start(&threads, "one", add, &sum, &err))
		started++;
	ok(started == THREADS_MAX, "as many as there is room for are started");
	ok(!threads_start(&threads, "more", add, &sum, &err) &&
	       strstr(err.text, "cannot create the thread more"),
	   "one more is refused: %s", err.text);
	ok(threads_join(&threads, clock_after(clock_ns(), 30000)),
	   "all are joined");
	ok(atomic_load(&sum) == THREADS_MAX, "and each has run");
	threads_free(&threads);
	return tap_done();
}
