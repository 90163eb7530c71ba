/* parcel - one request as a plugin gets to see it, in memory of its own, so
 * that what a plugin does with that memory can be watched. */
#ifndef CRM_CHECK_PARCEL_H
#define CRM_CHECK_PARCEL_H

#include <stddef.h>
#include <stdint.h>

#include "crm_plugin.h"

enum parcel_kind {
	PARCEL_PLAIN,   /* readable until it is freed */
	PARCEL_REVOKED, /* not readable after parcel_sent() */
	PARCEL_TIGHT    /* nothing is readable behind the body */
};

struct parcel {
	struct parcel *next; /* for whoever keeps it */
	enum parcel_kind kind;
	struct crm_request *request; /* owned */
	void *pages;                 /* owned; NULL when plain */
	size_t size, readable;       /* of pages, in bytes */
};

/* The texts are copied. NULL without memory. */
struct parcel *parcel_new(enum parcel_kind kind, uint64_t id,
			  uint64_t deadline_ns, const char *path,
			  const char *body, size_t body_len);
/* submit() has returned. */
void parcel_sent(struct parcel *parcel);
void parcel_free(struct parcel *parcel);

#endif
