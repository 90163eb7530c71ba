/* gate - counts who is inside and can be shut: whoever shuts it can wait until
 * the last one has left. It is not a lock: any number may be inside at once. */
#ifndef CRM_GATE_H
#define CRM_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* All zero is an open gate with nobody inside. */
struct crm_gate {
	atomic_ulong state; /* how many are inside, and a bit for "shut" */
};

/* [any] False when the gate is shut; else pair with crm_gate_leave(). */
bool crm_gate_enter(struct crm_gate *gate);
void crm_gate_leave(struct crm_gate *gate);
/* [any] Nobody enters any more. */
void crm_gate_shut(struct crm_gate *gate);
/* [main] After shut: waits until nobody is inside; false at the deadline. */
bool crm_gate_wait(struct crm_gate *gate, uint64_t deadline_ns);

#endif
