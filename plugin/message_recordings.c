/* message_recordings - addresses of recordings that a page hands over: the one
 * message whose tokens are wanted, so every copy made of it here is overwritten
 * when it is done with. */
#include "envelope.h"
#include "message.h"
#include "vault.h"

#include <stdlib.h>

static bool read_one(const struct json *value, struct message_recording *one,
		     char digits[2][ENVELOPE_DIGITS])
{
	one->session_id =
	    envelope_id(json_member(value, "sessionId"), digits[0]);
	one->recording_id =
	    envelope_id(json_member(value, "recordingId"), digits[1]);
	one->address = envelope_text(json_member(value, "contentUri"));
	return one->session_id.s && one->session_id.len <= MESSAGE_ID_MAX &&
	       one->recording_id.s && one->recording_id.len <= MESSAGE_ID_MAX &&
	       one->address.s && one->address.len <= MESSAGE_LINK_MAX;
}

static size_t size_of(const struct message_recording *one)
{
	return one->session_id.len + one->recording_id.len + one->address.len +
	       3;
}

/* All text in one piece of memory, which is filled in a second reading. */
static bool fill(struct message_recordings *recordings,
		 const struct envelope *envelope, const struct json *list,
		 struct err *err)
{
	struct message_recording one;
	char digits[2][ENVELOPE_DIGITS];
	size_t count = 0, size;

	size = envelope->account.len + envelope->agent.len +
	       envelope->request_id.len + 3;
	for (const struct json *value = json_first(list); value;
	     value = json_next(value)) {
		if (!read_one(value, &one, digits))
			continue;
		size += size_of(&one);
		count++;
	}
	if (count > MESSAGE_RECORDINGS_MAX)
		return err_set(err, ERR_INPUT,
			       "body.recordings has %zu recordings, allowed "
			       "are %d",
			       count, MESSAGE_RECORDINGS_MAX);
	recordings->list = calloc(count + 1, sizeof(*recordings->list));
	char *at = recordings->arena = vault_new(size);
	if (!recordings->list || !at)
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	recordings->account = envelope_copy(envelope->account, &at);
	recordings->agent = envelope_copy(envelope->agent, &at);
	recordings->request_id = envelope_copy(envelope->request_id, &at);
	for (const struct json *value = json_first(list); value;
	     value = json_next(value)) {
		if (!read_one(value, &one, digits))
			continue;
		recordings->list[recordings->count++] =
		    (struct message_recording){
			.session_id = envelope_copy(one.session_id, &at),
			.recording_id = envelope_copy(one.recording_id, &at),
			.address = envelope_copy(one.address, &at),
		    };
	}
	return true;
}

bool message_decode_recordings(const char *body, size_t len,
			       const struct message_origin *origin,
			       struct message_recordings *recordings,
			       struct err *err)
{
	struct envelope envelope;

	*recordings = (struct message_recordings){0};
	if (!envelope_open_secret(body, len, origin, &envelope, err))
		return false;
	const struct json *list = json_member(envelope.body, "recordings");
	bool done =
	    json_is_array(list)
		? fill(recordings, &envelope, list, err)
		: err_set(err, ERR_INPUT, "body.recordings is not an array");
	envelope_close_secret(&envelope);
	if (!done)
		message_recordings_free(recordings);
	return done;
}

void message_recordings_free(struct message_recordings *recordings)
{
	vault_free(recordings->arena);
	free(recordings->list);
	*recordings = (struct message_recordings){0};
}
