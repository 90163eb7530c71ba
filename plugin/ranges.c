/* ranges - see ranges.h. */
#include "ranges.h"

#include <string.h>

/* So many events refused, and none written: it is the database. */
enum { DEFERRED_MAX = 8 };

static struct range *top(struct ranges *ranges)
{
	return &ranges->stack[ranges->count - 1];
}

static size_t size(const struct range *range)
{
	return range->end - range->start;
}

void ranges_start(struct ranges *ranges, size_t len)
{
	ranges->stack[0] = (struct range){.start = 0, .end = len};
	ranges->count = len > 0 ? 1 : 0;
	ranges->deferred = 0;
	ranges->written = false;
}

/* The first `len` of the topmost become one of their own above it. */
static void split(struct ranges *ranges, size_t len)
{
	struct range first = *top(ranges);

	first.end = first.start + len;
	top(ranges)->start = first.end;
	top(ranges)->half = top(ranges)->guilty = false;
	first.half = first.guilty = false;
	ranges->stack[ranges->count++] = first;
}

bool ranges_next(struct ranges *ranges, size_t max, struct range *next)
{
	if (ranges->count == 0)
		return false;
	if (size(top(ranges)) > max && ranges->count < RANGES_MAX)
		split(ranges, max);
	*next = *top(ranges);
	return true;
}

void ranges_written(struct ranges *ranges, bool whole)
{
	bool half = top(ranges)->half;

	if (whole && !top(ranges)->condemned)
		ranges->written = true;
	ranges->count--;
	if (half && whole)
		top(ranges)->guilty = true;
}

bool ranges_halve(struct ranges *ranges)
{
	size_t len = size(top(ranges));

	if (len < 2 || ranges->count == RANGES_MAX)
		return false;
	split(ranges, len / 2);
	return true;
}

/* The topmost comes last. */
static void defer(struct ranges *ranges)
{
	struct range single = *top(ranges);

	single.half = single.guilty = false;
	single.deferred = true;
	memmove(&ranges->stack[1], &ranges->stack[0],
		(ranges->count - 1) * sizeof(ranges->stack[0]));
	ranges->stack[0] = single;
	ranges->deferred++;
}

bool ranges_refused(struct ranges *ranges, const struct err *why)
{
	ranges->why = *why;
	if (ranges_halve(ranges)) {
		top(ranges)->half = true;
		return true;
	}
	if (why->kind == ERR_ROW || ranges->written) {
		top(ranges)->condemned = true;
		top(ranges)->half = top(ranges)->guilty = false;
		return true;
	}
	if (top(ranges)->deferred || ranges->count == 1 ||
	    ranges->deferred == DEFERRED_MAX)
		return false;
	defer(ranges);
	return true;
}

bool ranges_guilty(const struct ranges *ranges)
{
	return ranges->stack[ranges->count - 1].guilty;
}
