/* rollup - see rollup.h. */
#include "rollup.h"

bool rollup_queue(struct db *db, struct err *err)
{
	static const struct db_statement count = {
	    .sql = "SELECT call_log.roll_up(100)"};

	return db_queue(db, &count, err);
}

unsigned rollup_wait_ms(const struct db *db, size_t statement)
{
	int32_t ms = db_int4(db, statement, 0, 0);

	return ms < 0 ? 0 : (unsigned)ms;
}
