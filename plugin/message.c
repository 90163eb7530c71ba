/* message - see message.h. What the widget wants logged becomes an event:
 * drafts are read in draft.c and draft_save.c, here they are cut to their
 * limits and copied. Match queries and all answers are in message_match.c. */
#include "message.h"
#include "draft.h"
#include "envelope.h"
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

static int64_t read_emitted(const struct message_origin *origin)
{
	int64_t ms = origin->sent_at_ms;

	if (ms <= 0 || ms > origin->received_ms + MESSAGE_AHEAD_MAX_MS)
		ms = origin->received_ms;
	return ms * 1000;
}

static bool keep_body(struct draft *draft, const struct envelope *envelope,
		      struct text message, enum message_body keep,
		      struct err *err)
{
	if (keep == MESSAGE_BODY_NONE ||
	    (keep == MESSAGE_BODY_FINAL && draft->event.state != CALL_FINAL))
		return true;
	draft->event.body = message;
	if (!envelope->stripped)
		return true;
	if (!json_write(envelope->root, NULL, &draft->kept))
		return err_set(err, ERR_NO_MEMORY, "no memory for the body");
	draft->event.body = (struct text){draft->kept.bytes, draft->kept.len};
	return true;
}

static bool read_draft(struct draft *draft, const struct envelope *envelope,
		       struct text trigger, struct err *err)
{
	struct event *event = &draft->event;

	draft->body = envelope->body;
	event->account = envelope->account;
	event->agent = envelope->agent;
	event->request_id = envelope->request_id;
	return draft_read_call(draft, err) &&
	       draft_read_save(draft, trigger, err);
}

/* Every text of an event and the most bytes of it that are kept. */
/* clang-format off */
#define FIELD(name, max) {offsetof(struct event, name), (max)}
/* clang-format on */
static const struct field {
	size_t offset, max;
} fields[] = {
    FIELD(account, MESSAGE_ID_MAX),
    FIELD(agent, MESSAGE_ID_MAX),
    FIELD(session_id, MESSAGE_ID_MAX),
    FIELD(request_id, MESSAGE_ID_MAX),
    FIELD(telephony_session_id, MESSAGE_ID_MAX),
    FIELD(party_id, MESSAGE_ID_MAX),
    FIELD(other_leg, MESSAGE_ID_MAX),
    FIELD(direction, MESSAGE_SHORT_MAX),
    FIELD(from_number, MESSAGE_SHORT_MAX),
    FIELD(from_name, MESSAGE_SHORT_MAX),
    FIELD(to_number, MESSAGE_SHORT_MAX),
    FIELD(to_name, MESSAGE_SHORT_MAX),
    FIELD(result, MESSAGE_SHORT_MAX),
    FIELD(ai_note, MESSAGE_NOTE_MAX),
    FIELD(transcript, MESSAGE_TRANSCRIPT_MAX),
    FIELD(recording_id, MESSAGE_ID_MAX),
    FIELD(recording_link, MESSAGE_LINK_MAX),
    FIELD(recording_uri, MESSAGE_LINK_MAX),
    FIELD(recording_type, MESSAGE_SHORT_MAX),
    FIELD(contact_id, MESSAGE_ID_MAX),
    FIELD(contact_name, MESSAGE_SHORT_MAX),
    FIELD(contact_type, MESSAGE_SHORT_MAX),
    FIELD(note, MESSAGE_NOTE_MAX),
    FIELD(form, MESSAGE_NOTE_MAX),
    FIELD(body, SIZE_MAX),
};
enum { FIELD_COUNT = sizeof(fields) / sizeof(fields[0]) };

static struct text *field_text(struct event *event, const struct field *field)
{
	return (struct text *)(void *)((char *)event + field->offset);
}

static struct text copy_cut(struct text text, size_t max, char **at)
{
	struct text mark = {MESSAGE_CUT_MARK, sizeof(MESSAGE_CUT_MARK) - 1};

	text.len = utf8_cut(text.s, text.len, max - mark.len);
	struct text copy = envelope_copy(text, at);
	(*at)--; /* the mark begins where the copy ends */
	mark = envelope_copy(mark, at);
	copy.len += mark.len;
	return copy;
}

/* The event, its texts cut to their limits and copied out of the tree, all in
 * one block. */
static struct event *pack(struct draft *draft)
{
	size_t size = sizeof(struct event);

	for (int i = 0; i < FIELD_COUNT; i++) {
		size_t len = field_text(&draft->event, &fields[i])->len;
		size += (len < fields[i].max ? len : fields[i].max) + 1;
	}
	struct event *event = malloc(size);
	if (!event)
		return NULL;
	*event = draft->event;
	char *at = (char *)(event + 1);
	for (int i = 0; i < FIELD_COUNT; i++) {
		struct text *text = field_text(event, &fields[i]);
		bool cut = text->len > fields[i].max;

		*text = cut ? copy_cut(*text, fields[i].max, &at)
			    : envelope_copy(*text, &at);
		event->cut += cut;
	}
	return event;
}

static bool no_memory(struct err *err)
{
	return err_set(err, ERR_NO_MEMORY, "no memory for the event");
}

static bool fill_log(struct message_log *log, struct draft *draft,
		     struct err *err)
{
	log->event = pack(draft);
	if (!log->event)
		return no_memory(err);
	log->request_id = log->event->request_id;
	return true;
}

/* Nothing is to be written. */
static bool fill_viewed(struct message_log *log,
			const struct envelope *envelope, struct err *err)
{
	char *at = log->arena = malloc(envelope->request_id.len + 1);

	if (!at)
		return no_memory(err);
	log->request_id = envelope_copy(envelope->request_id, &at);
	return true;
}

static void drop_recording(struct envelope *envelope)
{
	static const char *const path[] = {"body", "call", "recording", NULL};

	json_remove(envelope->root, path);
	envelope->stripped = true; /* what is kept is not what was sent */
}

/* Every member that is read of a message, here or in draft.c and draft_save.c,
 * but for those of a form and of contacts to pick from. */
/* clang-format off */
static const struct json_names names = {{
    [2] = {"id", "to"},
    [3] = {"uri"},
    [4] = {"body", "call", "from", "type", "name", "link"},
    [6] = {"action", "result", "aiNote", "toName"},
    [7] = {"partyId"},
    [8] = {"duration", "fromName", "toEntity"},
    [9] = {"requestId", "sessionId", "startTime", "direction", "recording",
	   "queueCall"},
    [10] = {"contentUri", "fromEntity", "entityType", "transcript",
	    "inboundLeg"},
    [11] = {"triggerType", "phoneNumber", "extensionId", "outboundLeg"},
    [12] = {"internalType"},
    [14] = {"delegationType"},
    [15] = {"telephonyStatus", "extensionNumber"},
    [18] = {"telephonySessionId"},
}};
/* clang-format on */

/* The envelope of a message to log, with all that is read of it. */
static bool open_log(const char *body, size_t len,
		     const struct message_origin *origin,
		     struct envelope *envelope, struct text *trigger,
		     struct err *err)
{
	/* what is kept without its recording is written anew */
	bool whole =
	    origin->drop_recording && origin->keep_body != MESSAGE_BODY_NONE;

	if (!envelope_open(body, len, origin, whole ? NULL : &names, envelope,
			   err))
		return false;
	*trigger = draft_text(envelope->body, "triggerType");
	if (whole || !draft_text_is(*trigger, "logForm"))
		return true;
	/* a save by the agent, rare: of a form everything is kept */
	envelope_close(envelope);
	if (!envelope_open(body, len, origin, NULL, envelope, err))
		return false;
	*trigger = draft_text(envelope->body, "triggerType");
	return true;
}

bool message_decode_log(const char *body, size_t len,
			const struct message_origin *origin,
			struct message_log *log, struct err *err)
{
	struct draft draft = {0};
	struct envelope envelope;
	struct text trigger;
	bool done = false;

	*log = (struct message_log){0};
	if (!open_log(body, len, origin, &envelope, &trigger, err))
		return false;
	buf_init(&draft.form, MESSAGE_NOTE_MAX);
	buf_init(&draft.kept, SIZE_MAX);

	if (draft_text_is(trigger, "viewLog")) {
		done = fill_viewed(log, &envelope, err);
		goto out;
	}
	if (origin->drop_recording)
		drop_recording(&envelope);
	draft.event.emitted_us = read_emitted(origin);
	draft.event.hash = call_hash(body, len);
	if (!read_draft(&draft, &envelope, trigger, err) ||
	    !keep_body(&draft, &envelope, (struct text){body, len},
		       origin->keep_body, err))
		goto out;
	done = fill_log(log, &draft, err);
out:
	buf_free(&draft.form);
	buf_free(&draft.kept);
	envelope_close(&envelope);
	return done;
}

void message_log_free(struct message_log *log)
{
	event_free(log->event);
	free(log->arena);
	*log = (struct message_log){0};
}
