/* rollup - the SQL by which figures of reports are counted beforehand, a little
 * at a time. It belongs to the one thread that owns the connection, waits for
 * nothing, and knows nothing of what is counted. */
#ifndef CALL_LOG_ROLLUP_H
#define CALL_LOG_ROLLUP_H

#include "db.h"

#include <stdbool.h>

/* Adds to the group that figures are counted, for about a tenth of a second. */
bool rollup_queue(struct db *db, struct err *err);

/* Its result: in how many milliseconds there is more to count. */
unsigned rollup_wait_ms(const struct db *db, size_t statement);

#endif
