/* iso_time - reads times as ISO 8601 text. It knows no clock and no time zone
 * but the one written in the text. */
#ifndef CALL_LOG_ISO_TIME_H
#define CALL_LOG_ISO_TIME_H

#include <stdbool.h>
#include <stdint.h>

/* "2027-01-01T09:05:00.123Z", the fraction and its length optional, "+hh:mm"
 * instead of Z allowed, to microseconds of Unix time. False when the text is
 * anything else, or no such day or time exists. */
bool iso_time_read(const char *text, int64_t *us);

#endif
