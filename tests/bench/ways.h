/* ways - to write calls, other than the plugin's: what it is compared with. Each
 * is as good as it gets: the rows lie ready in memory, nothing is decoded. */
#ifndef BENCH_WAYS_H
#define BENCH_WAYS_H

#include "rows.h"

#include <stdint.h>

/* Binary COPY into call_log.calls, a transaction for so many rows. */
void ways_copy(PGconn *db, const struct rows *rows, size_t per);

/* One prepared upsert an event, a transaction each, none before the last was
 * committed; `rate` a second (0: as fast as can be). took_ns: from when it was
 * sent, or due, one for each of rows->binary. */
void ways_upsert(PGconn *db, const struct rows *rows, double rate,
		 uint64_t *took_ns);

/* One INSERT an event, put together as a string, through PQexec. */
void ways_insert(PGconn *db, const struct rows *rows);

#endif
