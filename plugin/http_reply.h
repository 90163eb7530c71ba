/* http_reply - what the headers of a server's answer say of the part that comes, and
 * of where it ends. It reads lines, and believes them. */
#ifndef CALL_LOG_HTTP_REPLY_H
#define CALL_LOG_HTTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_reply {
	bool chunked; /* its end is told when it comes */
	bool ranged;  /* the server says which part it is: */
	uint64_t range_start;
	uint64_t range_total; /* of the whole; 0: not told */
};

/* Takes one line, as it came; the first one of an answer forgets all before. */
void http_reply_read(struct http_reply *reply, const char *bytes, size_t len);

#endif
