/* envelope - what every request of the widget has around it: the JSON text, who
 * asks, by which request id, and a body. What is in the body is not looked at.
 */
#ifndef CALL_LOG_ENVELOPE_H
#define CALL_LOG_ENVELOPE_H

#include "call.h"
#include "json.h"
#include "message.h"

struct envelope {
	struct json *root; /* owned; without tokens, but for a secret */
	bool stripped;     /* there was a token */
	struct text account, agent; /* borrowed from the origin */
	struct text request_id;     /* borrowed from root */
	const struct json *body;    /* an object; borrowed from root */
};

/* Fails with ERR_INPUT or ERR_NO_MEMORY and then owns nothing. `names`: what
 * is looked for (json.h); more may be there. NULL: everything is. */
bool envelope_open(const char *bytes, size_t len,
		   const struct message_origin *origin,
		   const struct json_names *names, struct envelope *envelope,
		   struct err *err);
/* The same of a notification: without request id and body. */
bool envelope_open_notice(const char *bytes, size_t len,
			  const struct message_origin *origin,
			  struct envelope *envelope, struct err *err);
/* The same of a request that brings tokens: they stay, and are overwritten by
 * envelope_close_secret(). */
bool envelope_open_secret(const char *bytes, size_t len,
			  const struct message_origin *origin,
			  struct envelope *envelope, struct err *err);
void envelope_close_secret(struct envelope *envelope);
void envelope_close(struct envelope *envelope);

/* A string that is not empty, borrowed; else absent. */
struct text envelope_text(const struct json *value);

/* An id: a string that is not empty, or a whole number that a double holds
 * exactly, written into `digits`; else absent. */
enum { ENVELOPE_DIGITS = 24 };
struct text envelope_id(const struct json *value, char digits[ENVELOPE_DIGITS]);

/* Copies the text and a NUL to *at, moves *at behind it, returns the copy. An
 * absent text stays absent. */
struct text envelope_copy(struct text text, char **at);

#endif
