/* bad_entry - a plugin of an ABI that is not there yet. */
#include "crm_plugin.h"

static struct crm_plugin *bad_create(const struct crm_host *host, char *why,
				     size_t why_cap)
{
	(void)host;
	(void)why;
	(void)why_cap;
	return NULL;
}

const struct crm_entry crm_entry = {CRM_MAGIC,
				    sizeof(struct crm_entry),
				    CRM_ABI_MAJOR + 1,
				    0,
				    "test.bad_entry",
				    "1.0.0",
				    NULL,
				    bad_create};
