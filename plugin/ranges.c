/* ranges - see ranges.h. */
#include "ranges.h"

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

void ranges_refused(struct ranges *ranges, const struct err *why)
{
	ranges->why = *why;
	if (ranges_halve(ranges)) {
		top(ranges)->half = true;
		return;
	}
	top(ranges)->condemned = true;
	top(ranges)->half = top(ranges)->guilty = false;
}

bool ranges_guilty(const struct ranges *ranges)
{
	return ranges->stack[ranges->count - 1].guilty;
}
