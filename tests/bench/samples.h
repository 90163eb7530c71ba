/* samples - how long each of many things took, and what most of them took at
 * most. Times are nanoseconds; one that is 0 was not taken and does not count. */
#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H

#include <stddef.h>
#include <stdint.h>

/* Memory for that many, touched, so that to fill it in takes none; freed with
 * free(). */
uint64_t *samples_new(size_t count);

/* Sorts them and prints " PREFIXp50_us=F PREFIXp99_us=F PREFIXp999_us=F
 * PREFIXmax_us=F": half of them, 99 of 100, 999 of 1,000 took at most so long. */
void samples_print(uint64_t *samples, size_t count, const char *prefix);

#endif
