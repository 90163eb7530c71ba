/* stopwatch - what time it is, how much of the processor was used, and waiting
 * for a moment. It keeps nothing. */
#ifndef BENCH_STOPWATCH_H
#define BENCH_STOPWATCH_H

#include <stdint.h>

uint64_t stopwatch_now(void);        /* nanoseconds, never set back */
int64_t stopwatch_unix_ms(void);     /* the wall clock */
uint64_t stopwatch_thread_ns(void);  /* processor time of this thread */
uint64_t stopwatch_process_ns(void); /* and of all of them */

/* Returns as soon after that moment as the kernel can do it, or at once. */
void stopwatch_wait_until(uint64_t moment_ns);

#endif
