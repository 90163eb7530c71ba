/* feed - what plugins have to tell the widgets of agents: the last messages of
 * all agents, in order, and the open streams (server-sent events) that carry
 * them to pages. It is bounded: the oldest messages go first, and a stream that
 * comes for one of those is told that something is missing. */
#ifndef CRM_HOST_FEED_H
#define CRM_HOST_FEED_H

#include <crm_host.h>
#include <microhttpd.h>
#include <stdbool.h>

#include "loop.h"

struct feed;

/* [main] NULL: no memory, or no thread for the heartbeats. */
struct feed *feed_new(void);
/* [main] After the HTTP server was closed. NULL is allowed. */
void feed_free(struct feed *feed);

/* [any] For every open stream of that agent, and for those that come back for
 * it. CRM_BUSY: no memory; CRM_STOPPING. */
enum crm_status feed_post(struct feed *feed, const char *account,
			  const char *agent, const char *body, size_t body_len);

/* [HTTP thread] A response that goes on until feed_end(), or until the client
 * leaves: what came after the cursor (an id of an event, or "": from now on).
 * NULL: no memory, or too many streams. Never waits. */
struct MHD_Response *feed_stream(struct feed *feed,
				 struct MHD_Connection *connection,
				 struct loop *loop, const char *account,
				 const char *agent, const char *cursor);

/* [main] Ends all streams and the heartbeats, and refuses what comes. Twice is
 * harmless. */
void feed_end(struct feed *feed);

#endif
