/* listener - the thread that hears of calls changed elsewhere, by notifications
 * over a connection of its own, or by looking for them where none come through.
 * It has the agents' widgets ask again, and, because nobody waits for it, it
 * also does the chores: it posts what is gathered in the trigger, or keeps it in
 * the database for pages that ask, shares what is known with other processes,
 * and has figures counted and old calls purged. */
#ifndef CALL_LOG_LISTENER_H
#define CALL_LOG_LISTENER_H

#include "crm_plugin.h"
#include "err.h"
#include "health.h"
#include "recall.h"
#include "trigger.h"

struct listener_settings {
	const char *conninfo;        /* borrowed during listener_new() */
	const struct crm_host *host; /* borrowed until listener_free() */
	struct health *health;       /* borrowed until listener_free() */
	struct recall *recall;       /* the same */
	struct trigger *trigger;     /* the same; stopping closes it */
	unsigned retention_days;     /* 0: calls are kept for ever */
};

struct listener;

struct listener *listener_new(const struct listener_settings *settings,
			      struct err *err);
/* Only while listener_run() does not run. */
void listener_free(struct listener *listener);

/* The thread: ends soon after listener_stop(). The argument is the listener. */
void *listener_run(void *listener);
/* [any] */
void listener_stop(struct listener *listener);

#endif
