/* http_part - what is known of a thing of which a part is here, and whether an answer
 * goes on with it, or is of what has taken its place since. It asks for nothing and
 * keeps no bytes. */
#ifndef CALL_LOG_HTTP_PART_H
#define CALL_LOG_HTTP_PART_H

#include "http_reply.h"

#include <stdbool.h>
#include <stdint.h>

struct http_part {
	uint64_t have;  /* bytes that are here, from its start */
	uint64_t total; /* 0: not told */
	char validator[HTTP_VALIDATOR_MAX]; /* for If-Range; "": none */
};

enum http_part_answer {
	HTTP_PART_FIRST, /* it comes from its start */
	HTTP_PART_NEXT,  /* what comes begins where the part ends */
	HTTP_PART_OTHER  /* neither: to be asked for from its start */
};

/* Whether the rest may be asked for: what would come could be told from another. */
bool http_part_is_known(const struct http_part *part);

/* Reads the head of an answer, of status 200 or 206, whose body is so long (-1: not
 * told). The part is what it is then; OTHER leaves it as it is. */
enum http_part_answer http_part_read(struct http_part *part, long status,
				     const struct http_reply *reply,
				     int64_t length);

/* Of status 416, that there is no such rest: whether all of it is here. */
bool http_part_is_whole(const struct http_part *part,
			const struct http_reply *reply);

#endif
