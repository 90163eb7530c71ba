/* message - a fuzz target: any bytes, decoded as a message to log and as a
 * match query. Beyond not crashing, whatever is accepted must keep its
 * promises: text is UTF-8 within its limits, no token is left, answers are
 * JSON.
 *
 * `make fuzz` runs it; the corpus beside it also runs in `make check`. */
#include "../../plugin/json.h"
#include "../../plugin/json_check.h"
#include "../../plugin/message.h"
#include "../../plugin/token.h"
#include "../../plugin/utf8.h"
#include "../decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(bool kept, const char *name)
{
	if (kept)
		return;
	fprintf(stderr, "promise broken: %s\n", name);
	abort();
}

static bool has_token(const char *text)
{
	return strcasestr(text, "access_token=") ||
	       strcasestr(text, "access_token%3d") ||
	       strcasestr(text, "access_token%253d") ||
	       strcasestr(text, "accesstoken=") ||
	       strcasestr(text, "\"access_token\":") ||
	       strcasestr(text, "\"accesstoken\":");
}

static void check_text(struct text text, size_t max, const char *name)
{
	if (!text.s)
		return;
	promise(text.len <= max, name);
	promise(strlen(text.s) == text.len, name);
	promise(utf8_valid(text.s, text.len), name);
	promise(!has_token(text.s), name);
}

/* As text alone it may seem to have one: \u611accesstoken= has not. */
static void check_body(struct text body)
{
	struct json *root;
	struct buf buf;

	if (!body.s)
		return;
	root = json_parse(body.s, body.len, MESSAGE_DEPTH_MAX, NULL);
	promise(root != NULL, "the body is JSON");
	buf_init(&buf, SIZE_MAX);
	json_write(root, NULL, &buf);
	check_text((struct text){buf.bytes, buf.len}, SIZE_MAX, "body");
	buf_free(&buf);
	json_free(root);
}

static void check_json(struct text text, const char *name)
{
	if (text.s)
		promise(json_check(text.s, text.len, MESSAGE_DEPTH_MAX, NULL),
			name);
}

static void check_identity(const struct event *event)
{
	promise(event->account.s && event->agent.len > 0, "account and agent");
	promise(event->session_id.len > 0, "a session id");
	promise(strcmp(event->session_id.s, "0") != 0, "no session id 0");
	promise(event->request_id.len > 0, "a request id");
	check_text(event->session_id, MESSAGE_ID_MAX, "session_id");
	check_text(event->request_id, MESSAGE_ID_MAX, "request_id");
	check_text(event->telephony_session_id, MESSAGE_ID_MAX, "telephony");
	check_text(event->party_id, MESSAGE_ID_MAX, "party_id");
	check_text(event->other_leg, MESSAGE_ID_MAX, "other_leg");
}

static void check_numbers(const struct event *event)
{
	promise(event->duration_s == EVENT_NO_NUMBER ||
		    (event->duration_s >= 0 && event->duration_s <= 604800),
		"duration_s");
	promise(event->started_us == EVENT_NO_TIME ||
		    (event->started_us >= INT64_C(946684800000000) &&
		     event->started_us < INT64_C(4102444800000000)),
		"started_us");
	promise(event->queue_call >= -1 && event->queue_call <= 1,
		"queue_call");
	promise(event->state <= CALL_FINAL, "state");
	promise(!event->contact_picked || event->contact_id.s,
		"picked contact");
	promise(event->contact_id.s || !event->contact_name.s, "contact name");
	promise(event->logged_by == LOGGED_BY_MANUAL ||
		    (!event->note.s && !event->form.s),
		"automatic events have no note");
}

static void check_event(const struct event *event)
{
	check_identity(event);
	check_numbers(event);
	check_text(event->direction, 8, "direction");
	check_text(event->from_number, MESSAGE_SHORT_MAX, "from_number");
	check_text(event->from_name, MESSAGE_SHORT_MAX, "from_name");
	check_text(event->to_number, MESSAGE_SHORT_MAX, "to_number");
	check_text(event->to_name, MESSAGE_SHORT_MAX, "to_name");
	check_text(event->result, MESSAGE_SHORT_MAX, "result");
	check_text(event->ai_note, MESSAGE_NOTE_MAX, "ai_note");
	check_text(event->transcript, MESSAGE_TRANSCRIPT_MAX, "transcript");
	check_text(event->recording_id, MESSAGE_ID_MAX, "recording_id");
	check_text(event->recording_link, MESSAGE_LINK_MAX, "recording_link");
	check_text(event->recording_uri, MESSAGE_LINK_MAX, "recording_uri");
	check_text(event->recording_type, MESSAGE_SHORT_MAX, "recording_type");
	check_text(event->contact_id, MESSAGE_ID_MAX, "contact_id");
	check_text(event->contact_name, MESSAGE_SHORT_MAX, "contact_name");
	check_text(event->contact_type, MESSAGE_SHORT_MAX, "contact_type");
	check_text(event->note, MESSAGE_NOTE_MAX, "note");
	check_text(event->form, MESSAGE_NOTE_MAX, "form");
	check_body(event->body);
	check_json(event->form, "the form is JSON");
}

static void check_error(const struct err *err)
{
	promise(err->kind == ERR_INPUT, "only input is at fault");
	promise(err->text[0] && utf8_valid(err->text, strlen(err->text)),
		"the error is text");
}

/* That only what is read is built makes no difference. */
static void check_whole(const char *bytes, size_t size,
			const struct message_origin *origin,
			const struct message_log *log, const struct err *err)
{
	struct message_log other;
	struct err other_err = {.text = ""};
	size_t len;
	char *whole = decode_suspicious(bytes, size, &len);

	if (!whole || strstr(err->text, "is not acceptable JSON")) {
		free(whole);
		return;
	}
	bool decoded =
	    message_decode_log(whole, len, origin, &other, &other_err);
	promise(strcmp(err->text, other_err.text) == 0, "the same error");
	promise(!log->event == !other.event, "an event either way");
	if (decoded && log->event) {
		char *a = decode_line(log->event);
		char *b = decode_line(other.event);
		promise(a && b && strcmp(a, b) == 0, "the same event");
		free(a);
		free(b);
	}
	message_log_free(&other);
	free(whole);
}

/* What is not suspected has no token. */
static void check_suspicion(const char *bytes, size_t size)
{
	if (token_may_be_in(bytes, size))
		return;
	struct json *root = json_parse(bytes, size, MESSAGE_DEPTH_MAX, NULL);
	promise(!root || !json_strip_tokens(root), "tokens are suspected");
	json_free(root);
}

static void fuzz_log(const char *bytes, size_t size,
		     const struct message_origin *origin)
{
	struct message_log log;
	struct err err = {.text = ""};
	size_t len = 0;

	bool decoded = message_decode_log(bytes, size, origin, &log, &err);
	check_whole(bytes, size, origin, &log, &err);
	if (!decoded) {
		check_error(&err);
		return;
	}
	if (log.event)
		check_event(log.event);
	char *answer = message_answer_ok(log.request_id, &len);
	promise(answer && json_check(answer, len, 3, NULL), "ok is JSON");
	free(answer);
	message_log_free(&log);
}

static void fuzz_match(const char *bytes, size_t size,
		       const struct message_origin *origin)
{
	struct message_match match;
	struct err err = {.text = ""};
	size_t len = 0;

	if (!message_decode_match(bytes, size, origin, &match, &err)) {
		check_error(&err);
		return;
	}
	struct message_entry *entries =
	    calloc(match.id_count + 1, sizeof(*entries));
	for (size_t i = 0; i < match.id_count; i += 2)
		entries[i] =
		    (struct message_entry){.status = MESSAGE_LOGGED,
					   .id = 1,
					   .note = match.ids[i],
					   .contact_id = match.request_id,
					   .contact_name = match.ids[i]};
	char *answer = message_answer_match(&match, entries, &len);
	promise(answer && json_check(answer, len, 7, NULL), "a match is JSON");
	free(answer);
	free(entries);
	message_match_free(&match);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct message_origin origin = {
	    .account = "acme",
	    .agent = "dana",
	    .received_ms = INT64_C(1800000000000),
	    .keep_body = MESSAGE_BODY_ALL,
	};
	/* On the heap and without a NUL, so that ASan sees each byte too far.
	 */
	char *bytes = malloc(size);

	if (!bytes)
		return 0;
	memcpy(bytes, data, size);
	check_suspicion(bytes, size);
	fuzz_log(bytes, size, &origin);
	fuzz_match(bytes, size, &origin);
	free(bytes);
	return 0;
}
