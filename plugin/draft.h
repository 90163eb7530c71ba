/* draft - an event in the making: what one message says, its texts still
 * borrowed from the JSON tree. message.c makes events of drafts. */
#ifndef CALL_LOG_DRAFT_H
#define CALL_LOG_DRAFT_H

#include "call.h"
#include "envelope.h"

enum { DRAFT_IDS_MAX = 10 }; /* ids of a message that may be numbers */

struct draft {
	struct event event;
	const struct json *body, *call; /* borrowed */
	struct buf form;                /* owned: text of event.form */
	struct buf kept; /* owned: text of event.body, if tokens were removed */
	char zero_id[MESSAGE_ID_MAX + 1];
	char session_digits[ENVELOPE_DIGITS];
	char digits[DRAFT_IDS_MAX][ENVELOPE_DIGITS];
	int digits_used;
};

/* Reads body.call: identity, state and facts. False when the call cannot be
 * identified; nothing else is refused. */
bool draft_read_call(struct draft *draft, struct err *err);

/* Reads what the agent and the CRM say of the call: contact, note and form. To
 * be called after draft_read_call(). False when memory is out. */
bool draft_read_save(struct draft *draft, struct text trigger, struct err *err);

/* A member with content, else absent; also for `object` NULL. */
struct text draft_text(const struct json *object, const char *name);
/* The first of two members that has content. */
struct text draft_either(const struct json *first, const char *name,
			 const struct json *second, const char *other);
/* An id (see envelope.h). One that is too long is left out and counted: cut, it
 * would name something else. */
struct text draft_id(struct draft *draft, const struct json *object,
		     const char *name);

bool draft_text_is(struct text text, const char *string);

#endif
