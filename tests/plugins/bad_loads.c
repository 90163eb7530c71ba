/* bad_loads - a plugin that takes memory each time it is loaded, and keeps it. For the
 * tests of crm-check. */
#include "crm_plugin.h"

#include <stdlib.h>
#include <string.h>

enum { TAKEN = 32 * 1024 };

/* So that no compiler leaves it out. */
static char *volatile last;

__attribute__((constructor)) static void take(void)
{
	char *memory = malloc(TAKEN);

	if (memory)
		memset(memory, 1, TAKEN);
	last = memory;
}

static struct crm_plugin *create(const struct crm_host *host, char *why,
				 size_t why_cap)
{
	(void)host;
	(void)why;
	(void)why_cap;
	return NULL;
}

const struct crm_entry crm_entry = {CRM_ENTRY_INIT, "test.bad-loads", "1.0",
				    NULL, create};
