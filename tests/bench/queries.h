/* queries - what the widget asks for: some calls of an agent, by their session
 * ids. They are of a file, one query a line: the agent, a tab, the ids separated
 * by commas. It knows no database. */
#ifndef BENCH_QUERIES_H
#define BENCH_QUERIES_H

#include "crm_plugin.h"

#include <stddef.h>

struct query {
	char *agent, **ids;
	size_t count;
	char *message; /* the same as the widget posts it */
	size_t message_len;
};

struct queries {
	struct query *queries;
	size_t count;
};

/* Ends the program when the file cannot be read. */
struct queries *queries_open(const char *path);
void queries_free(struct queries *queries);

/* Message number so, of any lane; they begin anew after the last. */
void queries_make(void *queries, size_t lane, size_t number,
		  struct crm_request *request);

#endif
