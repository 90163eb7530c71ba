/* logger - "log this call": decodes the message, hands its event to the writer,
 * answers when the event is durable. It knows neither JSON nor SQL. */
#ifndef CALL_LOG_LOGGER_H
#define CALL_LOG_LOGGER_H

#include "config.h"
#include "crm_plugin.h"
#include "health.h"
#include "writer.h"

struct logger {
	const struct crm_host *host; /* borrowed */
	struct health *health;       /* borrowed */
	struct writer *writer;       /* borrowed */
	enum config_body keep_body;
	bool drops_recordings; /* keeps nothing of them */
};

/* [any] The handler of /callLogger. */
enum crm_status logger_submit(struct logger *logger,
			      const struct crm_request *request);

#endif
