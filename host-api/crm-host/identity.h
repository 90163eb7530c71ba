/* identity - who the agent of a request is, from the front server's headers or
 * the demonstration's cookie; never from the message. It keeps no sessions. */
#ifndef CRM_HOST_IDENTITY_H
#define CRM_HOST_IDENTITY_H

#include <microhttpd.h>
#include <stdbool.h>

#include "settings.h"
#include "utf8.h"

#define IDENTITY_COOKIE "crm_agent"

struct identity {
	char agent[CRM_UTF8_NAME_MAX + 1];
	char account[CRM_UTF8_NAME_MAX + 1]; /* "" without one */
};

/* Fills *who. False with a sentence for a person when nobody is signed in. */
bool identity_find(struct identity *who, const struct settings *settings,
		   struct MHD_Connection *connection, const char **why);

/* Whether the request comes from this machine (a loopback address). */
bool identity_is_local(struct MHD_Connection *connection);

/* The Set-Cookie value that makes `agent` the agent of this browser; to free().
 * NULL when memory is out. */
char *identity_cookie(const char *agent);

/* How often a header occurs in the request; *value is the last one. */
unsigned identity_header(struct MHD_Connection *connection, const char *name,
			 const char **value);

#endif
