/* message_backfill - calls that the widget did not log, many in one message:
 * each becomes a request to log of its own, so that there is one way from a
 * call to an event. */
#include "envelope.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

static void add_member(struct buf *out, const struct json *call,
		       const char *name)
{
	const struct json *value = json_member(call, name);

	if (!value)
		return;
	buf_add_string(out, ",\"");
	buf_add_string(out, name);
	buf_add_string(out, "\":");
	json_write(value, NULL, out);
}

/* The message that the widget would have sent. */
static bool write_message(struct buf *out, struct text request_id,
			  const struct json *call)
{
	static const char *const outside[] = {"aiNote", "transcript", NULL};

	buf_add_string(out, "{\"type\":\"rc-post-message-request\","
			    "\"requestId\":");
	buf_add_json(out, request_id.s, request_id.len);
	buf_add_string(out, ",\"body\":{\"triggerType\":\"backfill\","
			    "\"call\":");
	json_write(call, outside, out);
	for (size_t i = 0; outside[i]; i++)
		add_member(out, call, outside[i]);
	return buf_add_string(out, "}}");
}

/* False only for want of memory. */
static bool decode_call(struct message_backfill *backfill,
			const struct json *call,
			const struct message_origin *origin, struct err *err)
{
	struct message_backfill_call *one = &backfill->calls[backfill->count];
	char digits[ENVELOPE_DIGITS];
	struct text id = envelope_id(json_member(call, "sessionId"), digits);
	struct buf message;

	if (id.len > MESSAGE_ID_MAX)
		id.len = 0;
	buf_init(&message, MESSAGE_ANSWER_MAX);
	one->session_id = malloc(id.len + 1);
	if (!one->session_id ||
	    !write_message(&message, backfill->request_id, call)) {
		free(one->session_id);
		buf_free(&message);
		return err_set(err, ERR_NO_MEMORY, "no memory for the calls");
	}
	memcpy(one->session_id, id.s ? id.s : "", id.len);
	one->session_id[id.len] = '\0';
	backfill->count++;
	bool good = message_decode_log(message.bytes, message.len, origin,
				       &one->log, &one->err);
	buf_free(&message);
	if (good || one->err.kind == ERR_INPUT)
		return true;
	*err = one->err;
	return false;
}

static bool decode_calls(struct message_backfill *backfill,
			 const struct envelope *envelope,
			 const struct message_origin *origin, struct err *err)
{
	const struct json *calls = json_member(envelope->body, "calls");
	size_t count = 0;

	if (!json_is_array(calls))
		return err_set(err, ERR_INPUT, "body.calls is not an array");
	for (const struct json *call = json_first(calls); call;
	     call = json_next(call))
		count++;
	if (count > MESSAGE_BACKFILL_MAX)
		return err_set(err, ERR_INPUT,
			       "body.calls has %zu calls, allowed are %d",
			       count, MESSAGE_BACKFILL_MAX);
	backfill->calls = calloc(count + 1, sizeof(*backfill->calls));
	backfill->arena = malloc(envelope->request_id.len + 1);
	if (!backfill->calls || !backfill->arena)
		return err_set(err, ERR_NO_MEMORY, "no memory for the calls");
	char *at = backfill->arena;
	backfill->request_id = envelope_copy(envelope->request_id, &at);
	for (const struct json *call = json_first(calls); call;
	     call = json_next(call))
		if (!decode_call(backfill, call, origin, err))
			return false;
	return true;
}

bool message_decode_backfill(const char *body, size_t len,
			     const struct message_origin *origin,
			     struct message_backfill *backfill, struct err *err)
{
	struct envelope envelope;

	*backfill = (struct message_backfill){0};
	if (!envelope_open(body, len, origin, NULL, &envelope, err))
		return false;
	bool done = decode_calls(backfill, &envelope, origin, err);
	envelope_close(&envelope);
	if (!done)
		message_backfill_free(backfill);
	return done;
}

void message_backfill_free(struct message_backfill *backfill)
{
	for (size_t i = 0; i < backfill->count; i++) {
		message_log_free(&backfill->calls[i].log);
		free(backfill->calls[i].session_id);
	}
	free(backfill->calls);
	free(backfill->arena);
	*backfill = (struct message_backfill){0};
}

static void add_refused(struct buf *out,
			const struct message_backfill_call *call)
{
	buf_add_string(out, "{\"sessionId\":");
	buf_add_json(out, call->session_id, strlen(call->session_id));
	buf_add_string(out, ",\"reason\":");
	buf_add_json(out, call->err.text, strlen(call->err.text));
	buf_add_string(out, "}");
}

char *message_answer_backfill(const struct message_backfill *backfill,
			      size_t *len)
{
	struct buf data;
	const char *comma = "";

	buf_init(&data, MESSAGE_ANSWER_MAX);
	buf_add_string(&data, "{\"logged\":[");
	for (size_t i = 0; i < backfill->count; i++) {
		const struct message_backfill_call *call = &backfill->calls[i];

		if (call->err.kind != ERR_NONE)
			continue;
		buf_add_string(&data, comma);
		buf_add_json(&data, call->session_id, strlen(call->session_id));
		comma = ",";
	}
	buf_add_string(&data, "],\"refused\":[");
	comma = "";
	for (size_t i = 0; i < backfill->count; i++) {
		if (backfill->calls[i].err.kind == ERR_NONE)
			continue;
		buf_add_string(&data, comma);
		add_refused(&data, &backfill->calls[i]);
		comma = ",";
	}
	buf_add_string(&data, "]}");
	char *answer =
	    data.failed
		? NULL
		: message_answer_data(backfill->request_id,
				      (struct text){data.bytes, data.len}, len);
	buf_free(&data);
	return answer;
}
