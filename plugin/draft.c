/* draft - see draft.h. Here every member of body.call is read. It comes in two
 * shapes: *presence*, while a call lives and until its record is known, and
 * *record*, from the call log. */
#include "draft.h"
#include "iso_time.h"

#include <stdlib.h>
#include <string.h>

enum { DURATION_MAX_S = 7 * 24 * 3600 };
#define STARTED_MIN_US 946684800e6  /* 2000-01-01 */
#define STARTED_END_US 4102444800e6 /* 2100-01-01 */

static const struct text absent = {NULL, 0};

bool draft_text_is(struct text text, const char *string)
{
	return text.s && strcmp(text.s, string) == 0;
}

struct text draft_text(const struct json *object, const char *name)
{
	return envelope_text(json_member(object, name));
}

struct text draft_either(const struct json *first, const char *name,
			 const struct json *second, const char *other)
{
	struct text text = draft_text(first, name);

	return text.s ? text : draft_text(second, other);
}

struct text draft_id(struct draft *draft, const struct json *object,
		     const char *name)
{
	char *digits = draft->digits[draft->digits_used];
	struct text id = envelope_id(json_member(object, name), digits);

	if (id.len > MESSAGE_ID_MAX) {
		draft->event.cut++;
		return absent;
	}
	if (id.s == digits)
		draft->digits_used++;
	return id;
}

static bool refuse_session_id(struct err *err, const char *why)
{
	return err_set(err, ERR_INPUT, "body.call.sessionId %s", why);
}

/* All conferences of an agent have session id "0"; what tells them apart is the
 * telephony session id, or else presence's own id of the call. */
static bool read_zero_id(struct draft *draft, struct err *err)
{
	struct text id = draft->event.telephony_session_id;

	if (!id.s) {
		id = draft_id(draft, draft->call, "id");
		if (!id.s || id.len + 2 > MESSAGE_ID_MAX)
			return refuse_session_id(
			    err, "is 0, and neither telephonySessionId nor "
				 "id can stand for it");
		memcpy(draft->zero_id, "0/", 2);
		memcpy(draft->zero_id + 2, id.s, id.len + 1);
		id = (struct text){draft->zero_id, id.len + 2};
	}
	draft->event.session_id = id;
	return true;
}

static bool read_identity(struct draft *draft, struct err *err)
{
	const struct json *value = json_member(draft->call, "sessionId");
	struct text id = envelope_id(value, draft->session_digits);
	double number;

	draft->event.telephony_session_id =
	    draft_id(draft, draft->call, "telephonySessionId");
	if (!value)
		return refuse_session_id(err, "is missing");
	if (!id.s && json_string(value))
		return refuse_session_id(err, "is empty");
	if (!id.s && json_number(value, &number))
		return refuse_session_id(
		    err, "is not a whole number from 0 to 2^53 - 1");
	if (!id.s)
		return refuse_session_id(err,
					 "is neither a string nor a number");
	if (id.len > MESSAGE_ID_MAX)
		return refuse_session_id(err, "is too long");
	if (draft_text_is(id, "0"))
		return read_zero_id(draft, err);
	draft->event.session_id = id;
	return true;
}

static bool is_connected(struct text status)
{
	return draft_text_is(status, "CallConnected") ||
	       draft_text_is(status, "OnHold") ||
	       draft_text_is(status, "ParkedCall");
}

static bool status_state(struct text status, enum call_state *state)
{
	static const struct {
		const char *status;
		enum call_state state;
	} known[] = {
	    {"Ringing", CALL_RINGING}, {"CallConnected", CALL_CONNECTED},
	    {"OnHold", CALL_HELD},     {"ParkedCall", CALL_PARKED},
	    {"NoCall", CALL_ENDED},    {"Disconnected", CALL_ENDED},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!draft_text_is(status, known[i].status))
			continue;
		*state = known[i].state;
		return true;
	}
	return false;
}

/* At the end of a call telephonyStatus keeps its last live value: only result
 * tells the end. terminationType is no evidence, it stays when a call comes
 * back. What nobody knows counts as ringing, which overwrites nothing. */
static void read_state(struct draft *draft)
{
	struct event *event = &draft->event;
	struct text status = draft_text(draft->call, "telephonyStatus");

	event->result = draft_text(draft->call, "result");
	event->connected = is_connected(status) || is_connected(event->result);
	if (draft_text(draft->call, "action").s ||
	    draft_text(draft->call, "internalType").s)
		event->state = CALL_FINAL;
	else if (draft_text_is(event->result, "Disconnected"))
		event->state = CALL_ENDED;
	else if (!status_state(status, &event->state) &&
		 !status_state(event->result, &event->state))
		event->state = CALL_RINGING;
}

/* The most telling name that both sides have decides: two extensions may share
 * the company's number. */
static bool is_to_self(struct draft *draft, const struct json *from,
		       const struct json *to)
{
	static const char *const names[] = {"extensionId", "extensionNumber"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char digits[2][ENVELOPE_DIGITS];
		struct text a =
		    envelope_id(json_member(from, names[i]), digits[0]);
		struct text b =
		    envelope_id(json_member(to, names[i]), digits[1]);
		if (a.s && b.s)
			return text_equal(a, b);
	}
	return text_equal(draft->event.from_number, draft->event.to_number);
}

static void read_parties(struct draft *draft)
{
	const struct json *call = draft->call;
	const struct json *from = json_member(call, "from");
	const struct json *to = json_member(call, "to");
	struct event *event = &draft->event;

	event->from_number =
	    draft_either(from, "phoneNumber", from, "extensionNumber");
	event->to_number =
	    draft_either(to, "phoneNumber", to, "extensionNumber");
	event->from_name = draft_either(call, "fromName", from, "name");
	event->to_name = draft_either(call, "toName", to, "name");
	event->to_self = is_to_self(draft, from, to);
}

/* Milliseconds of Unix time, as a number or in digits, or ISO 8601. */
static bool read_time(const struct json *value, double *us)
{
	const char *text = json_string(value);
	int64_t whole_us;

	if (!text) {
		if (!json_number(value, us))
			return false;
		*us *= 1000;
		return true;
	}
	if (text[strspn(text, "0123456789")] == '\0') {
		*us = (double)strtoull(text, NULL, 10) * 1000;
		return true;
	}
	if (!iso_time_read(text, &whole_us))
		return false;
	*us = (double)whole_us;
	return true;
}

/* Never compared with a clock: the agent's may be wrong. */
static int64_t read_started(const struct json *value)
{
	double us;

	if (!read_time(value, &us) || !(us >= STARTED_MIN_US) ||
	    !(us < STARTED_END_US))
		return EVENT_NO_TIME;
	return (int64_t)us;
}

static int32_t read_duration(const struct json *value)
{
	double seconds;

	if (!json_number(value, &seconds) || seconds > DURATION_MAX_S)
		return EVENT_NO_NUMBER;
	return seconds > 0 ? (int32_t)(seconds + 0.5) : 0;
}

static int8_t read_queue_call(const struct json *call)
{
	if (draft_text_is(draft_text(call, "delegationType"),
			  "QueueForwarding"))
		return 1;
	return (int8_t)json_boolean(json_member(call, "queueCall"));
}

/* The session id of the leg that was merged into this call. */
static struct text read_other_leg(struct draft *draft)
{
	static const char *const legs[] = {"inboundLeg", "outboundLeg"};

	for (size_t i = 0; i < sizeof(legs) / sizeof(legs[0]); i++) {
		const struct json *leg = json_member(draft->call, legs[i]);
		struct text id = draft_id(draft, leg, "sessionId");

		if (id.s && !draft_text_is(id, "0") &&
		    !text_equal(id, draft->event.session_id))
			return id;
	}
	return absent;
}

static void read_recording(struct draft *draft)
{
	const struct json *recording = json_member(draft->call, "recording");
	struct event *event = &draft->event;

	event->recording_id = draft_id(draft, recording, "id");
	event->recording_type = draft_text(recording, "type");
	event->recording_link = draft_text(recording, "link");
	event->recording_uri =
	    draft_either(recording, "contentUri", recording, "uri");
}

static void read_facts(struct draft *draft)
{
	const struct json *call = draft->call;
	struct event *event = &draft->event;

	event->party_id = draft_id(draft, call, "partyId");
	event->direction = draft_text(call, "direction");
	if (!draft_text_is(event->direction, "Inbound") &&
	    !draft_text_is(event->direction, "Outbound"))
		event->direction = absent;
	event->other_leg = read_other_leg(draft);
	event->started_us = read_started(json_member(call, "startTime"));
	event->duration_s = read_duration(json_member(call, "duration"));
	event->queue_call = read_queue_call(call);
	event->ai_note = draft_text(draft->body, "aiNote");
	event->transcript = draft_text(draft->body, "transcript");
	read_parties(draft);
	read_recording(draft);
}

bool draft_read_call(struct draft *draft, struct err *err)
{
	draft->call = json_member(draft->body, "call");
	if (!json_is_object(draft->call))
		return err_set(err, ERR_INPUT, "body.call %s",
			       draft->call ? "is not an object" : "is missing");
	if (!read_identity(draft, err))
		return false;
	read_state(draft);
	read_facts(draft);
	return true;
}
