/* known - a bounded record of calls that are known to be logged, so that a
 * match can be answered while the database is away, also by a process that
 * starts during the outage. A cache: in memory, and lazily in a file beside the
 * spool that all processes share (SQLite, not fsynced); losing it loses no
 * call. It knows neither PostgreSQL nor JSON. [any thread] unless said
 * otherwise. */
#ifndef CALL_LOG_KNOWN_H
#define CALL_LOG_KNOWN_H

#include "call.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct known;

/* Without a path (NULL) it is in memory alone. The file may be missing or
 * damaged: a fresh one is made, a damaged one kept as
 * "<path>.bad". When none can be used the cache lives in memory alone and
 * `notice` says so in one line; else it is "". NULL: no memory. It holds at
 * most `max_calls`, and in all as many bytes as they would have at 640 each:
 * the calls least recently put or got go first. */
struct known *known_open(const char *path, size_t max_calls, char *notice,
			 size_t notice_cap, struct err *err);
/* Does not write: known_sync() first. After a fork, in the child, it only frees
 * memory. NULL is allowed. */
void known_close(struct known *known);

/* What is known of a call; id 0: it is logged, its id not known yet;
 * KNOWN_SPOOLED: it is in the spool. */
enum { KNOWN_SPOOLED = -1 };
struct known_call {
	struct text account, agent, session_id;
	int64_t id;
	struct text note, contact_id, contact_name, contact_type;
};

/* Remembers the call as an answer of the database told it; copies. Never waits
 * for the disk. For want of memory it is forgotten instead. */
void known_put(struct known *known, const struct known_call *call);
/* The database said that it is not logged. */
void known_drop(struct known *known, struct text account, struct text agent,
		struct text session_id);

/* Copies what is known; false: nothing, and *copy owns nothing. Without memory
 * `arena` is NULL, and of the call the id alone is copied. */
struct known_copy {
	struct known_call call; /* text owned by arena */
	void *arena;            /* owned */
};
bool known_get(struct known *known, struct text account, struct text agent,
	       struct text session_id, struct known_copy *copy);
void known_copy_free(struct known_copy *copy); /* harmless when zeroed */

/* [one thread] Writes what is new to the file and takes in what other processes
 * wrote; to be called every second or so, and before known_close(). Gives up
 * quietly, until the next time, when another process is writing. */
void known_sync(struct known *known);

#endif
