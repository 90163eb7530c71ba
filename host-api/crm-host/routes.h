/* routes - what the host answers at which path, and to whom. */
#ifndef CRM_HOST_ROUTES_H
#define CRM_HOST_ROUTES_H

#include "exchange.h"

struct route {
	const char *path;
	const char *methods; /* as in an Allow header */
	unsigned needs;      /* what is checked before handle(), see routes.c */

	/* [HTTP thread] The request is complete: fills the answer, or
	 * suspends the exchange. Never waits. */
	void (*handle)(struct exchange *exchange);
};

/* [HTTP thread] Finds the route by the headers and fills exchange->who. Where
 * the request is refused, the answer is filled. */
const struct route *route_check(struct exchange *exchange, const char *url,
				const char *method);

#endif
