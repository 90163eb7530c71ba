/* clock - the one clock of the host library: nanoseconds of CLOCK_MONOTONIC, and
 * waiting until such a time. Nothing is measured by the time of day. */
#ifndef CRM_CLOCK_H
#define CRM_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define CRM_CLOCK_NEVER UINT64_MAX

uint64_t crm_clock_ns(void);
/* The time of day: Unix time in milliseconds. */
int64_t crm_clock_unix_ms(void);
/* Now plus so many milliseconds. */
uint64_t crm_clock_after(uint32_t ms);
/* A condition variable that crm_clock_wait() can wait on. */
bool crm_clock_cond(pthread_cond_t *cond);
/* Waits for the condition at most until the time; false when it has passed. */
bool crm_clock_wait(pthread_cond_t *cond, pthread_mutex_t *mutex,
		    uint64_t until_ns);

#endif
