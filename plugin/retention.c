/* retention - see retention.h. */
#include "retention.h"

#include "array.h"
#include "clock.h"
#include "log.h"

#include <stdio.h>

enum {
	FIRST_MS = 60000, /* after the start, which has other things to do */
	PAUSE_MS = 1000,  /* between some and the next */
	IDLE_MS = 3600000,
	LATER_MS = 600000 /* another host is at it, or it failed */
};

void retention_init(struct retention *retention, unsigned days,
		    const struct crm_host *host, struct health *health)
{
	*retention = (struct retention){
	    .days = days,
	    .host = host,
	    .health = health,
	    .due_ns =
		days > 0 ? clock_after(clock_ns(), FIRST_MS) : CLOCK_NEVER,
	};
	health_retention(health, days, NULL);
}

/* Of several hosts one does it. */
bool retention_queue(struct retention *retention, struct db *db,
		     struct err *err)
{
	static const char sql[] =
	    "SELECT CASE WHEN pg_try_advisory_xact_lock(hashtextextended("
	    "'call_log.retention', 0)) THEN call_log.purge(NULL, now() - "
	    "make_interval(days => $1::integer), 500) END";
	static const uint32_t types[] = {ARRAY_TEXT};
	char days[16];
	const char *values[] = {days};
	int lengths[] = {snprintf(days, sizeof(days), "%u", retention->days)};

	/* also should the connection fall of it */
	retention->due_ns = clock_after(clock_ns(), LATER_MS);
	return db_queue(db,
			&(struct db_statement){.sql = sql,
					       .count = 1,
					       .types = types,
					       .values = values,
					       .lengths = lengths},
			err);
}

static void fail(struct retention *retention, const struct err *why)
{
	health_retention(retention->health, retention->days, why->text);
	if (!retention->said)
		log_line(retention->host, CRM_WARN,
			 "calls that began more than %u days ago cannot be "
			 "purged, which is tried again every %d minutes: %s",
			 retention->days, LATER_MS / 60000, why->text);
	retention->said = true;
}

static void finish(struct retention *retention)
{
	if (retention->purged > 0)
		log_line(retention->host, CRM_INFO,
			 "purged %llu rows of calls that began more than %u "
			 "days ago",
			 (unsigned long long)retention->purged,
			 retention->days);
	retention->purged = 0;
}

void retention_answered(struct retention *retention, const struct db *db,
			size_t statement)
{
	unsigned wait_ms = PAUSE_MS;

	if (db_error(db)->kind != ERR_NONE) {
		fail(retention, db_error(db));
		return;
	}
	if (db_is_null(db, statement, 0, 0))
		return;
	uint64_t rows = (uint64_t)db_int4(db, statement, 0, 0);
	health_add(retention->health, HEALTH_PURGED, rows);
	health_retention(retention->health, retention->days, NULL);
	retention->purged += rows;
	retention->said = false;
	if (rows == 0) {
		finish(retention);
		wait_ms = IDLE_MS;
	}
	retention->due_ns = clock_after(clock_ns(), wait_ms);
}
