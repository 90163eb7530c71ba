/* bad_constructor - a plugin that runs code when it is loaded. */
#include "crm_plugin.h"

#include <stdio.h>

static char greeting[16];

__attribute__((constructor)) static void greet(void)
{
	snprintf(greeting, sizeof(greeting), "hello");
}

static struct crm_plugin *bad_create(const struct crm_host *host, char *why,
				     size_t why_cap)
{
	(void)host;
	snprintf(why, why_cap, "%s", greeting);
	return NULL;
}

const struct crm_entry crm_entry = {CRM_ENTRY_INIT, "test.bad_constructor",
				    "1.0.0", NULL, bad_create};
