/* origin - which pages may talk to the host: the rule for the Origin header. It
 * is not authentication, and knows nothing of agents. */
#ifndef CRM_HOST_ORIGIN_H
#define CRM_HOST_ORIGIN_H

#include <stdbool.h>

#include "settings.h"

/* Brings `scheme://host[:port]` into the form in which browsers send it, in
 * place: lower case, no default port. False when it is not an http or https
 * origin (a path, a trailing slash, "null", ...); then text is as it was. */
bool origin_normalise(char *text);

/* Whether a request with these headers comes from an allowed page: `origin` is
 * one of `allowed`, or, where none is configured, http or https of `host` (the
 * Host header; NULL: none). */
bool origin_is_allowed(const struct strings *allowed, const char *origin,
		       const char *host);

#endif
