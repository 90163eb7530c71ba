/* undefined - a plugin that calls a function which nothing defines. */
#include "crm_plugin.h"

struct crm_plugin *nosuch(const struct crm_host *host, char *why, size_t cap);

static struct crm_plugin *undefined_create(const struct crm_host *host,
					   char *why, size_t why_cap)
{
	return nosuch(host, why, why_cap);
}

CRM_EXPORT const struct crm_entry crm_entry = {CRM_ENTRY_INIT, "test.undefined",
					       "1.0", NULL, undefined_create};
