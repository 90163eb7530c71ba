/* recall - what can be said of calls without the database: those in the spool,
 * and those that the database is known to have. It completes the answers of the
 * matcher, and has agents asked again (trigger) where an answer will change. */
#ifndef CALL_LOG_RECALL_H
#define CALL_LOG_RECALL_H

#include "call.h"
#include "crm_plugin.h"
#include "err.h"
#include "message.h"
#include "trigger.h"

#include <stdbool.h>
#include <stdint.h>

struct recall_settings {
	const char *spool; /* borrowed during recall_new(); "": there is none */
	uint64_t spool_max_bytes;
	const struct crm_host *host; /* borrowed until recall_free() */
	struct trigger *trigger;     /* borrowed until recall_free() */
};

struct recall;

/* Touches no file yet. */
struct recall *recall_new(const struct recall_settings *settings,
			  struct err *err);
void recall_free(struct recall *recall);

/* [main, in the process that serves] Before anything below. A spool that cannot
 * be opened is told to the log; the rest works. False: no memory. */
bool recall_open(struct recall *recall, struct err *err);

/* [matcher thread] The database is asked, now: for what the next recall_begin()
 * begins. */
void recall_asking(struct recall *recall);
/* [matcher thread] Begins answers; what was recalled before is forgotten.
 * `asked`: their entries hold what the database said, else nothing. A spool that
 * others use is waited for so long in all. */
void recall_begin(struct recall *recall, bool asked, unsigned wait_ms);
/* [matcher thread] Makes up the entry of the i-th id. Text is borrowed until the
 * next recall_begin(). */
void recall_entry(struct recall *recall, const struct message_match *match,
		  size_t i, struct message_entry *entry);

/* [any] The database said this of a call, unasked by the widget. */
void recall_logged(struct recall *recall, struct text account,
		   struct text agent, struct text session_id,
		   const struct message_entry *entry);
/* [any] The event is in the database; in the spool; in neither, refused. */
void recall_committed(struct recall *recall, const struct event *event);
void recall_kept(struct recall *recall, const struct event *event);
/* [any] It is in the database, and what it told is perhaps erased: that it is
 * logged is all that is remembered. */
void recall_erased(struct recall *recall, const struct event *event);
void recall_rejected(struct recall *recall, const struct event *event);

/* [one thread] How far the changes of calls were followed, in the words of who
 * follows them. It is kept beside what they told, and after it, so that a
 * process that starts knows what it has missed. The reach: owned; NULL: nobody
 * knows. */
void recall_reached(struct recall *recall, const char *reach);
char *recall_reach(struct recall *recall);

/* [one thread] Shares with other processes what is known; every second or so,
 * and at the end. */
void recall_sync(struct recall *recall);

#endif
