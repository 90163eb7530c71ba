/* spool_copy - carries events from one file to another, as far as they can be
 * read. It does not know why. */
#ifndef CALL_LOG_SPOOL_COPY_H
#define CALL_LOG_SPOOL_COPY_H

#include "sqlite.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool_copy {
	size_t events; /* that `to` had not */
	bool missed;   /* there may be more that could not be read */
};

/* Copies under the same row names, in the caller's transaction. What cannot be
 * read is passed over; false only when `to` fails or memory is out. */
bool spool_copy(struct sqlite *from, struct sqlite *to,
		struct spool_copy *copied, struct err *err);

/* The highest row name that `from` ever gave; INT64_MAX: it cannot be read. */
int64_t spool_copy_last(struct sqlite *from);

#endif
