/* backoff - when what failed is tried again. */
#include "../../plugin/backoff.h"
#include "../../plugin/clock.h"
#include "../tap.h"

#include <stdbool.h>

/* Whether the next try is between half and all of `ms` away. */
static bool waits(const struct backoff *backoff, uint64_t ms)
{
	uint64_t wait_ns = backoff->next_ns - backoff->failed_ns;

	return wait_ns >= clock_after(0, ms / 2) &&
	       wait_ns <= clock_after(0, ms);
}

static void failing(void)
{
	static const uint64_t ms[] = {0,   50,   100,  200,  400,
				      800, 1600, 2000, 2000, 2000};
	struct backoff backoff;

	backoff_init(&backoff);
	ok(backoff.next_ns <= clock_ns(), "nothing is waited for at first");
	for (unsigned i = 0; i < sizeof(ms) / sizeof(ms[0]); i++) {
		backoff_failed(&backoff);
		ok(waits(&backoff, ms[i]), "failure %u waits up to %d ms",
		   i + 1, (int)ms[i]);
	}
	ok(backoff.failures == 10, "all are counted");
	backoff_again(&backoff);
	ok(waits(&backoff, 0) && backoff.failures == 10,
	   "something else is tried at once, and that is no failure");
	backoff_proved(&backoff);
	backoff_failed(&backoff);
	ok(waits(&backoff, 0), "after a success a failure is the first again");
}

static void hurrying(void)
{
	struct backoff backoff;

	backoff_init(&backoff);
	for (int i = 0; i < 9; i++)
		backoff_failed(&backoff);
	backoff_hurry(&backoff);
	ok(waits(&backoff, 250), "who waits makes it try sooner");
	backoff_failed(&backoff);
	backoff_proved(&backoff);
	backoff_failed(&backoff);
	backoff_hurry(&backoff);
	ok(waits(&backoff, 0), "but never later");
}

static void pausing(void)
{
	struct backoff backoff;
	uint64_t now = clock_ns();

	backoff_init(&backoff);
	backoff_pause(&backoff, 1000);
	ok(backoff.next_ns >= clock_after(now, 500) && backoff.failures == 0,
	   "a pause is no failure");
}

int main(void)
{
	failing();
	hurrying();
	pausing();
	return tap_done();
}
