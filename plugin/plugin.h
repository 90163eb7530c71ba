/* plugin - one instance: its parts, its threads, which handler takes which
 * path, and how it starts and stops. It knows nothing of what the handlers do.
 */
#ifndef CALL_LOG_PLUGIN_H
#define CALL_LOG_PLUGIN_H

#include "crm_plugin.h"

/* [main] As crm_entry.create. */
struct crm_plugin *plugin_new(const struct crm_host *host, char *why,
			      size_t why_cap);

#endif
