/* gate - counts who is inside and can be shut. See gate.h.
 *
 * The count and the mark are one word, so that entering is one addition, and
 * leaving touches the gate for the last time when it subtracts: the waiter may
 * free it at once. Therefore nobody is woken, and the waiter looks again every
 * millisecond; shutting happens once in a life. */
#include "gate.h"

#include <limits.h>
#include <time.h>

#include "clock.h"

#define SHUT (ULONG_MAX / 2 + 1)

bool crm_gate_enter(struct crm_gate *gate)
{
	if (!(atomic_fetch_add(&gate->state, 1) & SHUT))
		return true;
	crm_gate_leave(gate);
	return false;
}

void crm_gate_leave(struct crm_gate *gate)
{
	atomic_fetch_sub(&gate->state, 1);
}

void crm_gate_shut(struct crm_gate *gate)
{
	atomic_fetch_or(&gate->state, SHUT);
}

bool crm_gate_wait(struct crm_gate *gate, uint64_t deadline_ns)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	while (atomic_load(&gate->state) != SHUT) {
		if (crm_clock_ns() >= deadline_ns)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}
