/* sample - the messages to send: one for each path and type that the plugin
 * takes, shaped like the widget's, or the one that the command line gives. Some
 * are spoiled: a plugin has to live with what a network does. */
#ifndef CRM_CHECK_SAMPLE_H
#define CRM_CHECK_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "setup.h"

enum { SAMPLE_ROUTES = 64, SAMPLE_ROUTE = 256, SAMPLE_BODY = 4096 };

struct sample_route {
	char name[SAMPLE_ROUTE]; /* a path, or a type */
	bool is_type;
};

struct samples {
	const char *body; /* borrowed from the setup; NULL: our own */
	size_t body_len;
	struct sample_route routes[SAMPLE_ROUTES];
	size_t count;
};

/* `service` is what the plugin offers as CRM_EXT_WIDGET_SERVICE, or NULL. False
 * with a sentence in why when that is no such object. */
bool samples_read(struct samples *samples, const struct setup *setup,
		  const char *service, char *why, size_t why_cap);

/* [any] Message `number`: its route (borrowed) and body, whose length is
 * returned. `own` has room for SAMPLE_BODY; *body may point elsewhere. The same
 * number and seed give the same message. */
size_t sample_write(const struct samples *samples, uint64_t seed,
		    uint64_t number, char *own, const char **body,
		    const char **route);

/* A number that depends on both as if by chance. */
uint64_t sample_mix(uint64_t seed, uint64_t number);

#endif
