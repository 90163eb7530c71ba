/* rollup - has figures of reports counted beforehand, a little at a time: the SQL,
 * when it is due, and what is said of it. It belongs to the one thread that owns
 * the connection, waits for nothing, and knows nothing of what is counted. */
#ifndef CALL_LOG_ROLLUP_H
#define CALL_LOG_ROLLUP_H

#include "db.h"

#include "crm_plugin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rollup {
	const struct crm_host *host; /* borrowed */
	bool said;                   /* that it failed */
	uint64_t due_ns;
};

void rollup_init(struct rollup *rollup, const struct crm_host *host);

/* Adds to the group that figures are counted, for about a tenth of a second. It
 * is due again some time, whatever becomes of it. */
bool rollup_queue(struct rollup *rollup, struct db *db, struct err *err);

/* That statement of the group is answered, well or not. */
void rollup_answered(struct rollup *rollup, const struct db *db,
		     size_t statement);

#endif
