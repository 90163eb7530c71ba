/* round - see round.h. */
#include "round.h"

#include "clock.h"

#include <stdlib.h>

enum { IDS_MAX = 50000 }; /* ids a round, but for a single larger query */

void query_free(struct query *query)
{
	message_match_free(&query->match);
	free(query);
}

void round_init(struct round *round)
{
	round->pending = NULL;
	round->pending_end = &round->pending;
	round->first = round->len = round->ids = 0;
}

void round_add(struct round *round, struct queue_item *chain)
{
	*round->pending_end = chain;
	for (; chain; chain = chain->next)
		round->pending_end = &chain->next;
}

static struct query *take_pending(struct round *round)
{
	struct query *query = (struct query *)round->pending;

	round->pending = query->link.next;
	if (!round->pending)
		round->pending_end = &round->pending;
	return query;
}

static void form(struct round *round)
{
	size_t ids = 0;

	round->len = 0;
	while (round->pending && round->len < ROUND_MAX) {
		const struct query *query = (struct query *)round->pending;

		ids += query->match.id_count;
		if (round->len > 0 && ids > IDS_MAX)
			break;
		round->queries[round->len++] = take_pending(round);
	}
}

bool round_prepare(struct round *round)
{
	size_t kept = 0;

	for (size_t i = round->first; i < round->len; i++)
		if (round->queries[i])
			round->queries[kept++] = round->queries[i];
	round->len = kept;
	round->first = 0;
	if (kept == 0)
		form(round);
	round->ids = 0;
	round->deadline_ns = 0;
	for (size_t i = 0; i < round->len; i++) {
		struct query *query = round->queries[i];

		query->first = round->ids;
		round->ids += query->match.id_count;
		if (query->deadline_ns > round->deadline_ns)
			round->deadline_ns = query->deadline_ns;
	}
	return round->len > 0;
}

/* Out of the round; NULL: it had been. */
static struct query *take(struct round *round, size_t i)
{
	struct query *query = round->queries[i];

	round->queries[i] = NULL;
	if (i == round->first)
		round->first++;
	return query;
}

struct query *round_take(struct round *round)
{
	struct query *query = NULL;

	while (!query && round->first < round->len)
		query = take(round, round->first);
	return query;
}

struct query *round_take_due(struct round *round, uint64_t now)
{
	for (size_t i = round->first; i < round->len; i++)
		if (round->queries[i] && round->queries[i]->deadline_ns <= now)
			return take(round, i);
	if (!round->pending ||
	    ((struct query *)round->pending)->deadline_ns > now)
		return NULL;
	return take_pending(round);
}

uint64_t round_due_ns(const struct round *round)
{
	uint64_t due_ns = CLOCK_NEVER;

	if (round->pending)
		due_ns = ((struct query *)round->pending)->deadline_ns;
	for (size_t i = round->first; i < round->len; i++)
		if (round->queries[i] &&
		    round->queries[i]->deadline_ns < due_ns)
			due_ns = round->queries[i]->deadline_ns;
	return due_ns;
}
