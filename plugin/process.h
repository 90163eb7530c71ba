/* process - whether this process is still the one that began something, or a
 * child of it by a fork: that one has no threads, locks may be held in it for
 * ever, and what is open is its parent's. To ask costs a look at memory, not a
 * system call. */
#ifndef CALL_LOG_PROCESS_H
#define CALL_LOG_PROCESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

/* Zeroed: nothing has begun. */
struct process {
	_Atomic(const volatile char *) mark; /* owned; NULL: there is none */
	_Atomic pid_t id;
};

/* It is this one. [not twice at a time] */
void process_begin(struct process *process);
bool process_has_begun(const struct process *process);
/* [any] Whether it began in this one. */
bool process_is_this(const struct process *process);
/* To be called in either; afterwards it is as if zeroed. */
void process_end(struct process *process);

#endif
