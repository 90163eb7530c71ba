/* clock - the one clock of the host library. See clock.h. */
#include "clock.h"

#include <errno.h>
#include <time.h>

#define NS_PER_S UINT64_C(1000000000)

uint64_t crm_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int64_t crm_clock_unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

uint64_t crm_clock_after(uint32_t ms)
{
	return crm_clock_ns() + (uint64_t)ms * 1000000;
}

bool crm_clock_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	bool made;

	if (pthread_condattr_init(&attr) != 0)
		return false;
	made = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
	       pthread_cond_init(cond, &attr) == 0;
	pthread_condattr_destroy(&attr);
	return made;
}

bool crm_clock_wait(pthread_cond_t *cond, pthread_mutex_t *mutex,
		    uint64_t until_ns)
{
	struct timespec until = {.tv_sec = (time_t)(until_ns / NS_PER_S),
				 .tv_nsec = (long)(until_ns % NS_PER_S)};

	if (until_ns == CRM_CLOCK_NEVER)
		return pthread_cond_wait(cond, mutex) == 0;
	return pthread_cond_timedwait(cond, mutex, &until) != ETIMEDOUT;
}
