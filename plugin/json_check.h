/* json_check - is this exactly one JSON text (RFC 8259) that can be kept
 * without loss? It builds nothing; it exists because cJSON alone accepts bad
 * UTF-8, raw control bytes, NUL and bad hex in \u escapes, and what follows the
 * text. */
#ifndef CALL_LOG_JSON_CHECK_H
#define CALL_LOG_JSON_CHECK_H

#include "err.h"

#include <stddef.h>

enum {
	JSON_DEPTH_LIMIT = 64, /* the most that may be asked of depth_max */
	/* cJSON would read a longer number as two; JavaScript writes 25 at most
	 */
	JSON_NUMBER_MAX = 63
};

/* Objects and arrays within each other count as depth; a lone `{}` has 1. The
 * error says at which byte, and never quotes the text. */
bool json_check(const char *bytes, size_t len, unsigned depth_max,
		struct err *err);

#endif
