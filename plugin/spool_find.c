/* spool_find - see spool_find.h. The order is the merge rule's: stage, then
 * time of emission, then hash. */
#include "spool_find.h"

#include <string.h>

static int stage(const struct event *event)
{
	switch (event->state) {
	case CALL_RINGING:
		return 1;
	case CALL_FINAL:
		return 3;
	default:
		return 2;
	}
}

static bool outranks(const struct event *a, const struct event *b)
{
	if (!b)
		return true;
	if (stage(a) != stage(b))
		return stage(a) > stage(b);
	if (a->emitted_us != b->emitted_us)
		return a->emitted_us > b->emitted_us;
	return a->hash > b->hash;
}

/* Saves are ranked by time, then by the request's name. */
static bool is_newer(const struct event *a, const struct event *b)
{
	if (!b || a->emitted_us != b->emitted_us)
		return !b || a->emitted_us > b->emitted_us;
	return strcmp(a->request_id.s ? a->request_id.s : "",
		      b->request_id.s ? b->request_id.s : "") > 0;
}

static bool has_contact(const struct event *event)
{
	return event->contact_id.s || event->contact_name.s;
}

void spool_find_add(struct spool_find *find, const struct event *event)
{
	if (outranks(event, find->last))
		find->last = event;
	if (event->note.s && is_newer(event, find->save))
		find->save = event;
	if (!has_contact(event))
		return;
	if (!find->contact ||
	    event->contact_picked > find->contact->contact_picked ||
	    (event->contact_picked == find->contact->contact_picked &&
	     is_newer(event, find->contact)))
		find->contact = event;
}

bool spool_find_is_live(const struct spool_find *find)
{
	return find->last && find->last->state != CALL_ENDED &&
	       find->last->state != CALL_FINAL;
}
