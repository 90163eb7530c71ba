/* backfill - "these calls were never logged": hands the events of one message to
 * the writer together, and answers when each of them is durable or refused. It
 * knows neither JSON nor SQL. */
#ifndef CALL_LOG_BACKFILL_H
#define CALL_LOG_BACKFILL_H

#include "logger.h"

/* [any] The handler of call_log/backfill. */
enum crm_status backfill_submit(struct logger *logger,
				const struct crm_request *request);

#endif
