/* clock - see clock.h. */
#include "clock.h"

#include <limits.h>

static const uint64_t NS_PER_MS = 1000000;

uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * NS_PER_MS + (uint64_t)now.tv_nsec;
}

int64_t clock_wall_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / (int64_t)NS_PER_MS;
}

uint64_t clock_after(uint64_t moment_ns, uint64_t ms)
{
	if (ms > (CLOCK_NEVER - moment_ns) / NS_PER_MS)
		return CLOCK_NEVER;
	return moment_ns + ms * NS_PER_MS;
}

uint64_t clock_until_ms(uint64_t from_ns, uint64_t to_ns)
{
	if (to_ns <= from_ns)
		return 0;
	return (to_ns - from_ns - 1) / NS_PER_MS + 1;
}

int clock_poll_ms(uint64_t until_ns)
{
	if (until_ns == CLOCK_NEVER)
		return -1;

	uint64_t ms = clock_until_ms(clock_ns(), until_ns);
	return ms > INT_MAX ? INT_MAX : (int)ms;
}

struct timespec clock_timespec(uint64_t moment_ns)
{
	return (struct timespec){
	    .tv_sec = (time_t)(moment_ns / (1000 * NS_PER_MS)),
	    .tv_nsec = (long)(moment_ns % (1000 * NS_PER_MS))};
}

void clock_text(int64_t wall_ms, char text[CLOCK_TEXT])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;

	text[0] = '\0';
	if (gmtime_r(&seconds, &parts))
		strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%SZ", &parts);
}
