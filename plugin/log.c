/* log - see log.h. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_MAX_BYTES = 1000 };

void log_line(const struct crm_host *host, enum crm_level level,
	      const char *format, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	va_start(args, format);
	int len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len < 0)
		return;
	for (char *at = line; *at; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			*at = ' ';
	host->log(host, level, line);
}
