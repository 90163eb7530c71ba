/* desk - what the plugin's own pages ask, and what agents set: passed on to the
 * database, one at a time, over a connection of its own, so that nobody's call
 * waits for somebody's search; a second one for reports, so that nobody's search
 * waits for them. It knows none of the questions. */
#ifndef CALL_LOG_DESK_H
#define CALL_LOG_DESK_H

#include "crm_plugin.h"
#include "err.h"
#include "health.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum desk_kind { DESK_CALLS, DESK_REPORTS };

struct desk_settings {
	enum desk_kind kind;
	const char *conninfo;        /* borrowed during desk_new() */
	const char *supervisors;     /* borrowed until desk_free() */
	const struct crm_host *host; /* borrowed until desk_free() */
	struct health *health;       /* borrowed until desk_free() */
};

struct desk;

struct desk *desk_new(const struct desk_settings *settings, struct err *err);
/* Only while desk_run() does not run. */
void desk_free(struct desk *desk);

/* [main] In the process that serves, before anything below. */
bool desk_open(struct desk *desk, struct err *err);

/* What a host of several processes asks for its pages (CRM_EXT_WIDGET_SERVICE).
 */
#define DESK_EVENTS "call_log/events"
/* What a host asks before it sends a recording. */
#define DESK_RECORDING "call_log/recording"

/* The paths and types of the messages that are taken, by the one and by the
 * other, each list ended by NULL. */
extern const char *const desk_paths[], *const desk_types[];
extern const char *const desk_report_paths[];
bool desk_takes(const struct desk *desk, const char *path);

/* [any] As crm_plugin.submit. */
enum crm_status desk_submit(struct desk *desk,
			    const struct crm_request *request);
/* [any] Questions that have no answer yet. */
size_t desk_queued(struct desk *desk);

/* [any] What is not answered by the deadline is answered as stopping. */
void desk_stop(struct desk *desk, uint64_t deadline_ns);
/* The thread. */
void *desk_run(void *desk);

#endif
