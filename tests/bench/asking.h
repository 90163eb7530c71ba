/* asking - the plugin's own match statement by plain libpq: so many queries a
 * statement, one statement at a time. Nothing is decoded and no answer made. */
#ifndef BENCH_ASKING_H
#define BENCH_ASKING_H

#include "queries.h"

#include <libpq-fe.h>
#include <stddef.h>
#include <stdint.h>

/* Asks the first `count` queries, beginning anew after the last. took_ns: for
 * each statement. Returns how many calls were found. */
size_t asking_run(PGconn *db, const struct queries *queries, size_t count,
		  size_t per, uint64_t *took_ns);

#endif
