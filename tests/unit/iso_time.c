/* iso_time - times as text. */
#include "../../plugin/iso_time.h"
#include "../tap.h"

#include <time.h>

static void read_well(const char *text, int64_t want)
{
	int64_t us = -1;

	ok(iso_time_read(text, &us) && us == want, "%s is read rightly", text);
}

/* Every day of four centuries, against the C library. */
static void all_days(void)
{
	char text[80];
	bool same = true;

	for (int day = 0; day < 146097; day++) {
		struct tm date = {.tm_year = 100, .tm_mday = 1 + day};
		int64_t us = 0, want = (int64_t)timegm(&date);

		snprintf(text, sizeof(text), "%04d-%02d-%02dT00:00:00Z",
			 date.tm_year + 1900, date.tm_mon + 1, date.tm_mday);
		same = same && iso_time_read(text, &us) && us == want * 1000000;
	}
	ok(same, "every day from 2000 to 2399 is read as the C library has it");
}

int main(void)
{
	static const char *const bad[] = {
	    "",
	    "now",
	    "2027",
	    "2027-01-01",
	    "2027-01-01T09:05:00",
	    "2027-01-01 09:05:00Z",
	    "2027-01-01T09:05Z",
	    "2027-13-01T09:05:00Z",
	    "2027-00-01T09:05:00Z",
	    "2027-02-29T09:05:00Z",
	    "2027-04-31T09:05:00Z",
	    "2027-01-01T24:00:00Z",
	    "2027-01-01T09:60:00Z",
	    "2027-01-01T09:05:61Z",
	    "2027-01-01T09:05:00.Z",
	    "2027-01-01T09:05:00+1",
	    "2027-01-01T09:05:00+24:00",
	    "2027-01-01T09:05:00Z ",
	    "+027-01-01T09:05:00Z",
	    "1798794300123",
	};
	int64_t us;

	read_well("1970-01-01T00:00:00Z", 0);
	read_well("2027-01-01T09:05:00.123Z", INT64_C(1798794300123000));
	read_well("2027-01-01T09:05:00Z", INT64_C(1798794300000000));
	read_well("2027-01-01T09:05:00.1234567Z", INT64_C(1798794300123456));
	read_well("2027-01-01T10:05:00+01:00", INT64_C(1798794300000000));
	read_well("2027-01-01T04:35:00.5-0430", INT64_C(1798794300500000));
	read_well("2028-02-29T23:59:60Z", INT64_C(1835481600000000));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!iso_time_read(bad[i], &us), "'%s' is no time", bad[i]);
	all_days();
	return tap_done();
}
