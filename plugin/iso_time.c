/* iso_time - see iso_time.h. */
#include "iso_time.h"

/* Reads exactly `count` digits with a value from min to max. */
static bool read_number(const char **at, int count, int min, int max,
			int *value)
{
	*value = 0;
	for (; count > 0; count--, (*at)++) {
		if (**at < '0' || **at > '9')
			return false;
		*value = *value * 10 + (**at - '0');
	}
	return *value >= min && *value <= max;
}

static bool read_char(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30,
				   31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

/* Days since 1970 of a day of the Gregorian calendar: years are counted from
 * March, so that the leap day comes last. */
static int64_t days_since_1970(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t day_of_year =
	    (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day;

	return 365 * y + y / 4 - y / 100 + y / 400 + day_of_year - 1 - 719468;
}

static bool read_date(const char **at, int64_t *days)
{
	int year, month, day;

	if (!read_number(at, 4, 1, 9999, &year) || !read_char(at, '-') ||
	    !read_number(at, 2, 1, 12, &month) || !read_char(at, '-') ||
	    !read_number(at, 2, 1, days_in_month(year, month), &day))
		return false;
	*days = days_since_1970(year, month, day);
	return true;
}

static bool read_clock(const char **at, int64_t *us)
{
	int hour, minute, second, digit;
	int64_t unit = 1000000;

	if (!read_number(at, 2, 0, 23, &hour) || !read_char(at, ':') ||
	    !read_number(at, 2, 0, 59, &minute) || !read_char(at, ':') ||
	    !read_number(at, 2, 0, 60, &second))
		return false;
	*us = (int64_t)(hour * 3600 + minute * 60 + second) * 1000000;
	if (!read_char(at, '.'))
		return true;
	if (!read_number(at, 1, 0, 9, &digit))
		return false;
	do {
		unit /=
		    10; /* digits beyond the microsecond count for nothing */
		*us += digit * unit;
	} while (read_number(at, 1, 0, 9, &digit));
	return true;
}

static bool read_zone(const char **at, int64_t *us)
{
	int sign = **at == '-' ? -1 : 1, hour, minute;

	*us = 0;
	if (read_char(at, 'Z'))
		return true;
	if (!read_char(at, '+') && !read_char(at, '-'))
		return false;
	if (!read_number(at, 2, 0, 23, &hour))
		return false;
	read_char(at, ':');
	if (!read_number(at, 2, 0, 59, &minute))
		return false;
	*us = (int64_t)sign * (hour * 60 + minute) * 60 * 1000000;
	return true;
}

bool iso_time_read(const char *text, int64_t *us)
{
	int64_t days, clock, zone;

	if (!read_date(&text, &days) || !read_char(&text, 'T') ||
	    !read_clock(&text, &clock) || !read_zone(&text, &zone) ||
	    *text != '\0')
		return false;
	*us = days * INT64_C(86400000000) + clock - zone;
	return true;
}
