/* service - what of the widget's conversation the plugin takes, what the widget
 * is to register, and what the page bridge is to know: CRM_EXT_WIDGET_SERVICE,
 * made of the configuration. */
#ifndef CALL_LOG_SERVICE_H
#define CALL_LOG_SERVICE_H

#include "config.h"

#define SERVICE_LOG "/callLogger"
#define SERVICE_MATCH "/callLogger/match"
#define SERVICE_BACKFILL "call_log/backfill"
#define SERVICE_RECORDINGS "call_log/recordings"

/* The JSON text, to free(); NULL when memory is out. */
char *service_print(const struct config *config);

/* The files below plugin/web/, for CRM_EXT_PAGES; made by packaging/embed. */
extern const struct crm_pages plugin_pages;

#endif
