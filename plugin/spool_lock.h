/* spool_lock - the file "<path>.lock": how the processes and threads that share
 * a spool agree who uses, replaces and replays it. It is held by open file
 * descriptions, so each handle counts by itself, and the kernel releases what a
 * dead process held. It does not know the spool. */
#ifndef CALL_LOG_SPOOL_LOCK_H
#define CALL_LOG_SPOOL_LOCK_H

#include "err.h"

#include <stdbool.h>
#include <stdint.h>

struct spool_lock;

/* Touches no file yet. NULL: no memory. */
struct spool_lock *spool_lock_new(const char *path);
/* Gives all back, but in the child of a fork nothing. NULL is allowed. */
void spool_lock_free(struct spool_lock *lock);

/* In, with others or alone, until left. Who wants to be alone keeps others from
 * coming in meanwhile. False with ERR_TIMEOUT: not before the deadline; or with
 * ERR_CONFIG, ERR_FULL or ERR_INTERNAL: the file cannot be had. */
bool spool_lock_enter(struct spool_lock *lock, bool alone, uint64_t deadline_ns,
		      struct err *err);
void spool_lock_leave(struct spool_lock *lock);

/* Being the one that claimed, without waiting; independent of the above. */
bool spool_lock_claim(struct spool_lock *lock);
void spool_lock_release(struct spool_lock *lock);

#endif
