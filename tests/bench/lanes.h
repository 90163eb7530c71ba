/* lanes - threads that submit messages to a plugin, as many as may be under way
 * at a time or as many as are due by then, and what became of each. It knows
 * neither what the messages say nor how the plugin came here. */
#ifndef BENCH_LANES_H
#define BENCH_LANES_H

#include "crm_plugin.h"

#include <stddef.h>
#include <stdint.h>

struct lanes_settings {
	struct crm_plugin *plugin; /* borrowed until lanes_free() */
	/* Makes message number so, borrowed until that lane's next. */
	void (*make)(void *context, size_t lane, size_t number,
		     struct crm_request *request);
	void *context;
	size_t count;  /* messages */
	size_t lanes;  /* threads */
	size_t window; /* so many under way at a time; 0: any */
	double rate;   /* so many a second; 0: as fast as can be */
};

struct lanes;

struct lanes *lanes_new(const struct lanes_settings *settings);
void lanes_free(struct lanes *lanes);

/* Submits all of them. */
void lanes_run(struct lanes *lanes);
/* Waits until each has its answer; ends the program if that takes minutes. */
void lanes_settle(struct lanes *lanes);
/* [any] One has its answer. The id is the request's. */
void lanes_answered(struct lanes *lanes, uint64_t id, enum crm_status status);

/* Prints what became of them: " messages=N ok=N refused=N failed=N seconds=F",
 * from the first submit() to the last answer; caller_us=F and own_us=F, the time
 * of the processor a message, of these threads and of all others; how long it
 * took to the answer, from submit() or from when it was due, and submit() itself
 * (submit_...), as samples.h prints it. Once. */
void lanes_print(struct lanes *lanes);

#endif
