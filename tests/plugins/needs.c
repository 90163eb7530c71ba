/* needs - a plugin that cannot live without an extension no host has. */
#include "crm_plugin.h"

static struct crm_plugin *needs_create(const struct crm_host *host, char *why,
				       size_t why_cap)
{
	(void)host;
	(void)why;
	(void)why_cap;
	return NULL;
}

static const char *const required[] = {"crm.timer/1", NULL};

CRM_EXPORT const struct crm_entry crm_entry = {CRM_ENTRY_INIT, "test.needs",
					       "1.0", required, needs_create};
