/* phone - the second, small HTTP server for the simulated phone of a plugin: like
 * the real widget it comes from another origin than the pages that show it, and
 * knows no agent. */
#ifndef CRM_HOST_PHONE_H
#define CRM_HOST_PHONE_H

#include <crm_host.h>

#include "settings.h"

struct phone;

/* [main] Serves from now on. NULL with the reason in `why`. */
struct phone *phone_new(struct crm_runtime *runtime,
			const struct settings *settings, char *why,
			size_t why_cap);
/* [main] NULL is allowed. */
void phone_free(struct phone *phone);

/* [main] The address of the phone's page. */
void phone_url(const struct phone *phone, char *buf, size_t cap);

#endif
