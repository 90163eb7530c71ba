/* recording_parts - which recordings have a .part on the disk, a month's folder at a
 * time, oldest first. It deletes nothing, and knows not whose they are. */
#ifndef CALL_LOG_RECORDING_PARTS_H
#define CALL_LOG_RECORDING_PARTS_H

#include "buf.h"

#include <stdbool.h>

enum { RECORDING_MONTH = 8 }; /* "2026-11" */

/* The names in the first month after *month, one a line, which then is *month.
 * False: there is no later one; *month is "" again. */
bool recording_parts_next(const char *folder, char month[RECORDING_MONTH],
			  struct buf *names);

#endif
