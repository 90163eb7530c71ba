/* download_address - whether an address is one to fetch from, and whom it names. It
 * looks nothing up. */
#ifndef CALL_LOG_DOWNLOAD_ADDRESS_H
#define CALL_LOG_DOWNLOAD_ADDRESS_H

#include <stdbool.h>

enum { DOWNLOAD_HOST_MAX = 256 };

/* What an address names; "": nothing that can be said. */
struct download_place {
	char host[DOWNLOAD_HOST_MAX];
	char port[8];
};

/* NULL: it is one to fetch from; else why not, without what is secret in it. `hosts`:
 * those that are allowed, one a line. */
const char *download_address_judge(const char *address, const char *hosts,
				   struct download_place *place);

/* Whom a proxy's address names; false: it is none. */
bool download_address_proxy(const char *address, struct download_place *place);

#endif
