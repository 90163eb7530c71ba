/* bad_exports - a plugin that exports a second symbol. */
#include "crm_plugin.h"

CRM_EXPORT int bad_helper(int number);

int bad_helper(int number)
{
	return number + 1;
}

static struct crm_plugin *bad_create(const struct crm_host *host, char *why,
				     size_t why_cap)
{
	(void)host;
	(void)why_cap;
	why[0] = '\0';
	return NULL;
}

const struct crm_entry crm_entry = {CRM_ENTRY_INIT, "test.bad_exports", "1.0.0",
				    NULL, bad_create};
