/* message_memory - every allocation of a decode and of an answer fails once, in
 * turn: the failure is an ordinary error, nothing is kept, nothing leaks. The
 * program is linked with --wrap=malloc,realloc,calloc; cJSON goes through its
 * hooks. Blocks are counted here, and under ASan by LeakSanitizer too. */
#include "../decode.h"
#include "../tap.h"

#include <cjson/cJSON.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static long calls, failing, blocks; /* failing: the call that fails, or 0 */
static bool failing_on;             /* and all after it */

static bool fails(void)
{
	calls++;
	return failing > 0 &&
	       (failing_on ? calls >= failing : calls == failing);
}

void *__wrap_malloc(size_t size)
{
	void *block = fails() ? NULL : __real_malloc(size);

	blocks += block != NULL;
	return block;
}

void *__wrap_calloc(size_t count, size_t size)
{
	void *block = fails() ? NULL : __real_calloc(count, size);

	blocks += block != NULL;
	return block;
}

void *__wrap_realloc(void *block, size_t size)
{
	void *larger = fails() ? NULL : __real_realloc(block, size);

	blocks += larger && !block;
	return larger;
}

void __wrap_free(void *block)
{
	blocks -= block != NULL;
	__real_free(block);
}

static const char log_message[] =
    "{\"requestId\":\"r\",\"body\":{\"triggerType\":\"logForm\",\"note\":\"n\","
    "\"formData\":{\"a\":[1,{\"b\":\"c\"}],\"d\":1.5},\"call\":{\"action\":"
    "\"x\","
    "\"sessionId\":\"0\",\"id\":5,\"recording\":{\"id\":1,\"link\":"
    "\"u?access_token=S\"}}}}";
static const char match_message[] =
    "{\"requestId\":\"r\",\"body\":{\"sessionIds\":[\"1\",\"2\",\"1\",3]}}";

static bool log_once(struct err *err)
{
	struct message_origin origin = decode_origin();
	struct message_log log;
	bool done;

	origin.keep_body = MESSAGE_BODY_ALL;
	done = message_decode_log(log_message, strlen(log_message), &origin,
				  &log, err);
	if (!done && (log.event || log.arena))
		err->kind = ERR_INTERNAL; /* it must own nothing then */
	message_log_free(&log);
	return done;
}

static bool match_once(struct err *err)
{
	struct message_origin origin = decode_origin();
	struct message_match match;
	bool done = message_decode_match(match_message, strlen(match_message),
					 &origin, &match, err);

	if (!done && (match.arena || match.ids))
		err->kind = ERR_INTERNAL;
	message_match_free(&match);
	return done;
}

static bool answer_once(struct err *err)
{
	struct text text =
	    decode_text("a text with \"quotes\" and some length");
	struct message_match match = {
	    .request_id = text, .ids = &text, .id_count = 1};
	struct message_entry entry = {
	    .status = MESSAGE_LOGGED, .id = 1, .note = text};
	char *ok_answer = message_answer_ok(text, NULL);
	char *match_answer = message_answer_match(&match, &entry, NULL);
	bool done = ok_answer && match_answer;

	if (!done)
		err_set(err, ERR_NO_MEMORY, "no memory for the answer");
	free(ok_answer);
	free(match_answer);
	return done;
}

static void fail_each(bool (*once)(struct err *), bool on, const char *what)
{
	long before = blocks, number;
	bool ordinary = true, leaked = false;
	struct err err;

	failing_on = on;
	for (number = 1;; number++) {
		err.kind = ERR_NONE;
		calls = 0;
		failing = number;
		bool done = once(&err), failed = calls >= failing;
		failing = 0;
		leaked = leaked || blocks != before;
		if (!failed)
			break;
		ordinary = ordinary && !done && err.kind == ERR_NO_MEMORY;
	}
	ok(number > 1, "%s: %ld allocations, each can fail", what, number - 1);
	ok(ordinary, "%s: each failure is said to be one of memory", what);
	ok(!leaked, "%s: nothing leaks", what);
}

int main(void)
{
	cJSON_Hooks hooks = {__wrap_malloc, __wrap_free};

	cJSON_InitHooks(&hooks);
	fail_each(log_once, false, "a message to log, one failure");
	fail_each(log_once, true, "a message to log, all failing from there");
	fail_each(match_once, false, "a match, one failure");
	fail_each(match_once, true, "a match, all failing from there");
	fail_each(answer_once, false, "answers, one failure");
	fail_each(answer_once, true, "answers, all failing from there");
	return tap_done();
}
