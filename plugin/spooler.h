/* spooler - the writer's hand on the spool: puts into it what the database does
 * not take in time, and keeps health and the log informed of it. Where there is
 * no spool it says so to whom it would have helped. */
#ifndef CALL_LOG_SPOOLER_H
#define CALL_LOG_SPOOLER_H

#include "batch.h"
#include "ending.h"
#include "spool.h"

#include <stdbool.h>
#include <stdint.h>

struct spooler {
	const struct crm_host *host; /* borrowed */
	struct ending *ending;       /* borrowed */
	struct spool *spool;         /* owned; NULL: there is none */
	bool filled;                 /* it holds something */
	uint64_t look_ns;            /* when to look at it again */
	struct err why;              /* why it cannot be used; ERR_NONE */
	struct health_spool seen;    /* at the last look */
};

bool spooler_open(struct spooler *spooler, const char *path, uint64_t max_bytes,
		  struct err *err);
void spooler_close(struct spooler *spooler);

/* [writer thread, as all below] Ends the writing of these: spools them or, where
 * that cannot be, says why they are not logged; without a spool that is `why`.
 */
void spooler_leave(struct spooler *spooler, struct items *items,
		   enum err_kind why);

/* A call of the spool has ended so; ERR_NONE: well. */
void spooler_note(struct spooler *spooler, const struct err *err);

/* Sees what it holds, also by others' doing, when it is time to. */
void spooler_look(struct spooler *spooler);

#endif
