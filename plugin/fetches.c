/* fetches - see fetches.h. */
#include "fetches.h"

#include "clock.h"

enum {
	FETCHES_MAX = 1000, /* more stay wanted */
	ADDRESS_MS = 10 * 60 * 1000
};

void fetches_add(struct fetches *fetches, const struct recording_key *key,
		 struct text address)
{
	struct fetch *fetch = fetches->first;

	while (fetch && !fetch_is(fetch, key))
		fetch = fetch->next;
	if (fetch && fetch->state == FETCH_WAITING && address.s)
		fetch_readdress(fetch, address);
	if (fetch || fetches->count == FETCHES_MAX)
		return;
	fetch = fetch_new(key, address);
	if (!fetch)
		return;
	fetch->next = fetches->first;
	fetches->first = fetch;
	fetches->count++;
}

struct fetch *fetches_in(const struct fetches *fetches, enum fetch_state state)
{
	struct fetch *fetch = fetches->first;

	while (fetch && fetch->state != state)
		fetch = fetch->next;
	return fetch;
}

/* The one that waits, and is due first. */
static struct fetch *first_due(const struct fetches *fetches)
{
	struct fetch *next = NULL;
	int loading = 0;

	for (struct fetch *f = fetches->first; f; f = f->next) {
		loading += f->state == FETCH_LOADING;
		if (f->state == FETCH_WAITING &&
		    (!next || f->due_ns < next->due_ns))
			next = f;
	}
	return loading < fetches->parallel ? next : NULL;
}

struct fetch *fetches_next(const struct fetches *fetches)
{
	struct fetch *next = first_due(fetches);

	return next && next->due_ns <= clock_ns() ? next : NULL;
}

uint64_t fetches_due_ns(const struct fetches *fetches)
{
	const struct fetch *next = first_due(fetches);

	return next ? next->due_ns : CLOCK_NEVER;
}

struct fetch *fetches_held_before(const struct fetches *fetches, uint64_t ns)
{
	struct fetch *fetch = fetches->first;

	while (fetch && (fetch->state != FETCH_LOADING || fetch->held_ns >= ns))
		fetch = fetch->next;
	return fetch;
}

static bool has_ended(const struct fetch *fetch, uint64_t now)
{
	return fetch->state == FETCH_ENDED ||
	       (fetch->state == FETCH_WAITING && fetch->address &&
		now >= clock_after(fetch->given_ns, ADDRESS_MS));
}

void fetches_forget(struct fetches *fetches, const struct fetch *but)
{
	uint64_t now = clock_ns();

	for (struct fetch **at = &fetches->first; *at;) {
		struct fetch *fetch = *at;

		if (fetch == but || !has_ended(fetch, now)) {
			at = &fetch->next;
			continue;
		}
		*at = fetch->next;
		fetch_free(fetch);
		fetches->count--;
	}
}

void fetches_clear(struct fetches *fetches)
{
	while (fetches->first) {
		struct fetch *fetch = fetches->first;

		fetches->first = fetch->next;
		fetch_free(fetch);
	}
	fetches->count = 0;
}
