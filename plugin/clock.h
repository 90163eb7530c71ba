/* clock - the only reader of clocks. It knows nothing of what is timed. */
#ifndef CALL_LOG_CLOCK_H
#define CALL_LOG_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* A moment that never comes. */
#define CLOCK_NEVER UINT64_MAX

/* Now, in nanoseconds of CLOCK_MONOTONIC. */
uint64_t clock_ns(void);

/* Now, in milliseconds of Unix time. */
int64_t clock_wall_ms(void);

/* `ms` milliseconds after a moment; CLOCK_NEVER stays what it is. */
uint64_t clock_after(uint64_t moment_ns, uint64_t ms);

/* The milliseconds from one moment to a later one, rounded up; 0 when it is not
 * later. */
uint64_t clock_until_ms(uint64_t from_ns, uint64_t to_ns);

/* A timeout for poll() that ends at that moment: -1 for CLOCK_NEVER, 0 when it
 * passed. */
int clock_poll_ms(uint64_t until_ns);

/* A moment for pthread_cond_timedwait() on CLOCK_MONOTONIC. */
struct timespec clock_timespec(uint64_t moment_ns);

/* Unix milliseconds as "2026-03-01T12:00:00Z". */
enum { CLOCK_TEXT = 32 };
void clock_text(int64_t wall_ms, char text[CLOCK_TEXT]);

#endif
