/* file - files that plugins have (recordings): whose they are the plugin knows. */
#ifndef CRM_HOST_FILE_H
#define CRM_HOST_FILE_H

#include "exchange.h"

/* [HTTP thread] A route's handle(). */
void file_handle(struct exchange *exchange);

#endif
