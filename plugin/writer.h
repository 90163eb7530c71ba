/* writer - the thread that makes events durable: it writes at once whatever has
 * come, many events in one transaction; while the database is away it keeps
 * them in the spool, and writes them from there when it is back. It tells who
 * submitted each event what became of it. It knows neither messages nor
 * answers. */
#ifndef CALL_LOG_WRITER_H
#define CALL_LOG_WRITER_H

#include "call.h"
#include "crm_plugin.h"
#include "err.h"
#include "health.h"
#include "queue.h"

#include <stddef.h>
#include <stdint.h>

/* Who wants to know what became of events, for the sake of later matches. Any
 * function may be NULL.
 * [writer thread] Must not wait. The event is borrowed during the call; an
 * event may be told more than once, and those of one call in any order. */
struct writer_observer {
	void *context;
	/* committed at once, about to be answered */
	void (*stored)(void *context, const struct event *event);
	/* in the spool, about to be answered */
	void (*spooled)(void *context, const struct event *event);
	/* committed after a time in the spool, where any process put it */
	void (*replayed)(void *context, const struct event *event);
	/* instead of stored or replayed: committed, with some of calls that are
	 * erased; what it told is not to be remembered */
	void (*erased)(void *context, const struct event *event);
	/* refused by the database, live or in replay, and kept in
	 * call_log.rejected */
	void (*rejected)(void *context, const struct event *event);
};

struct writer_settings {
	const char *conninfo;        /* borrowed during writer_new() */
	const struct crm_host *host; /* borrowed until writer_free() */
	struct health *health;       /* borrowed until writer_free() */
	/* borrowed until writer_free(); NULL: nobody */
	const struct writer_observer *observer;
	bool empty_note_erases;
	bool keeps_recordings; /* see recorder.h */
	const char
	    *spool; /* its path, borrowed until writer_free(); NULL: none */
	uint64_t spool_max_bytes;
	unsigned commit_deadline_ms; /* then an event is spooled */
	size_t batch_max; /* 1 to WRITER_BATCH_MAX; twice that in replay */
	size_t queue_max, queue_max_bytes;
};

enum { WRITER_BATCH_MAX = 500 };

/* An event on its way; its submitter embeds it. Submitters set `event` and
 * `done`, the rest is the writer's. */
struct writer_item {
	struct queue_item link;
	const struct event *event; /* borrowed until done */

	/* [writer thread, once] err->kind is ERR_NONE: durable, in PostgreSQL
	 * or in the spool. ERR_ROW: the database refuses the event.
	 * ERR_INTERNAL: the spool's disk fails. ERR_STOPPING; anything else:
	 * try later. err->text is for the agent; but for ERR_ROW it may still
	 * be written. The item is its submitter's again. Must not wait. */
	void (*done)(struct writer_item *item, const struct err *err);

	uint64_t key_hash;
	uint64_t deadline_ns;
};

struct writer;

struct writer *writer_new(const struct writer_settings *settings,
			  struct err *err);
/* Only while writer_run() does not run. */
void writer_free(struct writer *writer);

/* Opens the queue and the spool; before writer_run(), in the process that runs
 * it. */
bool writer_open(struct writer *writer, struct err *err);

/* [any] Accepted: done() will be called, perhaps already has. */
enum queue_push writer_submit(struct writer *writer, struct writer_item *item);

/* [any] Events accepted and not yet done. */
size_t writer_queued(struct writer *writer);

/* The thread: ends after writer_stop(). The argument is the writer. */
void *writer_run(void *writer);

/* [any] Later submits are refused; what was accepted is written until shortly
 * before the deadline, then spooled. Without a spool it is given up with
 * ERR_STOPPING. */
void writer_stop(struct writer *writer, uint64_t deadline_ns);

/* After the end of writer_run(): how many were given up. */
size_t writer_given_up(const struct writer *writer);

#endif
