/* fetches - see fetches.h. */
#include "fetches.h"

#include "clock.h"

enum {
	FETCHES_MAX = 1000, /* more stay wanted */
	ADDRESS_MS = 10 * 60 * 1000
};

/* How many each account has, and each agent; those that share a place by chance share
 * what is theirs. */
struct shares {
	unsigned accounts[FETCH_SHARES], agents[FETCH_SHARES];
};

static void count(struct shares *shares, const struct fetch *fetch)
{
	shares->accounts[fetch->account_share]++;
	shares->agents[fetch->agent_share]++;
}

static unsigned largest(const unsigned shares[FETCH_SHARES])
{
	unsigned at = 0;

	for (unsigned i = 1; i < FETCH_SHARES; i++)
		if (shares[i] > shares[at])
			at = i;
	return at;
}

/* ------------------------------------------------------------------ room */

static void forget(struct fetches *fetches, struct fetch **at)
{
	struct fetch *fetch = *at;

	*at = fetch->next;
	fetch_free(fetch);
	fetches->count--;
}

/* Whose is to make way for one more of that fetch's: its account's, unless another
 * has more, and there its agent's, unless another has more. False: that is itself. */
static bool find_rich(const struct fetches *fetches, const struct fetch *more,
		      unsigned *account, unsigned *agent)
{
	struct shares all = {0}, of_account = {0};

	for (const struct fetch *f = fetches->first; f; f = f->next)
		count(&all, f);
	*account = largest(all.accounts);
	if (all.accounts[*account] <= all.accounts[more->account_share] + 1)
		*account = more->account_share;
	for (const struct fetch *f = fetches->first; f; f = f->next)
		if (f->account_share == *account)
			count(&of_account, f);
	*agent = largest(of_account.agents);
	return *account != more->account_share ||
	       of_account.agents[*agent] >
		   of_account.agents[more->agent_share] + 1;
}

/* The last that came of them goes: it stays wanted, and comes again. */
static bool make_room(struct fetches *fetches, const struct fetch *more)
{
	unsigned account, agent;

	if (fetches->count < FETCHES_MAX)
		return true;
	if (!find_rich(fetches, more, &account, &agent))
		return false;
	for (struct fetch **at = &fetches->first; *at; at = &(*at)->next) {
		struct fetch *f = *at;

		if (f->account_share != account || f->agent_share != agent ||
		    f->state != FETCH_WAITING || f == fetches->busy)
			continue;
		forget(fetches, at);
		return true;
	}
	return false;
}

void fetches_add(struct fetches *fetches, const struct recording_key *key,
		 struct text address)
{
	struct fetch *fetch = fetches->first;

	while (fetch && !fetch_is(fetch, key))
		fetch = fetch->next;
	if (fetch && fetch->state == FETCH_WAITING && address.s)
		fetch_readdress(fetch, address);
	if (fetch)
		return;
	fetch = fetch_new(key, address);
	if (!fetch || !make_room(fetches, fetch)) {
		fetch_free(fetch);
		return;
	}
	fetch->next = fetches->first;
	fetches->first = fetch;
	fetches->count++;
}

/* ------------------------------------------------------------------ next */

struct fetch *fetches_in(const struct fetches *fetches, enum fetch_state state)
{
	struct fetch *fetch = fetches->first;

	while (fetch && fetch->state != state)
		fetch = fetch->next;
	return fetch;
}

static bool is_before(const struct shares *loading, const struct fetch *a,
		      const struct fetch *b)
{
	unsigned accounts[] = {loading->accounts[a->account_share],
			       loading->accounts[b->account_share]};
	unsigned agents[] = {loading->agents[a->agent_share],
			     loading->agents[b->agent_share]};

	if (accounts[0] != accounts[1])
		return accounts[0] < accounts[1];
	return agents[0] != agents[1] ? agents[0] < agents[1]
				      : a->due_ns < b->due_ns;
}

static int count_loading(const struct fetches *fetches, struct shares *loading)
{
	int all = 0;

	for (const struct fetch *f = fetches->first; f; f = f->next) {
		if (f->state != FETCH_LOADING)
			continue;
		count(loading, f);
		all++;
	}
	return all;
}

struct fetch *fetches_next(const struct fetches *fetches)
{
	struct shares loading = {0};
	struct fetch *next = NULL;
	uint64_t now = clock_ns();

	if (count_loading(fetches, &loading) >= fetches->parallel)
		return NULL;
	for (struct fetch *f = fetches->first; f; f = f->next)
		if (f->state == FETCH_WAITING && f->due_ns <= now &&
		    (!next || is_before(&loading, f, next)))
			next = f;
	return next;
}

uint64_t fetches_due_ns(const struct fetches *fetches)
{
	uint64_t due_ns = CLOCK_NEVER;
	int loading = 0;

	for (const struct fetch *f = fetches->first; f; f = f->next) {
		loading += f->state == FETCH_LOADING;
		if (f->state == FETCH_WAITING && f->due_ns < due_ns)
			due_ns = f->due_ns;
	}
	return loading < fetches->parallel ? due_ns : CLOCK_NEVER;
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

void fetches_forget(struct fetches *fetches)
{
	uint64_t now = clock_ns();

	for (struct fetch **at = &fetches->first; *at;) {
		if (*at == fetches->busy || !has_ended(*at, now))
			at = &(*at)->next;
		else
			forget(fetches, at);
	}
}

void fetches_clear(struct fetches *fetches)
{
	while (fetches->first)
		forget(fetches, &fetches->first);
}
