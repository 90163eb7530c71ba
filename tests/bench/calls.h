/* calls - which message about which call comes when: many calls at a time, each
 * further on than the next, four messages a call. Every second call is new; the
 * others rang before. It knows no plugin. */
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include "crm_plugin.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CALLS_EVENTS = 4, CALLS_AT_A_TIME = 2000, CALLS_LANES = 16 };

struct calls;

enum calls_part {
	CALLS_ALL,   /* four messages a call */
	CALLS_BEFORE /* what is there before: every second call rings */
};

struct calls_settings {
	const char *messages; /* the file */
	enum calls_part part;
	bool alone;            /* see messages.h */
	uint32_t first, count; /* calls */
	uint32_t agents;
	int64_t start_ms; /* when they began, about; Unix time */
	/* Of several processes, each takes every `processes`th message. */
	uint32_t process, processes;
	size_t lanes; /* threads that will take messages */
};

struct calls *calls_new(const struct calls_settings *settings);
void calls_free(struct calls *calls);

/* How many messages there are. */
size_t calls_length(const struct calls *calls);

/* Message number so, counted from 0; borrowed until that lane's next. */
void calls_make(void *calls, size_t lane, size_t number,
		struct crm_request *request);

#endif
