/* message_ask - questions of the plugin's pages, notifications, and calls that
 * the widget did not log. */
#include "../decode.h"
#include "../tap.h"

#define REQUEST(body) "{\"requestId\":\"r 1\",\"body\":" body "}"

static bool ask(const char *message, struct message_ask *ask, struct err *err)
{
	struct message_origin origin = decode_origin();

	return message_decode_ask(message, strlen(message), &origin, ask, err);
}

static bool notice(const char *message, struct message_ask *ask,
		   struct err *err)
{
	struct message_origin origin = decode_origin();

	return message_decode_notice(message, strlen(message), &origin, ask,
				     err);
}

static bool backfill(const char *message, struct message_backfill *calls,
		     struct err *err)
{
	struct message_origin origin = decode_origin();

	return message_decode_backfill(message, strlen(message), &origin, calls,
				       err);
}

static void asks(void)
{
	struct message_ask got;

	ok(ask(REQUEST("{\"search\":\"\\u00e9\\\"<\",\"n\":1.50,\"x\":[]}"),
	       &got, NULL),
	   "a question is taken");
	is(got.body.s, "{\"search\":\"\xc3\xa9\\\"<\",\"n\":1.5,\"x\":[]}",
	   "whole, and says the same");
	is(got.request_id.s, "r 1", "with whom to answer");
	is(got.account.s, "acme", "for the account");
	is(got.agent.s, "dana", "and the agent, from the host");
	message_ask_free(&got);
	ok(!got.arena && !got.body.s, "freed, it owns nothing");
	ok(ask(REQUEST(
		   "{\"note\":\"https://x.test/?access_token=S3CRET&a=1\"}"),
	       &got, NULL) &&
	       !strstr(got.body.s, "S3CRET"),
	   "a token is not passed on");
	message_ask_free(&got);
}

static void refuses(void)
{
	static const struct {
		const char *message, *want;
	} wrong[] = {
	    {"", "byte"},
	    {"[]", "the message is not an object"},
	    {"{\"body\":{}}", "requestId"},
	    {"{\"requestId\":\"\",\"body\":{}}", "requestId"},
	    {"{\"requestId\":\"r\"}", "body"},
	    {REQUEST("[]"), "body"},
	    {REQUEST("{\"note\":\"a\\u0000b\"}"), "NUL"},
	    {REQUEST("{\"note\":\"\\ud800\"}"), "byte"},
	    {REQUEST("{\"note\":\"\xff\"}"), "byte"},
	};
	struct message_ask got;
	struct err err;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		err = (struct err){0};
		ok(!ask(wrong[i].message, &got, &err) &&
		       err.kind == ERR_INPUT &&
		       strstr(err.text, wrong[i].want) && !got.arena,
		   "a question that is wrong is refused, naming %s (%s)",
		   wrong[i].want, err.text);
	}
}

static void notices(void)
{
	struct message_ask got;

	ok(notice("{\"type\":\"rc-callLogger-auto-log-notify\","
		  "\"autoLog\":true}",
		  &got, NULL),
	   "a notification is taken without request id and body");
	ok(!got.request_id.s, "and wants no answer");
	is(got.body.s,
	   "{\"type\":\"rc-callLogger-auto-log-notify\",\"autoLog\":true}",
	   "it is passed on whole");
	message_ask_free(&got);
	ok(!notice("7", &got, NULL) && !got.arena, "what is no object is none");
}

#define CALL(id)                                                               \
	"{\"sessionId\":" id ",\"action\":\"Phone Call\","                     \
	"\"direction\":\"Inbound\",\"result\":\"Accepted\",\"duration\":3}"

static void backfills(void)
{
	struct message_backfill got;
	size_t len;

	ok(backfill(REQUEST("{\"calls\":[" CALL("7") ",null," CALL(
			"\"8\"") ",{\"sessionId\":\"9\",\"aiNote\":\"n\","
				 "\"note\":\"forged\","
				 "\"transcript\":\"A: b\",\"recording\":{"
				 "\"contentUri\":\"https://m.test/"
				 "?access_token=S3CRET\"}}]}"),
		    &got, NULL),
	   "calls are taken");
	ok(got.count == 4, "each");
	is(got.calls[0].session_id, "7", "a number is an id");
	ok(got.calls[0].log.event->logged_by == LOGGED_BY_BACKFILL,
	   "each is one that was found later");
	ok(!got.calls[1].log.event && got.calls[1].err.kind == ERR_INPUT,
	   "one that is none has no event, and says why");
	is(got.calls[3].log.event->ai_note.s, "n", "its AI note is its own");
	is(got.calls[3].log.event->transcript.s, "A: b", "and its transcript");
	ok(!got.calls[3].log.event->note.s, "a note it cannot bring");
	ok(!strstr(got.calls[3].log.event->recording_uri.s, "S3CRET"),
	   "nor a token");
	got.calls[2].err.kind = ERR_ROW;
	snprintf(got.calls[2].err.text, sizeof(got.calls[2].err.text), "a\"b");
	char *answer = message_answer_backfill(&got, &len);
	char head[] =
	    "{\"type\":\"rc-post-message-response\",\"responseId\":"
	    "\"r 1\",\"response\":{\"data\":{\"logged\":[\"7\",\"9\"],"
	    "\"refused\":[{\"sessionId\":\"\",\"reason\":\"";
	ok(strncmp(answer, head, strlen(head)) == 0,
	   "the answer tells which are logged");
	ok(strstr(answer, "{\"sessionId\":\"8\",\"reason\":\"a\\\"b\"}]}}}"),
	   "and of the others why not");
	ok(strlen(answer) == len, "of the length it says");
	free(answer);
	message_backfill_free(&got);
	ok(!got.calls && !got.arena, "freed, it owns nothing");
}

static void backfill_limits(void)
{
	struct message_backfill got;
	struct err err;
	struct buf text;

	for (int count = MESSAGE_BACKFILL_MAX;
	     count <= MESSAGE_BACKFILL_MAX + 1; count++) {
		buf_init(&text, 1 << 20);
		buf_add_string(&text,
			       "{\"requestId\":\"r\",\"body\":{\"calls\":[");
		for (int i = 0; i < count; i++)
			buf_add_string(&text, i ? ",{}" : "{}");
		buf_add_string(&text, "]}}");
		char *message = buf_take(&text, NULL);
		bool taken = backfill(message, &got, &err);
		ok(taken == (count == MESSAGE_BACKFILL_MAX), "%d calls are %s",
		   count, taken ? "taken" : "refused");
		if (taken)
			message_backfill_free(&got);
		free(message);
	}
	ok(strstr(err.text, "201 calls, allowed are 200"), "%s", err.text);
	ok(!backfill(REQUEST("{}"), &got, &err) && err.kind == ERR_INPUT,
	   "no calls are refused");
	ok(!backfill(REQUEST("{\"calls\":[" CALL("\"1\\u0000\"") "]}"), &got,
		     &err) &&
	       strstr(err.text, "NUL"),
	   "a NUL is refused");
}

int main(void)
{
	asks();
	refuses();
	notices();
	backfills();
	backfill_limits();
	return tap_done();
}
