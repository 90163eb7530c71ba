/* ending - how an event ends: its submitter is told, and who observes, and it is
 * counted. It decides nothing. */
#ifndef CALL_LOG_ENDING_H
#define CALL_LOG_ENDING_H

#include "health.h"
#include "queue.h"
#include "writer.h"

#include <stddef.h>

struct ending {
	struct queue *queue; /* borrowed, as all */
	struct health *health;
	const struct writer_observer *observer; /* not NULL */
	size_t given_up;                        /* unwritten for ERR_STOPPING */
	bool erased; /* of what was committed and is to be told some is */
};

/* [writer thread] The item goes back to its submitter. */
void ending_stored(struct ending *ending, struct writer_item *item);
void ending_spooled(struct ending *ending, struct writer_item *item);
void ending_rejected(struct ending *ending, struct writer_item *item);
void ending_unwritten(struct ending *ending, struct writer_item *item,
		      enum err_kind why);

#endif
