/* events - GET /widget/events: what plugins have to tell the agent's widgets, as
 * a stream from the feed, or, in a host of several processes, asked of the plugin
 * each time. */
#ifndef CRM_HOST_EVENTS_H
#define CRM_HOST_EVENTS_H

#include "exchange.h"

/* [HTTP thread] */
void events_handle(struct exchange *exchange);

#endif
