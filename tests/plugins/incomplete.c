/* incomplete - a plugin whose entry has no create. */
#include "crm_plugin.h"

CRM_EXPORT const struct crm_entry crm_entry = {
    CRM_ENTRY_INIT, "test.incomplete", "1.0", NULL, NULL};
