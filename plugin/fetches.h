/* fetches - the recordings that are known to be fetched now, each once, and which of
 * them is next. It is bounded, and fair: among accounts, and among the agents of each.
 * It does nothing with them, and belongs to one thread. */
#ifndef CALL_LOG_FETCHES_H
#define CALL_LOG_FETCHES_H

#include "fetch.h"

#include <stddef.h>
#include <stdint.h>

struct fetches {
	struct fetch *first; /* owned */
	size_t count;
	int parallel;             /* how many may be LOADING */
	const struct fetch *busy; /* not to be forgotten; NULL: none */
};

/* Adds it, or gives it the fresh address. Where there is no room one that waits makes
 * way, of whoever has the most, or it is left out itself. `address` absent: to see what is on the disk. */
void fetches_add(struct fetches *fetches, const struct recording_key *key,
		 struct text address);

/* One in that state; NULL: none. */
struct fetch *fetches_in(const struct fetches *fetches, enum fetch_state state);
/* The next to be claimed, of whoever has the fewest that are LOADING, and of those the
 * one that was due first; NULL: none, or no more at once. */
struct fetch *fetches_next(const struct fetches *fetches);
/* When there will be one; CLOCK_NEVER: that is not a matter of time. */
uint64_t fetches_due_ns(const struct fetches *fetches);
/* One that is LOADING, and of which the database was told last before then. */
struct fetch *fetches_held_before(const struct fetches *fetches, uint64_t ns);

/* Forgets those that have ended, and those whose address is too old. */
void fetches_forget(struct fetches *fetches);
void fetches_clear(struct fetches *fetches);

#endif
