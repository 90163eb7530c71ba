/* trigger - which calls an agent's open widgets are to ask for again: gathered
 * from any thread, each call once, and posted to the agent by the thread that
 * sends. What a host of several processes cannot post is left to that thread,
 * to be kept in the database. It is bounded: what finds no room is forgotten,
 * and counted. It does not know why a call changed. */
#ifndef CALL_LOG_TRIGGER_H
#define CALL_LOG_TRIGGER_H

#include "array.h"
#include "call.h"
#include "crm_plugin.h"
#include "err.h"
#include "health.h"

#include <stdint.h>

struct trigger;

/* `host` and `health` are borrowed until trigger_free(). */
struct trigger *trigger_new(const struct crm_host *host, struct health *health,
			    struct err *err);
void trigger_free(struct trigger *trigger);

/* Before its thread runs, by the process whose thread that is. */
bool trigger_open(struct trigger *trigger, struct err *err);

enum trigger_when {
	TRIGGER_NOW,   /* as soon as is polite */
	TRIGGER_HEARD, /* the same; the database keeps it already */
	TRIGGER_LATER, /* in some seconds: what is waited for comes by itself */
	TRIGGER_BACK   /* after trigger_back() */
};

/* [any] Copies; never waits. The earlier of two moments counts. */
void trigger_add(struct trigger *trigger, struct text account,
		 struct text agent, struct text session_id,
		 enum trigger_when when);

/* [any] The database answers again. */
void trigger_back(struct trigger *trigger);

/* [any] trigger_fd() becomes readable, and stays so. */
void trigger_close(struct trigger *trigger);

/* The rest is for the one thread that sends. */

/* Posts what is due. */
void trigger_send(struct trigger *trigger);
/* Adds the oldest of what the host does not post to arrays that were begun
 * (account, agent, session id); how many. They stay until they are forgotten. */
enum { TRIGGER_KEYS = 3 };
size_t trigger_unposted(const struct trigger *trigger,
			struct array keys[TRIGGER_KEYS], size_t max);
/* The oldest so many of these are in the database. */
void trigger_kept(struct trigger *trigger, size_t count);
/* When something will be due; CLOCK_NEVER: nothing. */
uint64_t trigger_due_ns(struct trigger *trigger);
/* Readable when that moment has become an earlier one. */
int trigger_fd(const struct trigger *trigger);

#endif
