/* message_change - notifications of the database, and the trigger. */
#include "../../plugin/message.h"
#include "../tap.h"

#include <stdlib.h>
#include <string.h>

static bool decode(const char *payload, struct message_change *change)
{
	return message_decode_change(payload, strlen(payload), change, NULL);
}

int main(void)
{
	static const char *const refused[] = {
	    "",
	    "{",
	    "7",
	    "[]",
	    "{\"account\":\"a\",\"agent\":\"b\"}",
	    "{\"account\":\"a\",\"agent\":\"\",\"session_id\":\"c\"}",
	    "{\"account\":\"a\",\"agent\":7,\"session_id\":\"c\"}",
	    "{\"agent\":\"b\",\"session_id\":\"c\"}",
	};
	static const struct text ids[] = {{"1", 1}, {"a\"b", 3}};
	struct message_change change;
	size_t len;

	ok(decode("{\"account\" : \"\", \"agent\" : \"ann\", \"session_id\" : "
		  "\"7\", \"request_id\" : \"sql/1\"}",
		  &change),
	   "a notification of the database is understood");
	is(change.account.s, "", "the account may be empty");
	is(change.agent.s, "ann", "its agent");
	is(change.session_id.s, "7", "and call are found");
	is(change.request_id.s, "sql/1", "the save is named");
	ok(!change.token.s, "it is no token");
	message_change_free(&change);
	message_change_free(&change);
	ok(decode("{\"account\":\"\",\"agent\":\"a\",\"session_id\":\"7\"}",
		  &change),
	   "a notification need not name the save");
	ok(!change.request_id.s, "which has no name then");
	message_change_free(&change);
	ok(decode("{\"token\":\"t-1\"}", &change), "a token is understood");
	is(change.token.s, "t-1", "as such");
	message_change_free(&change);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ok(!decode(refused[i], &change), "refused: %s", refused[i]);

	char *trigger = message_trigger(ids, 2, &len);
	is(trigger,
	   "{\"type\":\"rc-adapter-trigger-call-logger-match\","
	   "\"sessionIds\":[\"1\",\"a\\\"b\"]}",
	   "the trigger names each call");
	ok(strlen(trigger) == len, "its length is right");
	free(trigger);
	return tap_done();
}
