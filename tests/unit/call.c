/* call - names, hash and order of events. */
#include "../../plugin/call.h"
#include "../tap.h"

#include <stdlib.h>

static struct text text(const char *s)
{
	return (struct text){s, strlen(s)};
}

static int sign(int number)
{
	return (number > 0) - (number < 0);
}

static void names(void)
{
	is(call_state_name(CALL_RINGING), "ringing", "ringing has its name");
	is(call_state_name(CALL_CONNECTED), "connected", "connected too");
	is(call_state_name(CALL_HELD), "held", "held too");
	is(call_state_name(CALL_PARKED), "parked", "parked too");
	is(call_state_name(CALL_ENDED), "ended", "ended too");
	is(call_state_name(CALL_FINAL), "final", "final too");
	is(call_logged_by_name(LOGGED_BY_BACKFILL), "backfill", "backfill");
	is(call_logged_by_name(LOGGED_BY_AUTO), "auto", "auto");
	is(call_logged_by_name(LOGGED_BY_MANUAL), "manual", "manual");
}

/* The values were computed apart from the code under test (a few lines of
 * Python), so they hold on any machine. */
static void hashes(void)
{
	static const char bytes[] = "0123456789abcdef-x";
	char copy[64];
	bool same = true, differs = true;

	ok(call_hash("", 0) == UINT64_C(0xf955b5881a882d0d), "hash of nothing");
	ok(call_hash(bytes, 18) == UINT64_C(0x60555971c5a6e075),
	   "hash of a text");
	for (size_t shift = 1; shift < 9; shift++) {
		memcpy(copy + shift, bytes, 18);
		same =
		    same && call_hash(copy + shift, 18) == call_hash(bytes, 18);
	}
	ok(same, "alignment does not matter");
	memcpy(copy, bytes, 18);
	for (int bit = 0; bit < 18 * 8; bit++) {
		copy[bit / 8] ^= (char)(1 << bit % 8);
		differs =
		    differs && call_hash(copy, 18) != call_hash(bytes, 18);
		copy[bit / 8] ^= (char)(1 << bit % 8);
	}
	ok(differs, "every bit matters");
	ok(call_hash("\0", 1) != call_hash("\0\0", 2), "the length matters");
}

static void order(void)
{
	static const char *const keys[][3] = {
	    /* ascending */
	    {"", "a", "1"},    {"", "a", "10"},   {"", "a", "2"},
	    {"", "a\x7f", ""}, {"", "a\xc3", ""}, {"a", "", "0"},
	};
	size_t count = sizeof(keys) / sizeof(keys[0]);
	bool right = true;

	for (size_t i = 0; i < count; i++) {
		struct event a = {.account = text(keys[i][0]),
				  .agent = text(keys[i][1]),
				  .session_id = text(keys[i][2])};
		for (size_t j = 0; j < count; j++) {
			struct event b = {.account = text(keys[j][0]),
					  .agent = text(keys[j][1]),
					  .session_id = text(keys[j][2])};
			int want = (i > j) - (i < j);
			right =
			    right && sign(event_compare_key(&a, &b)) == want;
		}
	}
	ok(right, "events order by account, agent, session id, bytewise");
}

int main(void)
{
	names();
	hashes();
	order();

	struct event *event = calloc(1, sizeof(*event));
	if (event)
		event->arena = malloc(8);
	event_free(event);
	event_free(NULL);
	ok(true, "freeing an event frees its arena, and NULL is allowed");
	return tap_done();
}
