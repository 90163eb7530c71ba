/* backoff - see backoff.h. */
#include "backoff.h"

#include "clock.h"

enum {
	FIRST_MS = 50,
	LAST_MS = 2000,
	/* tries on request are at least so far apart */
	HURRY_MS = 250
};

void backoff_init(struct backoff *backoff)
{
	*backoff = (struct backoff){.random = clock_ns() ^
					      (uint64_t)(uintptr_t)backoff};
}

/* Between half and all of `ms`, so that many processes do not come at once. */
static uint64_t jitter(struct backoff *backoff, uint64_t ms)
{
	backoff->random = backoff->random * UINT64_C(6364136223846793005) +
			  UINT64_C(1442695040888963407);
	return ms / 2 + (backoff->random >> 33) % (ms / 2 + 1);
}

void backoff_again(struct backoff *backoff)
{
	backoff->failed_ns = clock_ns();
	backoff->next_ns = backoff->failed_ns;
}

void backoff_failed(struct backoff *backoff)
{
	unsigned before = backoff->failures++;
	uint64_t ms = LAST_MS;

	backoff_again(backoff);
	if (before == 0)
		return;
	if (before < 7)
		ms = (uint64_t)FIRST_MS << (before - 1);
	if (ms > LAST_MS)
		ms = LAST_MS;
	backoff->next_ns = clock_after(backoff->failed_ns, jitter(backoff, ms));
}

void backoff_pause(struct backoff *backoff, uint64_t ms)
{
	backoff->next_ns = clock_after(clock_ns(), jitter(backoff, ms));
}

void backoff_proved(struct backoff *backoff)
{
	backoff->failures = 0;
}

void backoff_hurry(struct backoff *backoff)
{
	uint64_t soonest = clock_after(backoff->failed_ns, HURRY_MS);

	if (soonest < backoff->next_ns)
		backoff->next_ns = soonest;
}
