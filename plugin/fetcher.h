/* fetcher - the thread that fetches recordings while their token lives: a page
 * hands an address over, the call's row says that there is such a recording, the
 * file comes, the row says what it is. It also deletes what is to be erased, and
 * has pages look for fresh addresses. It knows neither HTTP nor SQL.
 *
 * An address is in memory only, for some minutes. All else is in the database and
 * the folder, so that any process can go on where one ended. */
#ifndef CALL_LOG_FETCHER_H
#define CALL_LOG_FETCHER_H

#include "config.h"
#include "crm_plugin.h"
#include "health.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetcher_settings {
	const struct config *config; /* borrowed until fetcher_free() */
	const struct crm_host *host; /* borrowed until fetcher_free() */
	struct health *health;       /* borrowed until fetcher_free() */
};

struct fetcher;

struct fetcher *fetcher_new(const struct fetcher_settings *settings,
			    struct err *err);
/* Only while fetcher_run() does not run. */
void fetcher_free(struct fetcher *fetcher);

/* [main] In the process that serves, before anything below. */
bool fetcher_open(struct fetcher *fetcher, struct err *err);

/* [any] The handler of call_log/recordings: {"recordings": [{"sessionId",
 * "recordingId", "contentUri"}...]} hands addresses over; with none it asks which
 * are wanted, and is answered {"wanted": [{"sessionId", "telephonySessionId",
 * "recordingId"}...]}. */
enum crm_status fetcher_submit(struct fetcher *fetcher,
			       const struct crm_request *request);
/* [any] Messages that were accepted and not dealt with. */
size_t fetcher_queued(struct fetcher *fetcher);

/* [any] Ends what is under way, says so in the database if that answers at once,
 * and then the thread. */
void fetcher_stop(struct fetcher *fetcher, uint64_t deadline_ns);
/* The thread. */
void *fetcher_run(void *fetcher);

#endif
