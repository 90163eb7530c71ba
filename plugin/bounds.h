/* bounds - how long the server is to work on a statement, and to wait for a
 * lock: a little less than we wait for it, so that the connection survives. It
 * queues what tells the server, and sends nothing.
 *
 * Where the server's session is this connection's alone they stay set, and are
 * told again only when others are needed; behind a pooler they go with each
 * transaction. */
#ifndef CALL_LOG_BOUNDS_H
#define CALL_LOG_BOUNDS_H

#include "db.h"
#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct bounds {
	unsigned limit_ms; /* for a statement */
	unsigned lock_ms;  /* for a lock, before that: so it says what it was */
	uint64_t late_ns;  /* what is cancelled after this ran out of time */
	bool stay;         /* the session has them, or will when the group is
			      done */
};

/* Within a group whose end is waited for until then. `queued`: a statement went
 * into the group. False: see err; the connection is dropped. */
bool bounds_queue(struct bounds *bounds, struct db *db, uint64_t deadline_ns,
		  bool *queued, struct err *err);

/* The group failed, or the connection: what it set is not set. */
void bounds_forget(struct bounds *bounds);

#endif
