/* matcher - answers "which of these calls are logged?": all queries that wait
 * become one question to the database, on a thread and a connection of its own,
 * so that no batch of events delays it. Every id asked is answered. */
#ifndef CALL_LOG_MATCHER_H
#define CALL_LOG_MATCHER_H

#include "crm_plugin.h"
#include "err.h"
#include "health.h"
#include "recall.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct matcher_settings {
	const char *conninfo;        /* borrowed during matcher_new() */
	const struct crm_host *host; /* borrowed until matcher_free() */
	struct health *health;       /* borrowed until matcher_free() */
	struct recall *recall;       /* the same; opened before matcher_run() */
	struct trigger *trigger;     /* the same */
	unsigned match_deadline_ms;
	size_t queue_max, queue_max_bytes;
};

struct matcher;

struct matcher *matcher_new(const struct matcher_settings *settings,
			    struct err *err);
/* Only while matcher_run() does not run. */
void matcher_free(struct matcher *matcher);

/* Opens the queue; before matcher_run(), in the process that runs it. */
bool matcher_open(struct matcher *matcher, struct err *err);

/* [any] The handler of /callLogger/match. */
enum crm_status matcher_submit(struct matcher *matcher,
			       const struct crm_request *request);

/* [any] Queries accepted and not yet answered. */
size_t matcher_queued(struct matcher *matcher);

/* As those of the writer; but nothing is given up: what cannot be asked before
 * the deadline is answered without the database. */
void *matcher_run(void *matcher);
void matcher_stop(struct matcher *matcher, uint64_t deadline_ns);

#endif
