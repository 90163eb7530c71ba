/* message_recordings - addresses that a page hands over. */
#include "../../plugin/message.h"
#include "../tap.h"

#include <stdlib.h>

static bool decode(const char *body, struct message_recordings *recordings,
		   struct err *err)
{
	struct message_origin origin = {.account = "acme", .agent = "ann"};

	*err = (struct err){0};
	return message_decode_recordings(body, strlen(body), &origin,
					 recordings, err);
}

static void good(void)
{
	static const char body[] =
	    "{\"requestId\":\"q1\",\"body\":{\"recordings\":["
	    "{\"sessionId\":\"7\",\"recordingId\":5550001,\"contentUri\":"
	    "\"https://m.test/1?access_token=abc\"},"
	    "{\"sessionId\":8,\"recordingId\":\"r2\",\"contentUri\":\"x\"},"
	    "{\"sessionId\":\"9\",\"recordingId\":\"r3\"},"
	    "{\"recordingId\":\"r3\",\"contentUri\":\"x\"},"
	    "{\"sessionId\":\"9\",\"contentUri\":\"x\"},null,7]}}";
	struct message_recordings r;
	struct err err;

	ok(decode(body, &r, &err) && r.count == 2,
	   "what is no recording with an address is left out");
	ok(strcmp(r.account.s, "acme") == 0 && strcmp(r.agent.s, "ann") == 0 &&
	       strcmp(r.request_id.s, "q1") == 0,
	   "it is the agent's of the session");
	is(r.list[0].address.s, "https://m.test/1?access_token=abc",
	   "the token stays in the address");
	is(r.list[0].recording_id.s, "5550001", "an id may be a number");
	is(r.list[1].session_id.s, "8", "of a call too");
	message_recordings_free(&r);
	message_recordings_free(&r);
	ok(decode("{\"requestId\":\"q\",\"body\":{\"recordings\":[]}}", &r,
		  &err) &&
	       r.count == 0,
	   "none is a question");
	message_recordings_free(&r);
}

static void bad(void)
{
	struct message_recordings r;
	struct err err;
	size_t max = (size_t)64 * (MESSAGE_RECORDINGS_MAX + 1) + 100;
	char *many = calloc(1, max);
	size_t len;

	ok(!decode("{\"requestId\":\"q\",\"body\":{}}", &r, &err) &&
	       err.kind == ERR_INPUT,
	   "without a list it is refused");
	is(err.text, "body.recordings is not an array", "in words");
	ok(!decode("[]", &r, &err) && !decode("{", &r, &err) &&
	       !decode("{\"body\":{\"recordings\":[]}}", &r, &err),
	   "as what is no request");
	len = (size_t)snprintf(
	    many, max, "{\"requestId\":\"q\",\"body\":{\"recordings\":[");
	for (int i = 0; i <= MESSAGE_RECORDINGS_MAX; i++)
		len += (size_t)snprintf(many + len, max - len,
					"%s{\"sessionId\":1,\"recordingId\":1,"
					"\"contentUri\":\"x\"}",
					i > 0 ? "," : "");
	snprintf(many + len, max - len, "]}}");
	ok(!decode(many, &r, &err), "too many are refused");
	is(err.text, "body.recordings has 201 recordings, allowed are 200",
	   "in words");
	free(many);
}

int main(void)
{
	good();
	bad();
	return tap_done();
}
