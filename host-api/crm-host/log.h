/* log - one line an event to stderr: time, level, source, text. It never waits:
 * when nobody reads stderr, lines are dropped and counted. It is not a record
 * of requests, and nothing of a message's body comes here. */
#ifndef CRM_HOST_LOG_H
#define CRM_HOST_LOG_H

#include <crm_host.h>
#include <pthread.h>

struct log {
	pthread_mutex_t lock;
	unsigned long dropped; /* lines since the last one written */
};

#define LOG_INIT                                                               \
	{                                                                      \
		.lock = PTHREAD_MUTEX_INITIALIZER                              \
	}

/* [any] Has the type of crm_host_callbacks.log, with a struct log as context.
 * Control characters and bytes that are not UTF-8 are written as \xNN; a line
 * is cut at 2,000 bytes. CRM_DEBUG is left out. */
void log_write(void *log, enum crm_level level, const char *source,
	       const char *line);

/* [any] The same for the server's own lines. */
void log_say(struct log *log, enum crm_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
