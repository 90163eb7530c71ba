/* route - which plugin takes which messages. See route.h. */
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ROUTES = 1000 };

static int compare(const struct crm_route *route, const char *name,
		   bool is_type)
{
	int by_kind = (int)route->is_type - (int)is_type;

	return by_kind != 0 ? by_kind : strcmp(route->name, name);
}

/* The place of a route, or where it would have to be inserted. */
static size_t search(const struct crm_routes *routes, const char *name,
		     bool is_type, bool *found)
{
	size_t low = 0, high = routes->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&routes->list[middle], name, is_type) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*found = low < routes->count &&
		 compare(&routes->list[low], name, is_type) == 0;
	return low;
}

static const char *insert(struct crm_routes *routes, const char *name,
			  bool is_type, struct crm_instance *instance)
{
	struct crm_route *list;
	bool found;
	size_t at = search(routes, name, is_type, &found);
	char *copy;

	if (found)
		return "is taken by another plugin";
	if (routes->count == MAX_ROUTES)
		return "is one too many";
	list = realloc(routes->list, (routes->count + 1) * sizeof(*list));
	if (!list)
		return "cannot be added: out of memory";
	routes->list = list;
	copy = strdup(name);
	if (!copy)
		return "cannot be added: out of memory";
	memmove(list + at + 1, list + at, (routes->count - at) * sizeof(*list));
	list[at].name = copy;
	list[at].is_type = is_type;
	list[at].instance = instance;
	routes->count++;
	return NULL;
}

static bool add_names(struct crm_routes *routes, struct crm_instance *instance,
		      struct crm_json names, bool is_type, char *why,
		      size_t why_cap)
{
	struct crm_json_walk walk = crm_json_walk(names);
	struct crm_json none, element;
	char name[CRM_ROUTE_NAME];

	while (crm_json_next(&walk, &none, &element)) {
		ptrdiff_t len = crm_json_string(element, name, sizeof(name));
		const char *problem = "is not a string of 1 to 255 bytes";

		if (len > 0 && len < (ptrdiff_t)sizeof(name))
			problem = insert(routes, name, is_type, instance);
		else
			snprintf(name, sizeof(name), "%.*s",
				 (int)(element.len < 50 ? element.len : 50),
				 element.text);
		if (problem) {
			snprintf(why, why_cap, "%s '%s' %s",
				 is_type ? "type" : "path", name, problem);
			return false;
		}
	}
	return true;
}

bool crm_routes_add(struct crm_routes *routes, struct crm_instance *instance,
		    const char *service_json, char *why, size_t why_cap)
{
	static const char *const members[] = {"paths", "types"};
	struct crm_json value[2];

	if (!crm_json_members(service_json, strlen(service_json), members,
			      value, 2)) {
		snprintf(why, why_cap,
			 CRM_EXT_WIDGET_SERVICE " is not a JSON object");
		return false;
	}
	return add_names(routes, instance, value[0], false, why, why_cap) &&
	       add_names(routes, instance, value[1], true, why, why_cap);
}

void crm_routes_clear(struct crm_routes *routes)
{
	for (size_t i = 0; i < routes->count; i++)
		free(routes->list[i].name);
	free(routes->list);
	*routes = (struct crm_routes){NULL, 0};
}

/* Path or type of a message; a null member counts as absent, since JavaScript's
 * undefined may arrive as either. */
static const char *read_name(const char *body, size_t body_len,
			     char name[CRM_ROUTE_NAME], bool *is_type)
{
	static const char *const members[] = {"path", "type"};
	struct crm_json value[2];
	ptrdiff_t len;

	if (!crm_json_members(body, body_len, members, value, 2))
		return "the message is not a JSON object";
	*is_type = crm_json_type(value[0]) == CRM_JSON_NONE ||
		   crm_json_type(value[0]) == CRM_JSON_NULL;
	if (*is_type && crm_json_type(value[1]) == CRM_JSON_NONE)
		return "the message has neither 'path' nor 'type'";
	len = crm_json_string(value[*is_type], name, CRM_ROUTE_NAME);
	if (len < 0)
		return *is_type ? "member 'type' is not a string"
				: "member 'path' is not a string";
	if (len >= CRM_ROUTE_NAME)
		return *is_type ? "member 'type' is longer than 255 bytes"
				: "member 'path' is longer than 255 bytes";
	return NULL;
}

struct crm_instance *crm_routes_find(const struct crm_routes *routes,
				     const char *body, size_t body_len,
				     char name[CRM_ROUTE_NAME],
				     enum crm_status *status, char *why,
				     size_t why_cap)
{
	bool is_type, found;
	const char *problem = read_name(body, body_len, name, &is_type);
	size_t at;

	*status = CRM_BAD_REQUEST;
	if (problem) {
		snprintf(why, why_cap, "%s", problem);
		return NULL;
	}
	at = search(routes, name, is_type, &found);
	if (found)
		return routes->list[at].instance;
	*status = CRM_OK;
	if (is_type && strcmp(name, "rc-post-message-request") != 0)
		return NULL;
	*status = CRM_UNSUPPORTED;
	snprintf(why, why_cap, "no plugin takes the %s '%s'",
		 is_type ? "type" : "path", name);
	return NULL;
}
