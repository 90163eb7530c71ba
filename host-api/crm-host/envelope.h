/* envelope - what a page posts around the widget's message:
 * {"sent_at": <Unix ms>, "expected_agent": "...", "expected_account": "...",
 * "message": {...}}. It finds the message's bytes and does not look into them;
 * they go on as they came. */
#ifndef CRM_HOST_ENVELOPE_H
#define CRM_HOST_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "json.h"

struct envelope {
	int64_t sent_at_ms; /* 0: not said */
	/* for whom the page takes the agent to be; text NULL: not said */
	struct crm_json expected_agent, expected_account;
	const char *message; /* borrowed from the body: an object */
	size_t message_len;
};

/* False with a sentence in `why` when the body is no such envelope. All but
 * `message` may be absent; other members are ignored; none may be given twice. `body`
 * need not end in a NUL, and may be NULL when it is empty. */
bool envelope_read(struct envelope *envelope, const char *body, size_t len,
		   char *why, size_t why_cap);

/* Whether the message may go on as that agent's: not when the page expected
 * another. */
bool envelope_is_for(const struct envelope *envelope, const char *agent,
		     const char *account);

#endif
