/* transfers - libcurl's multi interface on one epoll descriptor, beside others that
 * are only to wake. It knows what is to be read and when, and not what for. Belongs to
 * one thread. */
#ifndef CALL_LOG_TRANSFERS_H
#define CALL_LOG_TRANSFERS_H

#include "err.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

struct transfers {
	CURLM *multi; /* owned */
	bool global;  /* curl_global_init() was called */
	int epoll;
	uint64_t timer_ns; /* when libcurl wants to be called */
};

/* False: libcurl does not start; transfers_close() all the same. */
bool transfers_open(struct transfers *transfers, struct err *err);
void transfers_close(struct transfers *transfers);

/* Readable descriptors of others wake, too. */
bool transfers_watch(struct transfers *transfers, int fd);
void transfers_unwatch(struct transfers *transfers, int fd);

bool transfers_add(struct transfers *transfers, CURL *easy);
void transfers_remove(struct transfers *transfers, CURL *easy);

/* Does what can be done now. */
void transfers_step(struct transfers *transfers);
/* One that is over, with how, and its CURLOPT_PRIVATE; NULL: none. */
void *transfers_take(struct transfers *transfers, CURLcode *code);

#endif
