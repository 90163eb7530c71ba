/* download_guard - what keeps a transfer to what it may do: https alone, from who can
 * prove to be it, at an address that was looked up and found public, by the proxy that
 * is configured or by none. It knows one transfer, and not what comes of it. */
#ifndef CALL_LOG_DOWNLOAD_GUARD_H
#define CALL_LOG_DOWNLOAD_GUARD_H

#include "download_address.h"
#include "resolver.h"

#include <curl/curl.h>
#include <stdbool.h>

struct download_rules {
	const char *ca; /* a file; "": those the system trusts */
	bool loopback;  /* this machine's addresses count as public */
	/* "http://[user:password@]host[:port]"; "": none, whatever the environment
	 * says. It looks names up and connects, so that which of their addresses
	 * are public is its own matter. */
	const char *proxy;
};

struct download_guard {
	const struct download_rules *rules; /* borrowed */
	const struct download_place *proxy; /* borrowed; NULL: none */
	struct curl_slist *pinned;          /* owned */
	bool shunned; /* libcurl was to connect to what is not public */
};

/* What is to be looked up on the way to a place: itself, or the proxy. */
const struct download_place *
download_guard_via(const struct download_guard *guard,
		   const struct download_place *place);

enum download_pin { DOWNLOAD_PINNED, DOWNLOAD_PRIVATE, DOWNLOAD_NO_MEMORY };
/* That place is at what was found, and nowhere else. */
enum download_pin download_guard_pin(struct download_guard *guard,
				     const struct download_place *via,
				     const struct resolver *found);
/* Not one of the limits is missed: false. */
bool download_guard_set(struct download_guard *guard, CURL *easy);

/* When the transfer has ended. Harmless twice. */
void download_guard_end(struct download_guard *guard);

#endif
