/* spool_find - what a call's events say together, to a match: its note and its
 * contact. It knows no file and reads no row; the whole merge rule is SQL's. */
#ifndef CALL_LOG_SPOOL_FIND_H
#define CALL_LOG_SPOOL_FIND_H

#include "call.h"

#include <stdbool.h>
#include <stddef.h>

/* What events were seen; zeroed at first. All of it borrows from the events. */
struct spool_find {
	const struct event *last;    /* the highest ranked */
	const struct event *save;    /* the newest that carries a note */
	const struct event *contact; /* that carries the contact */
};

void spool_find_add(struct spool_find *find, const struct event *event);
/* Whether the call is not over, as far as its events tell. */
bool spool_find_is_live(const struct spool_find *find);

#endif
