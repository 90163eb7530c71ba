/* envelope - what a page posts around the widget's message:
 * {"sent_at": <Unix ms>, "expected_agent": "...", "expected_account": "...",
 * "message": {...}}. It finds the message's bytes and does not look into them;
 * they go on as they came. */
#ifndef CRM_ENVELOPE_H
#define CRM_ENVELOPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct crm_envelope {
	int64_t sent_at_ms; /* 0: not said */
	/* for whom the page takes the agent to be: JSON strings, borrowed from
	 * the body; NULL: not said */
	const char *agent, *account;
	size_t agent_len, account_len;
	const char *message; /* borrowed from the body: an object */
	size_t message_len;
};

/* False with a sentence in `why` when the body is no such envelope. All but
 * `message` may be absent; other members are ignored; none may be given twice. `body`
 * need not end in a NUL, and may be NULL when it is empty. */
bool crm_envelope_read(struct crm_envelope *envelope, const char *body,
		       size_t len, char *why, size_t why_cap);

/* Whether the message may go on as that agent's: not when the page expected
 * another. */
bool crm_envelope_is_for(const struct crm_envelope *envelope, const char *agent,
			 const char *account);

/* The string member of a JSON object, to free(); NULL: there is none, or no
 * memory. */
char *crm_envelope_string(const char *object, size_t len, const char *member);

/* The bytes of `response.data` in an answer of a plugin, borrowed from it; NULL:
 * there are none. */
const char *crm_envelope_data(const char *answer, size_t len, size_t *data_len);

#endif
