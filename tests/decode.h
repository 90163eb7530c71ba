/* decode - what the tests of the message decoder share: a short way to decode a
 * message written in a test, and one line of text that tells all of an event.
 */
#ifndef TESTS_DECODE_H
#define TESTS_DECODE_H

#include "../plugin/buf.h"
#include "../plugin/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECEIVED_MS INT64_C(1800000000000)

static inline struct message_origin decode_origin(void)
{
	return (struct message_origin){
	    .account = "acme", .agent = "dana", .received_ms = RECEIVED_MS};
}

static inline struct text decode_text(const char *s)
{
	return (struct text){s, s ? strlen(s) : 0};
}

/* Decodes text that ends in a NUL; the NUL is not part of the message. */
static inline bool decode_log(const char *message, struct message_log *log,
			      struct err *err)
{
	struct message_origin origin = decode_origin();

	return message_decode_log(message, strlen(message), &origin, log, err);
}

/* The same object with a member more, in front, in which a token is suspected:
 * then the message is not only built where it is read, but whole. To free();
 * NULL when it is no object that has members. */
static inline char *decode_suspicious(const char *message, size_t len,
				      size_t *longer)
{
	const char *name = memchr(message, '"', len);
	struct buf buf;

	if (!name || name == message || name[-1] != '{')
		return NULL;
	size_t before = (size_t)(name - message);
	buf_init(&buf, SIZE_MAX);
	buf_add(&buf, message, before);
	buf_add_string(&buf, "\"spoken\":0,");
	buf_add(&buf, message + before, len - before);
	return buf_take(&buf, longer);
}

static inline void decode_add(struct buf *buf, const char *name,
			      struct text text)
{
	if (!text.s)
		return;
	buf_add_string(buf, " ");
	buf_add_string(buf, name);
	buf_add_string(buf, "=");
	buf_add_json(buf, text.s, text.len);
}

static inline void decode_add_number(struct buf *buf, const char *name,
				     int64_t number)
{
	buf_add_string(buf, " ");
	buf_add_string(buf, name);
	buf_add_string(buf, "=");
	buf_add_int(buf, number);
}

/* What identifies the call and what ranks the event. */
static inline void decode_add_rank(struct buf *buf, const struct event *event)
{
	buf_add_string(buf, call_state_name(event->state));
	buf_add_string(buf, " ");
	buf_add_string(buf, call_logged_by_name(event->logged_by));
	if (event->connected)
		buf_add_string(buf, " connected");
	if (event->to_self)
		buf_add_string(buf, " to-self");
	decode_add(buf, "session", event->session_id);
	decode_add(buf, "telephony", event->telephony_session_id);
	decode_add(buf, "party", event->party_id);
	decode_add(buf, "other-leg", event->other_leg);
}

/* Absent members are left out; times are whole milliseconds. */
static inline char *decode_line(const struct event *event)
{
	struct buf buf;

	buf_init(&buf, 1 << 24);
	decode_add_rank(&buf, event);
	decode_add(&buf, "direction", event->direction);
	decode_add(&buf, "from", event->from_number);
	decode_add(&buf, "from-name", event->from_name);
	decode_add(&buf, "to", event->to_number);
	decode_add(&buf, "to-name", event->to_name);
	if (event->queue_call >= 0)
		decode_add_number(&buf, "queue", event->queue_call);
	if (event->started_us != EVENT_NO_TIME)
		decode_add_number(&buf, "started", event->started_us / 1000);
	if (event->duration_s != EVENT_NO_NUMBER)
		decode_add_number(&buf, "duration", event->duration_s);
	decode_add(&buf, "result", event->result);
	decode_add(&buf, "ai-note", event->ai_note);
	decode_add(&buf, "transcript", event->transcript);
	decode_add(&buf, "recording", event->recording_id);
	decode_add(&buf, "recording-type", event->recording_type);
	decode_add(&buf, "recording-uri", event->recording_uri);
	decode_add(&buf, "recording-link", event->recording_link);
	decode_add(&buf, "contact", event->contact_id);
	decode_add(&buf, "contact-name", event->contact_name);
	decode_add(&buf, "contact-type", event->contact_type);
	if (event->contact_picked)
		buf_add_string(&buf, " picked");
	decode_add(&buf, "note", event->note);
	decode_add(&buf, "form", event->form);
	if (event->cut)
		decode_add_number(&buf, "cut", event->cut);
	return buf_take(&buf, NULL);
}

#endif
