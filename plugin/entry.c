/* entry - the exported constant. */
#include "plugin.h"

const struct crm_entry crm_entry = {
    CRM_ENTRY_INIT,
    .id = "org.call-log.call_log",
    .version = CALL_LOG_VERSION,
    .requires_ext = NULL,
    .create = plugin_new,
};
