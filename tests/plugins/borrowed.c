/* borrowed - a shared object that is no plugin, but linked with one: the entry that
 * is found through it is the other's. */
#include "crm_plugin.h"

CRM_EXPORT const struct crm_entry *borrowed_entry(void);

const struct crm_entry *borrowed_entry(void)
{
	return &crm_entry;
}
