/* retention - has old calls purged, some at a time, for as long as calls are to be
 * kept: when it is time, by which SQL, and what is said of it. It belongs to the
 * one thread that owns the connection, and waits for nothing; what goes, and
 * what stays of it, the database knows. */
#ifndef CALL_LOG_RETENTION_H
#define CALL_LOG_RETENTION_H

#include "crm_plugin.h"
#include "db.h"
#include "health.h"

#include <stdbool.h>
#include <stdint.h>

struct retention {
	unsigned days;               /* 0: for ever */
	const struct crm_host *host; /* borrowed */
	struct health *health;       /* borrowed */
	uint64_t due_ns;             /* when it is time; CLOCK_NEVER */
	uint64_t purged;             /* since it was last said */
	bool said;                   /* that it cannot be done */
};

void retention_init(struct retention *retention, unsigned days,
		    const struct crm_host *host, struct health *health);

/* When it is time: adds to the group that some calls are purged. */
bool retention_queue(struct retention *retention, struct db *db,
		     struct err *err);

/* What came of it, good or bad. */
void retention_answered(struct retention *retention, const struct db *db,
			size_t statement);

#endif
