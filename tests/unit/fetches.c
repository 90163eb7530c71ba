/* fetches - who gets in when many come, and who is next. */
#include "../../plugin/fetches.h"
#include "../tap.h"

static struct fetches fetches = {.parallel = 3};
static int serial;

static struct text as_text(const char *s)
{
	return (struct text){.s = s, .len = strlen(s)};
}

static void add(const char *account, const char *agent, int count)
{
	while (count-- > 0) {
		char id[16];

		snprintf(id, sizeof(id), "%d", ++serial);
		fetches_add(&fetches,
			    &(struct recording_key){as_text(account),
						    as_text(agent),
						    as_text("s"), as_text(id)},
			    (struct text){0});
	}
}

static bool is_of(const struct fetch *fetch, const char *account,
		  const char *agent)
{
	return text_equal(fetch->key.account, as_text(account)) &&
	       text_equal(fetch->key.agent, as_text(agent));
}

static int has(const char *account, const char *agent)
{
	int count = 0;

	for (struct fetch *f = fetches.first; f; f = f->next)
		count += is_of(f, account, agent);
	return count;
}

static void room(void)
{
	add("acme", "ann", 1500);
	ok(has("acme", "ann") == 1000, "one agent may have all there is");
	fetches.busy = fetches.first;
	add("acme", "bob", 1);
	ok(has("acme", "bob") == 1 && has("acme", "ann") == 999,
	   "until another comes");
	ok(fetches.first->next == fetches.busy,
	   "whom not what is worked on makes way for");
	add("acme", "bob", 700);
	add("acme", "ann", 700);
	ok(has("acme", "bob") == 500 && has("acme", "ann") == 500,
	   "two have half of it each (%d)", has("acme", "bob"));
	add("acme", "eve", 10);
	ok(has("acme", "eve") == 10, "who wants little gets it");
	add("other", "zoe", 800);
	ok(has("other", "zoe") == 500 && has("acme", "eve") == 10 &&
	       has("acme", "ann") == 245 && has("acme", "bob") == 245,
	   "another account has half of it, at the cost of the largest (%d %d)",
	   has("acme", "ann"), has("acme", "bob"));
	add("other", "zac", 100);
	ok(has("other", "zac") == 100 && has("other", "zoe") == 400,
	   "within it they share");
	ok(fetches.count == 1000, "and there are never more");
	for (struct fetch *f = fetches.first; f; f = f->next)
		f->state = FETCH_OVER;
	add("late", "kim", 1);
	ok(has("late", "kim") == 0, "nor where none of them waits");
	fetches_clear(&fetches);
	ok(fetches.count == 0 && !fetches.first, "none is left");
}

/* Claims the next one. */
static struct fetch *next(void)
{
	struct fetch *fetch = fetches_next(&fetches);

	if (fetch)
		fetch->state = FETCH_LOADING;
	return fetch;
}

static void turns(void)
{
	add("acme", "ann", 3);
	add("acme", "bob", 1);
	add("other", "zoe", 1);
	for (struct fetch *f = fetches.first; f; f = f->next)
		f->due_ns = is_of(f, "acme", "ann")   ? 1
			    : is_of(f, "acme", "bob") ? 2
						      : 3;
	ok(is_of(next(), "acme", "ann"), "who came first is first");
	ok(is_of(next(), "other", "zoe"), "then another account");
	ok(is_of(next(), "acme", "bob"), "then another agent");
	ok(!next() && fetches_due_ns(&fetches) == UINT64_MAX,
	   "and no more at once");
	fetches.parallel = 9;
	fetches.first->due_ns = UINT64_MAX / 2;
	ok(is_of(next(), "acme", "ann") && is_of(next(), "acme", "ann") &&
	       !next(),
	   "the rest when there is room");
	fetches_clear(&fetches);
	fetches.busy = NULL;
	add("acme", "ann", 1);
	fetches.first->due_ns = UINT64_MAX / 2;
	ok(!next() && fetches_due_ns(&fetches) == UINT64_MAX / 2,
	   "what is not due yet is waited for");
	fetches_clear(&fetches);
}

int main(void)
{
	room();
	turns();
	return tap_done();
}
