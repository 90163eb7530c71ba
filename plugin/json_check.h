/* json_check - is this exactly one JSON text (RFC 8259) that can be kept
 * without loss? It exists because cJSON alone accepts bad UTF-8, raw control
 * bytes, NUL and bad hex in \u escapes, and what follows the text. It builds
 * nothing, but can tell what of the text is worth building. */
#ifndef CALL_LOG_JSON_CHECK_H
#define CALL_LOG_JSON_CHECK_H

#include "err.h"

#include <stddef.h>

/* Names of members, by their length: of_len[4] = {"body", "call"}. */
enum { JSON_NAME_MAX = 18, JSON_NAMES_ALIKE = 8 };
struct json_names {
	const char *of_len[JSON_NAME_MAX + 1][JSON_NAMES_ALIKE]; /* to NULL */
};

/* The text without those members of objects that have another name, at any
 * depth. Names are compared as they are written: one with an escape in it is
 * another one. */
struct json_pick {
	const struct json_names *names;
	char *kept;     /* with room for the text that is checked */
	size_t len;     /* of what is kept */
	size_t members; /* of the objects of the whole text */
};

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
/* The same, and does what `pick` says. */
bool json_check_pick(const char *bytes, size_t len, unsigned depth_max,
		     struct json_pick *pick, struct err *err);

#endif
