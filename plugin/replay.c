/* replay - see replay.h. */
#include "replay.h"

#include <string.h>

/* How long other users of the file are waited for. */
enum { WAIT_MS = 200 };

static void tell(const struct replay *replay, size_t i)
{
	const struct writer_observer *observer = replay->observer;
	const struct event *event = replay->batch.events[i];

	if (replay->rejected[i] && observer->rejected)
		observer->rejected(observer->context, event);
	if (!replay->rejected[i] && observer->replayed)
		observer->replayed(observer->context, event);
}

/* Forgets what is done and drops the rest; it is read again some time. */
static bool finish(struct replay *replay, struct err *err)
{
	int64_t rows[REPLAY_MAX];
	size_t count = 0;

	for (size_t i = 0; i < replay->batch.count; i++)
		if (replay->done[i])
			rows[count++] = replay->batch.rows[i];
	bool forgotten = count == 0 ||
			 spool_remove(replay->spool, rows, count, WAIT_MS, err);
	for (size_t i = 0; i < replay->batch.count; i++)
		if (replay->done[i])
			tell(replay, i);
	spool_batch_free(&replay->batch);
	replay->batch = (struct spool_batch){0};
	ranges_start(&replay->ranges, 0);
	return forgotten;
}

static bool read_more(struct replay *replay, struct err *err)
{
	if (!spool_read(replay->spool, REPLAY_MAX, &replay->batch, WAIT_MS,
			err)) {
		replay->batch = (struct spool_batch){0};
		return false;
	}
	memset(replay->done, 0, sizeof(replay->done));
	memset(replay->rejected, 0, sizeof(replay->rejected));
	ranges_start(&replay->ranges, replay->batch.count);
	return true;
}

static void let_go(struct replay *replay)
{
	if (replay->claimed)
		spool_release(replay->spool);
	replay->claimed = false;
}

enum replay_state replay_look(struct replay *replay, struct err *err)
{
	if (replay->ranges.count > 0)
		return REPLAY_READY;
	replay->claimed = replay->claimed || spool_claim(replay->spool);
	if (!replay->claimed)
		return REPLAY_ELSEWHERE;
	if (!finish(replay, err) || !read_more(replay, err)) {
		let_go(replay);
		return REPLAY_FAILED;
	}
	if (replay->batch.count > 0)
		return REPLAY_READY;
	let_go(replay);
	return REPLAY_EMPTY;
}

size_t replay_next(struct replay *replay, struct range *range,
		   const struct event **events)
{
	struct ranges *ranges = &replay->ranges;

	while (ranges_next(ranges, replay->max, range) && ranges_guilty(ranges))
		ranges_refused(ranges, &ranges->why);
	for (size_t i = range->start; i < range->end; i++)
		events[i - range->start] = replay->batch.events[i];
	return range->end - range->start;
}

void replay_slow(struct replay *replay)
{
	if (replay->max > 1)
		replay->max /= 2;
}

void replay_quick(struct replay *replay, size_t max)
{
	replay->max = replay->max < max / 2 ? replay->max * 2 : max;
}

void replay_written(struct replay *replay, const struct range *range)
{
	for (size_t i = range->start; i < range->end; i++) {
		replay->done[i] = true;
		replay->rejected[i] = range->condemned;
	}
	if (range->condemned)
		health_rejected(replay->health, 1, &replay->ranges.why);
	else
		health_add(replay->health, HEALTH_REPLAYED,
			   range->end - range->start);
	ranges_written(&replay->ranges, true);
}

bool replay_leave(struct replay *replay, struct err *err)
{
	bool forgotten = finish(replay, err);

	let_go(replay);
	return forgotten;
}
