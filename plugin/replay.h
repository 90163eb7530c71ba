/* replay - the way back out of the spool: reads the oldest events, says which
 * are to be written next, and forgets them when the server has answered. While
 * the server works on some it reads the next ones and forgets the last. One
 * handle at a time replays a file. It knows the spool and no database. */
#ifndef CALL_LOG_REPLAY_H
#define CALL_LOG_REPLAY_H

#include "backoff.h"
#include "ranges.h"
#include "spooler.h"
#include "writer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* Read at a time: to forget them costs the disk as much for one as for
	 * all. */
	REPLAY_MAX = 8 * WRITER_BATCH_MAX,
	/* Events a statement. To commit many costs little more than to commit
	 * few, and nobody waits for these. */
	REPLAY_STATEMENT_MAX = 2 * WRITER_BATCH_MAX
};

struct replay {
	struct spooler *spooler; /* borrowed */
	size_t statement_max,
	    max; /* events a statement may hold, and does now */
	struct spool_batch batch;         /* owned; what is being written */
	struct ranges ranges;             /* what of it is still to be */
	struct spool_batch next;          /* owned; what comes after it */
	int64_t answered[2 * REPLAY_MAX]; /* rows to be forgotten */
	size_t answered_count;
	bool prepared; /* for when the batch is written */
	bool claimed;
	struct backoff backoff; /* next_ns: when to try again */
};

/* [writer thread, as all below] */
void replay_init(struct replay *replay, struct spooler *spooler,
		 size_t batch_max);

/* Whether there is something to be written now; forgets and reads events as
 * needed. What keeps it from that is noted, and comes again after a while. */
bool replay_ready(struct replay *replay);

/* The next events, sorted by key, with no call twice; fewer than
 * REPLAY_STATEMENT_MAX while the database is slow. */
size_t replay_next(struct replay *replay, struct range *range,
		   const struct event **events);
/* They are on their way: there is time for the spool. Does something but once a
 * batch. */
void replay_prepare(struct replay *replay);
/* `count` of them took too long, perhaps as too many at once. */
void replay_slow(struct replay *replay, size_t count);
/* What became of these: committed, or condemned and kept as rejected. */
void replay_written(struct replay *replay, const struct range *range);

/* The database takes no more now: lets go of the file, having forgotten what is
 * done. Does nothing when nothing was read. */
void replay_leave(struct replay *replay);
/* The same, for a while, for want of something else. */
void replay_rest(struct replay *replay);

#endif
