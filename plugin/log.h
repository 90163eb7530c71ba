/* log - one line to the host's log. It decides nothing: who calls it decided
 * that a person should read this. Secrets and message bodies never go here. */
#ifndef CALL_LOG_LOG_H
#define CALL_LOG_LOG_H

#include "crm_plugin.h"

/* [any] Cut at 1,000 bytes; control bytes become spaces. */
void log_line(const struct crm_host *host, enum crm_level level,
	      const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
