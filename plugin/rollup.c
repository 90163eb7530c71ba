/* rollup - see rollup.h. */
#include "rollup.h"

#include "clock.h"
#include "log.h"

enum {
	PAUSE_MS = 400,   /* between two times */
	LATER_MS = 600000 /* after it failed; reports are right without it */
};

void rollup_init(struct rollup *rollup, const struct crm_host *host)
{
	*rollup = (struct rollup){.host = host};
}

bool rollup_queue(struct rollup *rollup, struct db *db, struct err *err)
{
	static const struct db_statement count = {
	    .sql = "SELECT call_log.roll_up(100)"};

	/* also should the connection fall of it */
	rollup->due_ns = clock_after(clock_ns(), LATER_MS);
	return db_queue(db, &count, err);
}

void rollup_answered(struct rollup *rollup, const struct db *db,
		     size_t statement)
{
	int32_t wait_ms = PAUSE_MS;

	if (db_error(db)->kind != ERR_NONE) {
		if (!rollup->said)
			log_line(rollup->host, CRM_WARN,
				 "figures of reports cannot be counted "
				 "beforehand, so reports are slow: %s",
				 db_error(db)->text);
		rollup->said = true;
		return;
	}
	/* in how many milliseconds there is more to count */
	if (db_int4(db, statement, 0, 0) > wait_ms)
		wait_ms = db_int4(db, statement, 0, 0);
	rollup->due_ns = clock_after(clock_ns(), (unsigned)wait_ms);
}
