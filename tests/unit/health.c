/* health - what the log is told of an outage: once when it starts, once a minute
 * while it lasts, once when all that was spooled is in the database. The clock
 * is ours. */
#include "../../plugin/health.h"
#include "../tap.h"

#include <stdlib.h>

uint64_t __wrap_clock_ns(void);

static uint64_t now_s = 1000;
static char lines[64][300];
static size_t line_count;

uint64_t __wrap_clock_ns(void)
{
	return now_s * 1000000000;
}

static void take_line(const struct crm_host *host, enum crm_level level,
		      const char *line)
{
	(void)host;
	(void)level;
	if (line_count < 64)
		snprintf(lines[line_count++], sizeof(lines[0]), "%s", line);
}

static const char *last_line(void)
{
	return line_count > 0 ? lines[line_count - 1] : "";
}

static const struct crm_host host = {.log = take_line};
static const struct err away = {.kind = ERR_AWAY, .text = "no route"};

static void hold(struct health *health, uint64_t rows, const char *error)
{
	health_spool(health, &(struct health_spool){.rows = rows,
						    .bytes = rows * 1000,
						    .oldest_us = 1000000,
						    .error = error});
}

static void an_outage(void)
{
	struct health *health = health_new(&host);

	line_count = 0;
	health_ok(health, HEALTH_WRITER);
	hold(health, 0, NULL);
	ok(line_count == 0, "a healthy start is no news");
	health_away(health, HEALTH_WRITER, &away);
	is(last_line(), "the database is away: no route",
	   "the start of an outage is told");
	for (int s = 0; s < 3600; s++) {
		now_s++;
		health_away(health, HEALTH_WRITER, &away);
		hold(health, (uint64_t)s, NULL);
	}
	ok(line_count == 61, "and one line a minute of an hour");
	figure("log lines of an outage of an hour", "%zu", line_count);
	is(last_line(),
	   "the database is away for 3600 s now, 3598 events wait in the "
	   "spool: no route",
	   "with how long it lasts and how many wait");
	health_ok(health, HEALTH_WRITER);
	ok(line_count == 61,
	   "the database is back, but the spool is not empty");
	now_s += 5;
	health_add(health, HEALTH_REPLAYED, 3599);
	hold(health, 0, NULL);
	is(last_line(),
	   "the database is back after 3605 s, 3599 spooled events replayed",
	   "when it is the end is told");
	ok(line_count == 62, "in one line");
	health_away(health, HEALTH_WRITER, &away);
	health_ok(health, HEALTH_WRITER);
	is(last_line(), "the database is back after 0 s",
	   "nothing replayed is not mentioned");
	health_free(health);
}

static void a_long_replay(void)
{
	struct health *health = health_new(&host);

	line_count = 0;
	health_away(health, HEALTH_WRITER, &away);
	health_ok(health, HEALTH_WRITER);
	line_count = 0;
	hold(health, 5, NULL);
	for (int s = 0; s < 120; s++) {
		now_s++;
		hold(health, 5, NULL);
	}
	is(last_line(), "5 spooled events wait to be replayed",
	   "a replay that takes long is told");
	ok(line_count == 2, "once a minute");
	health_free(health);
}

static void a_bad_spool(void)
{
	struct health *health = health_new(&host);
	char text[4096];

	line_count = 0;
	for (int s = 0; s < 120; s++) {
		hold(health, 1, "disk full");
		now_s++;
	}
	is(last_line(), "the spool cannot be used: disk full",
	   "a spool that fails is told");
	ok(line_count == 2, "once a minute");
	health_print(health, 7, text, sizeof(text));
	ok(strstr(text, "\"spool\":{\"rows\":1,\"bytes\":1000,\"oldest\":"
			"\"1970-01-01T00:00:01Z\",\"oldest_age_s\":") &&
	       strstr(text, "\"last_error\":\"disk full\"") &&
	       strstr(text, "\"queued\":7"),
	   "and printed");
	health_free(health);
}

static void last_error(void)
{
	struct health *health = health_new(&host);
	char text[4096];

	health_print(health, 0, text, sizeof(text));
	ok(strstr(text, "\"last_error\":\"\",\"last_error_at\":null") != NULL,
	   "where there was no error it has no time");
	health_away(health, HEALTH_WRITER, &away);
	health_ok(health, HEALTH_WRITER);
	health_print(health, 0, text, sizeof(text));
	ok(strstr(text, "\"state\":\"ok\"") != NULL &&
	       strstr(text, "\"last_error\":\"no route\","
			    "\"last_error_at\":\"20") != NULL,
	   "after a recovery the error says when it was");
	health_free(health);
}

static void rejected(void)
{
	static const struct err why = {.kind = ERR_ROW, .text = "rule x"};
	struct health *health = health_new(&host);

	line_count = 0;
	for (int s = 0; s < 61; s++) {
		health_rejected(health, 2, &why);
		health_tell_rejected(health, false);
		now_s++;
	}
	ok(line_count == 2,
	   "of what is rejected the log is told once a minute");
	is(lines[0],
	   "the database refuses 2 calls, kept in call_log.rejected, the "
	   "first: rule x",
	   "at once");
	is(lines[1],
	   "the database refuses 120 calls, kept in call_log.rejected, the "
	   "first: rule x",
	   "and then with all that came since");
	health_rejected(health, 1, &why);
	health_tell_rejected(health, true);
	ok(line_count == 3, "at the end the rest");
	health_free(health);
}

int main(void)
{
	an_outage();
	a_long_replay();
	a_bad_spool();
	last_error();
	rejected();
	return tap_done();
}
