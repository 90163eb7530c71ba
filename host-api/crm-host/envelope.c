/* envelope - see envelope.h. */
#include "envelope.h"

#include <stdio.h>
#include <string.h>

#include "json.h"

/* The last millisecond of the year 9999. */
#define SENT_AT_MAX INT64_C(253402300799999)

static bool refuse(char *why, size_t why_cap, const char *sentence)
{
	snprintf(why, why_cap, "%s", sentence);
	return false;
}

static bool is_named(struct crm_json name, const char *wanted)
{
	char text[16];
	ptrdiff_t len = crm_json_string(name, text, sizeof text);

	return len >= 0 && (size_t)len < sizeof text &&
	       strcmp(text, wanted) == 0;
}

bool envelope_read(struct envelope *envelope, const char *body, size_t len,
		   char *why, size_t why_cap)
{
	struct crm_json whole, name, value, message = {0}, sent_at = {0};
	struct crm_json_walk walk;

	*envelope = (struct envelope){0};
	if (!crm_json_value(body ? body : "", len, &whole) ||
	    crm_json_type(whole) != CRM_JSON_OBJECT)
		return refuse(why, why_cap, "The body is not a JSON object.");
	walk = crm_json_walk(whole);
	while (crm_json_next(&walk, &name, &value)) {
		struct crm_json *member = is_named(name, "message")   ? &message
					  : is_named(name, "sent_at") ? &sent_at
								      : NULL;

		if (!member)
			continue;
		if (member->text)
			return refuse(why, why_cap,
				      "A member of the body is given twice.");
		*member = value;
	}
	if (crm_json_type(message) != CRM_JSON_OBJECT)
		return refuse(why, why_cap,
			      "The body's member 'message' must be an object.");
	if (sent_at.text &&
	    (!crm_json_integer(sent_at, &envelope->sent_at_ms) ||
	     envelope->sent_at_ms < 0 || envelope->sent_at_ms > SENT_AT_MAX))
		return refuse(why, why_cap,
			      "The body's member 'sent_at' must be whole "
			      "milliseconds of Unix time.");
	envelope->message = message.text;
	envelope->message_len = message.len;
	return true;
}
