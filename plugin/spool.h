/* spool - calls' events that were acknowledged and are not yet in PostgreSQL,
 * in a file (SQLite) that survives crashes of the process and of the machine.
 * The only durable state of our own. It knows neither PostgreSQL nor JSON.
 *
 * Any number of processes may share one file; each thread opens its own handle.
 * A handle belongs to the process that opened it: after a fork every call fails
 * with ERR_INTERNAL, and spool_close() only frees memory.
 *
 * A file that is damaged, or on which an fsync failed, is never used again: it
 * is renamed to "<path>.aside-<time>", never deleted, and a fresh file takes
 * its place, into which every event that can still be read was copied first.
 * Which may happen in any call; it is told as a notice. The call goes on with
 * the fresh file. Beside <path> lie <path>-journal (SQLite's) and <path>.lock.
 */
#ifndef CALL_LOG_SPOOL_H
#define CALL_LOG_SPOOL_H

#include "call.h"
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool;

/* Opens the file, creating it (mode 0600) and its folder (0700) when missing.
 * NULL with ERR_CONFIG (the folder cannot be made or written, folder or file
 * belong to another user) or ERR_NO_MEMORY. Any other trouble, such as a full
 * disk, is told as a notice; the handle then tries again at each call, which
 * fail until it works. `max_bytes` (at least 1 MiB) bounds the file together
 * with its journal. */
struct spool *spool_open(const char *path, uint64_t max_bytes, struct err *err);
void spool_close(struct spool *spool); /* NULL is allowed */

/* The next line that a person should read, as a warning: what became of the
 * file. To be asked after spool_open() and after calls, until it is false. */
enum { SPOOL_NOTICE = 512 };
bool spool_take_notice(struct spool *spool, char notice[SPOOL_NOTICE]);

/* All calls below wait for other users of the file at most `wait_ms` (and for
 * the disk as long as it takes), then fail with ERR_TIMEOUT, nothing changed.
 * ERR_FULL: the bound or the disk is full, nothing changed. ERR_NO_MEMORY:
 * nothing changed. ERR_INTERNAL: the disk failed or the file cannot be used
 * now; what was to be appended may be there or not, but is not acknowledged. */

/* Appends all events or none, in one transaction that is on the disk when this
 * returns true. Events may share a call. When the disk failed on the way, an
 * event may be there twice, or although this returned false: replaying it is
 * idempotent. */
bool spool_append(struct spool *spool, const struct event *const *events,
		  size_t count, unsigned wait_ms, struct err *err);

/* The oldest events, at most `max` (and some megabytes, but at least one) and
 * at most one of each call, its oldest, to be replayed. A read may give fewer
 * than `max` though more are spooled; it gives none only when nothing is. Free
 * with spool_batch_free(), also when zeroed. Several processes may read the
 * same events: replaying is idempotent. spool_claim() keeps that rare. */
struct spool_batch {
	struct event **events; /* owned; sorted by event_compare_key() */
	int64_t *rows;         /* owned; their names in the spool, same order */
	size_t count;          /* 0: nothing is spooled */
};
bool spool_read(struct spool *spool, size_t max, struct spool_batch *batch,
		unsigned wait_ms, struct err *err);
void spool_batch_free(struct spool_batch *batch);
/* The same of those that came after a row; none of a call that has an older
 * one, so it may give none though there are some. */
bool spool_read_after(struct spool *spool, int64_t after, size_t max,
		      struct spool_batch *batch, unsigned wait_ms,
		      struct err *err);

/* Forgets these rows: the server has answered for them. Nothing of
 * them stays in the file, nor in its journal once the spool is empty. On ERR_FULL and other
 * failures some may be forgotten already. A
 * row's name is never used again, so a row that is gone already, or was read
 * from a file that has been replaced since, does no harm. */
bool spool_remove(struct spool *spool, const int64_t *rows, size_t count,
		  unsigned wait_ms, struct err *err);

/* Tries to become the one handle that replays this file, without waiting. Held
 * until spool_release(), close, or the end of the process (and of children that
 * it forked meanwhile and that did not exec). */
bool spool_claim(struct spool *spool);
void spool_release(struct spool *spool);

/* What the spool holds of one call, for a match while the database is away. */
struct spool_found {
	bool found;
	bool saved;       /* some spooled event carries a note */
	struct text note; /* of the newest such save; s == NULL: none */
	/* the agent's newest pick, else the newest that the widget found */
	struct text contact_id, contact_name, contact_type;
	void *arena; /* owned: the text above; free() */
};
/* Session id "0" finds the agent's newest spooled "0" call that is not ended.
 */
bool spool_find(struct spool *spool, struct text account, struct text agent,
		struct text session_id, struct spool_found *found,
		unsigned wait_ms, struct err *err);

struct spool_usage {
	uint64_t rows, bytes; /* bytes of the file */
	int64_t oldest_us; /* emitted_us of the oldest event; EVENT_NO_TIME */
};
/* Cheap enough for every few seconds. */
bool spool_usage(struct spool *spool, struct spool_usage *usage,
		 unsigned wait_ms, struct err *err);

#endif
