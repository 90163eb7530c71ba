/* envelope - see envelope.h. */
#include "envelope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

/* The last millisecond of the year 9999. */
#define SENT_AT_MAX INT64_C(253402300799999)

static bool refuse(char *why, size_t why_cap, const char *sentence)
{
	snprintf(why, why_cap, "%s", sentence);
	return false;
}

static bool is_named(struct crm_json name, const char *wanted)
{
	char text[32];
	ptrdiff_t len = crm_json_string(name, text, sizeof text);

	return len >= 0 && (size_t)len < sizeof text &&
	       strcmp(text, wanted) == 0;
}

/* Which members are taken, in this order. */
enum { MESSAGE, SENT_AT, AGENT, ACCOUNT, MEMBERS };
static const char *const members[MEMBERS] = {
    "message", "sent_at", "expected_agent", "expected_account"};

static bool read_members(struct crm_json whole, struct crm_json found[MEMBERS],
			 char *why, size_t why_cap)
{
	struct crm_json_walk walk = crm_json_walk(whole);
	struct crm_json name, value;

	while (crm_json_next(&walk, &name, &value)) {
		size_t i = 0;

		while (i < MEMBERS && !is_named(name, members[i]))
			i++;
		if (i == MEMBERS)
			continue;
		if (found[i].text)
			return refuse(why, why_cap,
				      "A member of the body is given twice.");
		found[i] = value;
	}
	return true;
}

static bool is_text_or_none(struct crm_json value)
{
	enum crm_json_type type = crm_json_type(value);

	return type == CRM_JSON_NONE || type == CRM_JSON_STRING;
}

bool crm_envelope_read(struct crm_envelope *envelope, const char *body,
		       size_t len, char *why, size_t why_cap)
{
	struct crm_json whole, found[MEMBERS] = {{0}};

	*envelope = (struct crm_envelope){0};
	if (!crm_json_value(body ? body : "", len, &whole) ||
	    crm_json_type(whole) != CRM_JSON_OBJECT)
		return refuse(why, why_cap, "The body is not a JSON object.");
	if (!read_members(whole, found, why, why_cap))
		return false;
	if (crm_json_type(found[MESSAGE]) != CRM_JSON_OBJECT)
		return refuse(why, why_cap,
			      "The body's member 'message' must be an object.");
	if (found[SENT_AT].text &&
	    (!crm_json_integer(found[SENT_AT], &envelope->sent_at_ms) ||
	     envelope->sent_at_ms < 0 || envelope->sent_at_ms > SENT_AT_MAX))
		return refuse(why, why_cap,
			      "The body's member 'sent_at' must be whole "
			      "milliseconds of Unix time.");
	if (!is_text_or_none(found[AGENT]) || !is_text_or_none(found[ACCOUNT]))
		return refuse(why, why_cap,
			      "The body's members 'expected_agent' and "
			      "'expected_account' must be strings.");
	envelope->agent = found[AGENT].text;
	envelope->agent_len = found[AGENT].len;
	envelope->account = found[ACCOUNT].text;
	envelope->account_len = found[ACCOUNT].len;
	envelope->message = found[MESSAGE].text;
	envelope->message_len = found[MESSAGE].len;
	return true;
}

static bool is_expected(const char *expected, size_t expected_len,
			const char *name)
{
	char text[CRM_UTF8_NAME_MAX + 1];
	ptrdiff_t len;

	if (!expected)
		return true;
	len = crm_json_string((struct crm_json){expected, expected_len}, text,
			      sizeof text);
	return len >= 0 && (size_t)len < sizeof text && strcmp(text, name) == 0;
}

bool crm_envelope_is_for(const struct crm_envelope *envelope, const char *agent,
			 const char *account)
{
	return is_expected(envelope->agent, envelope->agent_len, agent) &&
	       is_expected(envelope->account, envelope->account_len, account);
}

char *crm_envelope_string(const char *object, size_t len, const char *member)
{
	struct crm_json value = {NULL, 0};
	char *text;

	if (!crm_json_members(object, len, &member, &value, 1) ||
	    crm_json_type(value) != CRM_JSON_STRING)
		return NULL;
	/* escapes only make it longer */
	text = malloc(value.len + 1);
	if (!text || crm_json_string(value, text, value.len + 1) >= 0)
		return text;
	free(text);
	return NULL;
}

const char *crm_envelope_data(const char *answer, size_t len, size_t *data_len)
{
	static const char *const response[] = {"response"};
	static const char *const data[] = {"data"};
	struct crm_json value = {NULL, 0};

	if (!crm_json_members(answer, len, response, &value, 1) ||
	    !value.text ||
	    !crm_json_members(value.text, value.len, data, &value, 1))
		return NULL;
	*data_len = value.len;
	return value.text;
}
