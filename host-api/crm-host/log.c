/* log - see log.h. */
#include "log.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <string.h>

#include "utf8.h"

/* A line longer than PIPE_BUF could be torn apart, or make us wait although
 * poll() said that there is room. */
enum { LINE_MAX_BYTES = 2000 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

static size_t put_time(char *out, size_t cap)
{
	struct timespec now;
	struct tm utc;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	len = strftime(out, cap, "%Y-%m-%dT%H:%M:%S", &utc);
	return len + (size_t)snprintf(out + len, cap - len, ".%03ldZ",
				      now.tv_nsec / 1000000);
}

static size_t put_text(char *out, size_t cap, const char *s)
{
	size_t len = strlen(s), used = 0;

	for (size_t i = 0; i < len && used + 5 < cap;) {
		size_t step = crm_utf8_char_len(s + i, len - i);

		if (step && !crm_utf8_is_control(s + i, step)) {
			memcpy(out + used, s + i, step);
			used += step;
			i += step;
			continue;
		}
		for (size_t end = i + (step ? step : 1);
		     i < end && used + 5 < cap; i++)
			used +=
			    (size_t)snprintf(out + used, cap - used, "\\x%02x",
					     (unsigned char)s[i]);
	}
	return used;
}

static bool write_line(const char *line, size_t len)
{
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

	if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT))
		return false;
	return write(STDERR_FILENO, line, len) == (ssize_t)len;
}

void log_write(void *context, enum crm_level level, const char *source,
	       const char *line)
{
	struct log *log = context;
	char out[LINE_MAX_BYTES + 1];
	size_t used;

	if (level < CRM_INFO || level > CRM_ERROR)
		return;
	used = put_time(out, sizeof out);
	used += (size_t)snprintf(out + used, sizeof out - used,
				 " %s %.64s: ", level_names[level], source);
	used += put_text(out + used, LINE_MAX_BYTES - used, line);
	out[used++] = '\n';

	pthread_mutex_lock(&log->lock);
	if (log->dropped > 0) {
		char note[96];
		size_t len = put_time(note, sizeof note);

		len += (size_t)snprintf(note + len, sizeof note - len,
					" warn host: %lu lines dropped\n",
					log->dropped);
		if (write_line(note, len))
			log->dropped = 0;
	}
	if (log->dropped > 0 || !write_line(out, used))
		log->dropped++;
	pthread_mutex_unlock(&log->lock);
}

void log_say(struct log *log, enum crm_level level, const char *format, ...)
{
	char line[1024];
	va_list ap;

	va_start(ap, format);
	vsnprintf(line, sizeof line, format, ap);
	va_end(ap);
	log_write(log, level, "host", line);
}
