/* samples - see samples.h. */
#include "samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t *samples_new(size_t count)
{
	uint64_t *samples = malloc((count + 1) * sizeof(*samples));

	if (!samples) {
		fputs("out of memory\n", stderr);
		exit(2);
	}
	/* calloc() would give pages that are not there yet */
	memset(samples, 0, (count + 1) * sizeof(*samples));
	return samples;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* The least that is not less than `of` 1,000 of each thousand. */
static double at_most_us(const uint64_t *samples, size_t count, size_t of_1000)
{
	size_t rank = (count * of_1000 + 999) / 1000;

	return count ? (double)samples[rank ? rank - 1 : 0] / 1e3 : 0;
}

void samples_print(uint64_t *samples, size_t count, const char *prefix)
{
	size_t none = 0;

	qsort(samples, count, sizeof(*samples), compare);
	while (none < count && samples[none] == 0)
		none++;
	samples += none;
	count -= none;
	printf(" %sp50_us=%.2f %sp99_us=%.2f %sp999_us=%.2f %smax_us=%.2f",
	       prefix, at_most_us(samples, count, 500), prefix,
	       at_most_us(samples, count, 990), prefix,
	       at_most_us(samples, count, 999), prefix,
	       at_most_us(samples, count, 1000));
}
