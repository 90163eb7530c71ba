/* recorder - the SQL that writes events, over a store: record_calls(), and
 * call_log.rejected for what that refuses. It waits for nothing, and decides
 * nothing about a call: the merge rule is SQL's, retries are its owner's. */
#ifndef CALL_LOG_RECORDER_H
#define CALL_LOG_RECORDER_H

#include "columns.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recorder {
	struct store *store; /* borrowed */
	bool empty_note_erases;
	bool keeps_recordings; /* in call_log.recordings, to be fetched */
	struct columns columns;
	bool prepared; /* they hold what recorder_prepare() was given last */
};

void recorder_init(struct recorder *recorder, struct store *store,
		   bool empty_note_erases, bool keeps_recordings);
void recorder_free(struct recorder *recorder); /* also when zeroed */

/* While the store is busy: does what can be done beforehand to write these
 * events next. */
void recorder_prepare(struct recorder *recorder,
		      const struct event *const *events, size_t count);

/* Store IDLE -> BUSY: writes the events, which must be sorted by key with no
 * key twice, in one transaction. The events are borrowed during the call only.
 * `prepared`: they are those that recorder_prepare() was given last. Past the
 * deadline the statement fails. False: failed at once, see err. */
bool recorder_write(struct recorder *recorder,
		    const struct event *const *events, size_t count,
		    bool prepared, uint64_t deadline_ns, struct err *err);
/* Store DONE: how many rows that changed; `erased`: some of the calls are. */
int32_t recorder_written(const struct recorder *recorder, bool *erased);

/* Store IDLE -> BUSY: keeps an event that the database refuses in
 * call_log.rejected, with the reason; there already, it is left as it is. As
 * recorder_write(), but never fails with ERR_ROW. */
bool recorder_reject(struct recorder *recorder, const struct event *event,
		     const struct err *why, uint64_t deadline_ns,
		     struct err *err);

#endif
