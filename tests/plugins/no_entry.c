/* no_entry - a shared object that is not a plugin. */
#include "crm_plugin.h"

CRM_EXPORT extern const int crm_entrance;
CRM_EXPORT const int crm_entrance = 1;
