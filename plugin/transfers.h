/* transfers - libcurl's multi interface on one epoll descriptor, beside others that
 * are only to wake. It knows what is to be read and when, and not what for. Belongs to
 * one thread.
 *
 * What libcurl keeps of an address lies in the thread's own heap of vaults, unless the
 * process had used libcurl before: then its memory is not ours to choose. */
#ifndef CALL_LOG_TRANSFERS_H
#define CALL_LOG_TRANSFERS_H

#include "err.h"
#include "vault_heap.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

struct transfers {
	CURLM *multi;            /* owned */
	bool global;             /* libcurl was begun */
	bool secret;             /* it keeps what it keeps in: */
	struct vault_heap *heap; /* owned */
	int epoll;
	uint64_t timer_ns; /* when libcurl wants to be called */
};

/* False: libcurl does not start; transfers_close() all the same. */
bool transfers_open(struct transfers *transfers, struct err *err);
void transfers_close(struct transfers *transfers);
/* To be called before a thread has libcurl do anything. */
void transfers_enter(struct transfers *transfers);

/* Readable descriptors of others wake, too. */
bool transfers_watch(struct transfers *transfers, int fd);
void transfers_unwatch(struct transfers *transfers, int fd);

/* What TLS leaves of answers in memory is overwritten, too: they may repeat what was
 * asked for. */
bool transfers_add(struct transfers *transfers, CURL *easy);
void transfers_remove(struct transfers *transfers, CURL *easy);

/* Does what can be done now. */
void transfers_step(struct transfers *transfers);
/* One that is over, with how, and its CURLOPT_PRIVATE; NULL: none. */
void *transfers_take(struct transfers *transfers, CURLcode *code);

#endif
