/* replay - see replay.h. */
#include "replay.h"

#include "clock.h"

#include <string.h>

enum {
	WAIT_MS = 200,      /* for other users of the file */
	ELSEWHERE_MS = 1000 /* while another replays, or nobody can */
};

void replay_init(struct replay *replay, struct spooler *spooler,
		 size_t batch_max)
{
	*replay = (struct replay){
	    .spooler = spooler,
	    .batch_max = batch_max,
	    .max = batch_max,
	};
	backoff_init(&replay->backoff);
}

/* ------------------------------------------------------- reading, forgetting */

static void tell(const struct replay *replay, size_t i)
{
	const struct writer_observer *observer =
	    replay->spooler->ending->observer;
	const struct event *event = replay->batch.events[i];

	if (replay->rejected[i] && observer->rejected)
		observer->rejected(observer->context, event);
	if (!replay->rejected[i] && observer->replayed)
		observer->replayed(observer->context, event);
}

/* Forgets what is done and drops the rest; it is read again some time. Told of
 * it is first: what a match no longer finds in the spool is known by then. */
static bool finish(struct replay *replay, struct err *err)
{
	int64_t rows[REPLAY_MAX];
	size_t count = 0;

	for (size_t i = 0; i < replay->batch.count; i++) {
		if (!replay->done[i])
			continue;
		tell(replay, i);
		rows[count++] = replay->batch.rows[i];
	}
	bool forgotten = count == 0 || spool_remove(replay->spooler->spool,
						    rows, count, WAIT_MS, err);
	spool_batch_free(&replay->batch);
	replay->batch = (struct spool_batch){0};
	ranges_start(&replay->ranges, 0);
	return forgotten;
}

static bool read_more(struct replay *replay, struct err *err)
{
	if (!spool_read(replay->spooler->spool, REPLAY_MAX, &replay->batch,
			WAIT_MS, err)) {
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
		spool_release(replay->spooler->spool);
	replay->claimed = false;
}

/* False: there is nothing, or err says why it cannot be had. */
static bool fill(struct replay *replay, struct err *err)
{
	replay->claimed =
	    replay->claimed || spool_claim(replay->spooler->spool);
	if (!replay->claimed)
		return err_set(err, ERR_TIMEOUT, "another one replays");
	if (finish(replay, err) && read_more(replay, err) &&
	    replay->batch.count > 0)
		return true;
	let_go(replay);
	return false;
}

bool replay_ready(struct replay *replay)
{
	struct spooler *spooler = replay->spooler;
	struct err err = {0};

	if (replay->ranges.count > 0)
		return true;
	if (!spooler->filled)
		return false;
	if (fill(replay, &err))
		return true;
	if (err.kind == ERR_NONE) {
		spooler->look_ns = 0;
		spooler->filled = false;
	} else {
		spooler_note(spooler, &err);
		backoff_pause(&replay->backoff, ELSEWHERE_MS);
	}
	return false;
}

/* -------------------------------------------------------------- writing */

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

void replay_written(struct replay *replay, const struct range *range)
{
	struct health *health = replay->spooler->ending->health;

	for (size_t i = range->start; i < range->end; i++) {
		replay->done[i] = true;
		replay->rejected[i] = range->condemned;
	}
	if (range->condemned)
		health_rejected(health, 1, &replay->ranges.why);
	else
		health_add(health, HEALTH_REPLAYED, range->end - range->start);
	ranges_written(&replay->ranges, true);
	/* the database is not so slow */
	replay->max = replay->max < replay->batch_max / 2 ? replay->max * 2
							  : replay->batch_max;
}

void replay_leave(struct replay *replay)
{
	struct err err = {0};

	if (!finish(replay, &err))
		spooler_note(replay->spooler, &err);
	let_go(replay);
}

void replay_rest(struct replay *replay)
{
	replay_leave(replay);
	backoff_pause(&replay->backoff, ELSEWHERE_MS);
}
