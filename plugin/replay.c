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
	    .statement_max = 2 * batch_max,
	    .max = 2 * batch_max,
	};
	backoff_init(&replay->backoff);
}

/* ------------------------------------------------------- reading, forgetting */

/* Forgets what the server has answered for. */
static bool forget(struct replay *replay, struct err *err)
{
	if (replay->answered_count > 0 &&
	    !spool_remove(replay->spooler->spool, replay->answered,
			  replay->answered_count, WAIT_MS, err))
		return false;
	replay->answered_count = 0;
	return true;
}

static void batch_done(struct replay *replay)
{
	spool_batch_free(&replay->batch);
	replay->batch = (struct spool_batch){0};
	ranges_start(&replay->ranges, 0);
}

static void begin_batch(struct replay *replay, struct spool_batch batch)
{
	replay->batch = batch;
	ranges_start(&replay->ranges, batch.count);
	replay->prepared = false;
}

static bool read_oldest(struct replay *replay, struct err *err)
{
	struct spool_batch batch;

	if (!spool_read(replay->spooler->spool, REPLAY_MAX, &batch, WAIT_MS,
			err))
		return false;
	begin_batch(replay, batch);
	return true;
}

/* What comes after the batch. Where that cannot be had now, the oldest are read
 * when the batch is written. */
static void read_next(struct replay *replay)
{
	int64_t last = INT64_MIN;
	struct err err = {0};

	for (size_t i = 0; i < replay->batch.count; i++)
		if (replay->batch.rows[i] > last)
			last = replay->batch.rows[i];
	if (!spool_read_after(replay->spooler->spool, last, REPLAY_MAX,
			      &replay->next, WAIT_MS, &err)) {
		replay->next = (struct spool_batch){0};
		spooler_note(replay->spooler, &err);
	}
}

static void let_go(struct replay *replay)
{
	if (replay->claimed)
		spool_release(replay->spooler->spool);
	replay->claimed = false;
}

/* Drops what was read; forgets what is answered. What cannot be forgotten now
 * is replayed again some time. */
static bool empty(struct replay *replay, struct err *err)
{
	bool forgotten = forget(replay, err);

	replay->answered_count = 0;
	spool_batch_free(&replay->next);
	batch_done(replay);
	return forgotten;
}

/* False: there is nothing, or err says why it cannot be had. */
static bool fill(struct replay *replay, struct err *err)
{
	replay->claimed =
	    replay->claimed || spool_claim(replay->spooler->spool);
	if (!replay->claimed)
		return err_set(err, ERR_TIMEOUT, "another one replays");
	if (empty(replay, err) && read_oldest(replay, err) &&
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
	if (replay->next.count > 0) {
		batch_done(replay);
		begin_batch(replay, replay->next);
		replay->next = (struct spool_batch){0};
		return true;
	}
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

void replay_prepare(struct replay *replay)
{
	struct err err = {0};

	if (replay->prepared)
		return;
	replay->prepared = true;
	/* Without that no more is read: what cannot be forgotten now is to be
	 * dealt with first. */
	if (forget(replay, &err))
		read_next(replay);
	else
		spooler_note(replay->spooler, &err);
}

void replay_slow(struct replay *replay, size_t count)
{
	if (count < replay->max)
		replay->max = count;
	if (replay->max > 1)
		replay->max /= 2;
}

/* Told of it are the others first: what a match no longer finds in the spool is
 * known by then. */
static void tell(const struct replay *replay, const struct range *range)
{
	const struct ending *ending = replay->spooler->ending;
	const struct writer_observer *observer = ending->observer;
	void (*tell_one)(void *context, const struct event *event) =
	    ending->erased ? observer->erased : observer->replayed;

	if (range->condemned)
		tell_one = observer->rejected;
	for (size_t i = range->start; tell_one && i < range->end; i++)
		tell_one(observer->context, replay->batch.events[i]);
	if (range->condemned)
		health_rejected(ending->health, 1, &replay->ranges.why);
	else
		health_add(ending->health, HEALTH_REPLAYED,
			   range->end - range->start);
}

void replay_written(struct replay *replay, const struct range *range)
{
	tell(replay, range);
	for (size_t i = range->start; i < range->end; i++)
		replay->answered[replay->answered_count++] =
		    replay->batch.rows[i];
	ranges_written(&replay->ranges, true);
	/* the database is not so slow */
	replay->max *= 2;
	if (replay->max > replay->statement_max)
		replay->max = replay->statement_max;
}

void replay_leave(struct replay *replay)
{
	struct err err = {0};

	if (!empty(replay, &err))
		spooler_note(replay->spooler, &err);
	let_go(replay);
}

void replay_rest(struct replay *replay)
{
	replay_leave(replay);
	backoff_pause(&replay->backoff, ELSEWHERE_MS);
}
