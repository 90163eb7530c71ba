/* round - match queries on their way: those that wait, oldest first and so the
 * first to expire first, and the round of them that the database is asked
 * together. A query that expires leaves the round; the rest goes on. It knows
 * neither database nor answers. */
#ifndef CALL_LOG_ROUND_H
#define CALL_LOG_ROUND_H

#include "message.h"
#include "queue.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct query {
	struct queue_item link;
	uint64_t id; /* the request's */
	uint64_t deadline_ns;
	struct message_match match; /* owned */
	size_t first;               /* index of its first id in the round */
};
void query_free(struct query *query);

enum { ROUND_MAX = 500 }; /* queries */

struct round {
	struct queue_item *pending;
	struct queue_item **pending_end;
	struct query *queries[ROUND_MAX]; /* NULL: taken out */
	size_t first;                     /* before it all are taken out */
	size_t len;
	size_t ids;           /* in all */
	uint64_t deadline_ns; /* when the last of them expires */
};

void round_init(struct round *round);

/* A chain of new queries. */
void round_add(struct round *round, struct queue_item *chain);

/* Closes the gaps, forms a new round when nothing is left of the old one, and
 * numbers the ids. False: nothing to ask. */
bool round_prepare(struct round *round);

/* Takes a query out of the round; NULL: none is left. */
struct query *round_take(struct round *round);

/* Takes a query, also one that waits, that expires by then; NULL: none does. */
struct query *round_take_due(struct round *round, uint64_t now);

/* When the first one expires; CLOCK_NEVER: there is none. */
uint64_t round_due_ns(const struct round *round);

#endif
