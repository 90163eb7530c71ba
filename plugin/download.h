/* download - fetches what lies at addresses, many at once, without waiting: by
 * https from listed servers alone, also after a redirect, never from an address
 * that is not public, within limits of size and time. It knows nothing of
 * recordings. The only user of libcurl.
 *
 * Its owner, one thread, waits for downloads_fd() or downloads_due_ns(), then calls
 * downloads_step() and takes what is over. Names are looked up by the resolver and
 * what it found is checked and given to libcurl, which looks nothing up itself; so
 * a name cannot mean something else a moment later. */
#ifndef CALL_LOG_DOWNLOAD_H
#define CALL_LOG_DOWNLOAD_H

#include "err.h"
#include "http_part.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct download_settings {
	const char *hosts; /* one a line; borrowed, as the next */
	const char *ca;    /* these three as in download_guard.h */
	const char *proxy;
	bool loopback;
	uint64_t max_bytes;
	unsigned stall_ms; /* nothing may stand still for longer */
	unsigned total_ms; /* for one download, redirects included */
	int wake_fd;       /* downloads_fd() is readable when this is */
};

/* Where the bytes go. False, with err: no more of them; the download then ends
 * with DOWNLOAD_STOPPED and that err. */
struct download_sink {
	bool (*take)(void *context, const void *bytes, size_t len,
		     struct err *err);
	/* What was there before is not gone on with: it comes from the start.
	 * What `part` says is for who will go on with it. */
	bool (*begin)(void *context, const struct http_part *part,
		      struct err *err);
	void *context;
};

enum download_result {
	DOWNLOAD_WHOLE,
	DOWNLOAD_STOPPED, /* by its sink */
	DOWNLOAD_CUT,     /* the network, or the server's trouble: again */
	DOWNLOAD_DENIED,  /* the token is not, or no longer, good */
	DOWNLOAD_GONE,    /* there is no such thing any more */
	DOWNLOAD_REFUSED, /* it is nothing to fetch from, or too large */
	DOWNLOAD_WRONG    /* what comes cannot be what was meant */
};

struct downloads;
struct download;

struct downloads *downloads_new(const struct download_settings *settings,
				struct err *err);
/* Gives up what is under way. NULL is allowed. */
void downloads_free(struct downloads *downloads);
/* Whether libcurl keeps addresses where no core dump shows them. */
bool downloads_are_secret(const struct downloads *downloads);

int downloads_fd(const struct downloads *downloads);
uint64_t downloads_due_ns(const struct downloads *downloads);

/* The address is borrowed until it is over; it appears in no error. `part`: what was
 * fetched before. What is wrong with the address shows when it is
 * over. NULL: no memory. */
struct download *download_begin(struct downloads *downloads,
				const char *address,
				const struct http_part *part,
				const struct download_sink *sink,
				struct err *err);
void downloads_step(struct downloads *downloads);

/* The context of one that is over, which is forgotten; NULL: none is. err says
 * why, unless it is whole. */
void *downloads_take(struct downloads *downloads, enum download_result *result,
		     struct err *err);
/* Gives it up. */
void download_free(struct download *download);

#endif
