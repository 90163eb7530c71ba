/* replay - the way back out of the spool: reads the oldest events, says which
 * are to be written next, and forgets them when the server has answered. One
 * handle at a time replays a file. It knows the spool and no database. */
#ifndef CALL_LOG_REPLAY_H
#define CALL_LOG_REPLAY_H

#include "health.h"
#include "ranges.h"
#include "spool.h"
#include "writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Read at a time: to forget them costs the disk as much for one as for all. */
enum { REPLAY_MAX = 4 * WRITER_BATCH_MAX };

struct replay {
	struct spool *spool;                    /* borrowed */
	const struct writer_observer *observer; /* borrowed */
	struct health *health;                  /* borrowed */
	struct spool_batch batch;               /* owned; what was read */
	struct ranges ranges;      /* what of it is to be written */
	bool rejected[REPLAY_MAX]; /* of what is dealt with */
	bool done[REPLAY_MAX];     /* the server has answered */
	size_t max;                /* events a statement holds now */
	bool claimed;
};

enum replay_state {
	REPLAY_READY,     /* there is something to be written */
	REPLAY_EMPTY,     /* nothing is spooled */
	REPLAY_ELSEWHERE, /* another handle replays this file */
	REPLAY_FAILED     /* the spool cannot be read, see err */
};

/* [writer thread, as all below] Forgets and reads events as needed. */
enum replay_state replay_look(struct replay *replay, struct err *err);

/* READY: the next events, sorted by key, with no call twice; fewer than `max`
 * while the database is slow. */
size_t replay_next(struct replay *replay, struct range *range,
		   const struct event **events);
/* They took too long, perhaps as too many at once; or they did not. */
void replay_slow(struct replay *replay);
void replay_quick(struct replay *replay, size_t max);
/* What became of these: committed, or condemned and kept as rejected. */
void replay_written(struct replay *replay, const struct range *range);

/* The database takes no more now: lets go of the file, having forgotten what is
 * done. Does nothing when nothing was read. False: could not forget, see err.
 */
bool replay_leave(struct replay *replay, struct err *err);

#endif
