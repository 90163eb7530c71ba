/* route - which plugin takes which messages: by `path`, or by `type` where a
 * message has no path. It looks at nothing else of a message. */
#ifndef CRM_ROUTE_H
#define CRM_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#include "crm_host.h"
#include "json.h"

enum { CRM_ROUTE_NAME = 256 };

struct crm_instance;

struct crm_route {
	char *name; /* owned; a path, or a type */
	bool is_type;
	struct crm_instance *instance; /* borrowed */
};

struct crm_routes {
	struct crm_route *list; /* owned; sorted */
	size_t count;
};

/* [main] Adds what a plugin's CRM_EXT_WIDGET_SERVICE takes. False, with the
 * reason in why, when that is no such object, or a path is taken already; what
 * was added before stays. */
bool crm_routes_add(struct crm_routes *routes, struct crm_instance *instance,
		    const char *service_json, char *why, size_t why_cap);
void crm_routes_clear(struct crm_routes *routes);

/* [any] Reads the route of a message into name, and finds who takes it. NULL
 * with a status: CRM_OK for a notification that nobody takes, since it asks for
 * nothing; else with a sentence too: CRM_BAD_REQUEST, or CRM_UNSUPPORTED when
 * nobody takes the request. */
struct crm_instance *crm_routes_find(const struct crm_routes *routes,
				     const char *body, size_t body_len,
				     char name[CRM_ROUTE_NAME],
				     enum crm_status *status, char *why,
				     size_t why_cap);

#endif
