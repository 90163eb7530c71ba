/* fetches - the recordings that are known to be fetched now, each once, and which of
 * them is next. It is bounded, does nothing with them, and belongs to one thread. */
#ifndef CALL_LOG_FETCHES_H
#define CALL_LOG_FETCHES_H

#include "fetch.h"

#include <stddef.h>
#include <stdint.h>

struct fetches {
	struct fetch *first; /* owned */
	size_t count;
	int parallel; /* how many may be LOADING */
};

/* Adds it, or gives it the fresh address. What there is no room for is left out.
 * `address` absent: to see what is on the disk. */
void fetches_add(struct fetches *fetches, const struct recording_key *key,
		 struct text address);

/* One in that state; NULL: none. */
struct fetch *fetches_in(const struct fetches *fetches, enum fetch_state state);
/* The next to be claimed; NULL: none, or no more at once. */
struct fetch *fetches_next(const struct fetches *fetches);
/* When there will be one; CLOCK_NEVER: that is not a matter of time. */
uint64_t fetches_due_ns(const struct fetches *fetches);
/* One that is LOADING, and of which the database was told last before then. */
struct fetch *fetches_held_before(const struct fetches *fetches, uint64_t ns);

/* Forgets those that have ended, and those whose address is too old, but for one.
 */
void fetches_forget(struct fetches *fetches, const struct fetch *but);
void fetches_clear(struct fetches *fetches);

#endif
