/* stopwatch - see stopwatch.h. */
#include "stopwatch.h"

#include <errno.h>
#include <time.h>

enum { NS = 1000000000 };

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS + (uint64_t)now.tv_nsec;
}

uint64_t stopwatch_now(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

int64_t stopwatch_unix_ms(void)
{
	return (int64_t)(read_clock(CLOCK_REALTIME) / 1000000);
}

uint64_t stopwatch_thread_ns(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t stopwatch_process_ns(void)
{
	return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void stopwatch_wait_until(uint64_t moment_ns)
{
	struct timespec until = {.tv_sec = (time_t)(moment_ns / NS),
				 .tv_nsec = (long)(moment_ns % NS)};

	while (stopwatch_now() < moment_ns &&
	       clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
		   EINTR)
		;
}
