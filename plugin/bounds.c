/* bounds - see bounds.h. */
#include "bounds.h"

#include "array.h"
#include "clock.h"

#include <stdio.h>

static bool queue(const struct bounds *bounds, struct db *db, const char *sql,
		  struct err *err)
{
	static const uint32_t types[] = {ARRAY_TEXT, ARRAY_TEXT};
	char limit[16], lock[16];
	const char *values[] = {limit, lock};
	int lengths[] = {snprintf(limit, sizeof(limit), "%u", bounds->limit_ms),
			 snprintf(lock, sizeof(lock), "%u", bounds->lock_ms)};

	return db_queue(db,
			&(struct db_statement){.sql = sql,
					       .count = 2,
					       .types = types,
					       .values = values,
					       .lengths = lengths},
			err);
}

/* Those that stay are a little shorter than need be, and are let be as long as
 * they are not much shorter: the time that is left is never quite the same. */
static bool still_good(const struct bounds *bounds, unsigned most_ms)
{
	return bounds->stay && bounds->limit_ms <= most_ms &&
	       bounds->limit_ms >= most_ms - most_ms / 16;
}

bool bounds_queue(struct bounds *bounds, struct db *db, uint64_t deadline_ns,
		  bool *queued, struct err *err)
{
	static const char staying[] =
	    "SELECT set_config('statement_timeout', $1, false), "
	    "set_config('lock_timeout', $2, false)";
	static const char passing[] =
	    "SELECT set_config('statement_timeout', $1, true), "
	    "set_config('lock_timeout', $2, true)";
	uint64_t now = clock_ns();
	uint64_t ms = clock_until_ms(now, deadline_ns);
	unsigned most_ms = (unsigned)(ms * 9 / 10 + 1);
	bool alone = db_is_alone(db);

	*queued = !alone || !still_good(bounds, most_ms);
	if (*queued) {
		bounds->limit_ms = alone ? most_ms - most_ms / 32 : most_ms;
		bounds->lock_ms = bounds->limit_ms - bounds->limit_ms / 18;
		bounds->stay = alone;
	}
	bounds->late_ns =
	    clock_after(now, bounds->limit_ms - bounds->limit_ms / 9);
	return !*queued || queue(bounds, db, alone ? staying : passing, err);
}

void bounds_forget(struct bounds *bounds)
{
	bounds->stay = false;
}
