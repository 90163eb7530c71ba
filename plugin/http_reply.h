/* http_reply - what the headers of a server's answer say of what comes: which part, of
 * which version, and of where it ends. It reads lines, and believes them. */
#ifndef CALL_LOG_HTTP_REPLY_H
#define CALL_LOG_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_VALIDATOR_MAX = 128 };

struct http_reply {
	bool chunked;                    /* its end is told when it comes */
	bool ranged;                     /* the server says which part it is: */
	uint64_t range_start, range_end; /* the last of its bytes */
	uint64_t range_total;            /* of the whole; 0: not told */
	char tag[HTTP_VALIDATOR_MAX];    /* strong, in quotes; "": none */
	char modified[HTTP_VALIDATOR_MAX];
};

/* Takes one line, as it came; the first one of an answer forgets all before. */
void http_reply_read(struct http_reply *reply, const char *bytes, size_t len);

/* What says which version of a thing it is: its tag or else its date; "": nothing. */
const char *http_reply_validator(const struct http_reply *reply);

#endif
