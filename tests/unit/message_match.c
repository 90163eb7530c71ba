/* message_match - match queries and the two answers. */
#include "../decode.h"
#include "../tap.h"

#include <time.h>

static bool decode_match(const char *message, struct message_match *match,
			 struct err *err)
{
	struct message_origin origin = decode_origin();

	return message_decode_match(message, strlen(message), &origin, match,
				    err);
}

static char *ids_of(const struct message_match *match)
{
	struct buf buf;

	buf_init(&buf, 1 << 20);
	for (size_t i = 0; i < match->id_count; i++) {
		buf_add_string(&buf, i > 0 ? " " : "");
		buf_add(&buf, match->ids[i].s, match->ids[i].len);
	}
	return buf_take(&buf, NULL);
}

static void asks(void)
{
	static const struct {
		const char *ids, *want, *name;
	} queries[] = {
	    {"", "", "no ids are no query"},
	    {"\"3\",\"1\",\"2\"", "3 1 2", "ids stay in the order asked"},
	    {"\"3\",\"1\",\"3\",\"1\",\"0\",\"3\"", "3 1 0",
	     "of repeated ids the first stays"},
	    {"1840222333004,\"1840222333004\",0", "1840222333004 0",
	     "numbers and text of the same digits are one id"},
	    {"\"a\",null,true,[\"b\"],{\"c\":1},1.5,-1,9007199254740993,\"d\"",
	     "a d", "what is no id is passed over"},
	    {"\"1\",\"10\",\"1\",\"01\",\"\",\"\"", "1 10 01 ",
	     "ids are told apart by every byte, an empty one is one"},
	    {"\"\\u00e9\",\"\xc3\xa9\"", "\xc3\xa9",
	     "an escape and its character are one id"},
	};
	struct message_match match;
	char text[300];

	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
		snprintf(text, sizeof(text),
			 "{\"requestId\":\"r\",\"body\":{\"sessionIds\":[%s],"
			 "\"activeSessionIds\":[\"9\"]}}",
			 queries[i].ids);
		char *ids =
		    decode_match(text, &match, NULL) ? ids_of(&match) : NULL;
		is(ids, queries[i].want, queries[i].name);
		free(ids);
		message_match_free(&match);
	}

	decode_match(
	    "{\"requestId\":\"r-1\",\"body\":{\"sessionIds\":[\"7\"]}}", &match,
	    NULL);
	is(match.account.s, "acme", "the account is the host's");
	is(match.agent.s, "dana", "the agent is the host's");
	is(match.request_id.s, "r-1", "the request id is the message's");
	message_match_free(&match);
	message_match_free(&match);
	ok(!match.arena && match.id_count == 0, "freeing twice is harmless");
}

static void refuses(void)
{
	static const char *const refused[][2] = {
	    {"{\"requestId\":\"r\",\"body\":{}}", "body.sessionIds is missing"},
	    {"{\"requestId\":\"r\",\"body\":{\"sessionIds\":\"7\"}}",
	     "body.sessionIds is not an array"},
	    {"{\"requestId\":\"r\",\"body\":{\"sessionIds\":{\"0\":\"7\"}}}",
	     "body.sessionIds is not an array"},
	    {"{\"requestId\":\"r\"}", "body is missing"},
	    {"{\"body\":{\"sessionIds\":[]}}", "requestId is missing"},
	};
	struct message_match match;
	struct err err;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		ok(!decode_match(refused[i][0], &match, &err) &&
		       err.kind == ERR_INPUT && !match.arena,
		   "refused: %s", refused[i][1]);
		is(err.text, refused[i][1], "the error names the member");
	}
}

static void answers_ok(void)
{
	size_t len;
	char *answer = message_answer_ok(decode_text("a\"b\\c\n"), &len);

	is(answer,
	   "{\"type\":\"rc-post-message-response\",\"responseId\":"
	   "\"a\\\"b\\\\c\\n\",\"response\":{\"data\":\"ok\"}}",
	   "a logged message is answered with ok and its own request id");
	ok(answer && strlen(answer) == len, "the length is right");
	free(answer);
}

static void answers_match(void)
{
	struct message_match match;
	struct message_entry entries[] = {
	    {.status = MESSAGE_LOGGED,
	     .id = 123,
	     .note = decode_text("line 1\nline \"2\" \xc3\xa9"),
	     .contact_id = decode_text("c-1"),
	     .contact_name = decode_text("O'Neill \\ Co"),
	     .contact_type = decode_text("CRM")},
	    {.id = 0, .note = decode_text("not looked at")},
	    {.status = MESSAGE_LOGGED, .id = INT64_MAX},
	    {.status = MESSAGE_LOGGED,
	     .id = 5,
	     .contact_id = decode_text("c-2")},
	    {.status = MESSAGE_LOGGED,
	     .id = 6,
	     .note = decode_text(""),
	     .contact_id = {"", 0},
	     .contact_name = decode_text("nobody")},
	};
	size_t len;

	decode_match("{\"requestId\":\"r\",\"body\":{\"sessionIds\":"
		     "[\"7\",\"a\\\"b\",0,\"8\",\"9\"]}}",
		     &match, NULL);
	char *answer = message_answer_match(&match, entries, &len);
	is(answer,
	   "{\"type\":\"rc-post-message-response\",\"responseId\":\"r\","
	   "\"response\":{\"data\":{"
	   "\"7\":[{\"id\":\"123\",\"note\":\"line 1\\nline \\\"2\\\" "
	   "\xc3\xa9\",\"contact\":{\"id\":\"c-1\",\"name\":\"O'Neill \\\\ "
	   "Co\","
	   "\"type\":\"CRM\"}}],"
	   "\"a\\\"b\":[],"
	   "\"0\":[{\"id\":\"9223372036854775807\",\"note\":\"\"}],"
	   "\"8\":[{\"id\":\"5\",\"note\":\"\",\"contact\":{\"id\":\"c-2\"}}],"
	   "\"9\":[{\"id\":\"6\",\"note\":\"\"}]}}}",
	   "a match is answered for every id, by its own name");
	ok(answer && strlen(answer) == len, "the length is right");
	free(answer);
	message_match_free(&match);

	decode_match("{\"requestId\":\"r\",\"body\":{\"sessionIds\":[]}}",
		     &match, NULL);
	answer = message_answer_match(&match, NULL, &len);
	is(answer,
	   "{\"type\":\"rc-post-message-response\",\"responseId\":\"r\","
	   "\"response\":{\"data\":{}}}",
	   "where nothing was asked the answer is empty");
	free(answer);
	message_match_free(&match);
}

/* Every beginning of one text, each twice, in an order without system: ids that
 * differ in length alone, and empty ones. */
static void asks_for_beginnings(void)
{
	enum { LONGEST = 200 };
	struct message_match match;
	struct buf buf;
	bool seen[LONGEST + 1] = {false}, distinct = true;

	buf_init(&buf, 1 << 20);
	buf_add_string(&buf, "{\"requestId\":\"r\",\"body\":{\"sessionIds\":[");
	for (size_t i = 0; i < 2 * LONGEST + 2; i++) {
		buf_add_string(&buf, i > 0 ? ",\"" : "\"");
		for (size_t j = i * 83 % (LONGEST + 1); j > 0; j--)
			buf_add_string(&buf, "7");
		buf_add_string(&buf, "\"");
	}
	buf_add_string(&buf, "]}}");
	ok(decode_match(buf.bytes, &match, NULL) &&
	       match.id_count == LONGEST + 1,
	   "ids that begin alike are told apart");
	for (size_t i = 0; i < match.id_count; i++) {
		distinct = distinct && !seen[match.ids[i].len];
		seen[match.ids[i].len] = true;
	}
	ok(distinct, "each is there once");
	message_match_free(&match);
	buf_free(&buf);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* `distinct` ids, each asked twice; all begin alike, as real ones do. */
static void asks_for_many(int distinct)
{
	struct message_match match;
	struct buf buf;
	double start;

	buf_init(&buf, 1 << 24);
	buf_add_string(&buf, "{\"requestId\":\"r\",\"body\":{\"sessionIds\":[");
	for (int i = 0; i < 2 * distinct; i++) {
		buf_add_string(&buf, i > 0 ? ",\"" : "\"");
		buf_add_int(&buf, INT64_C(1903300000005) + i % distinct * 101);
		buf_add_string(&buf, "\"");
	}
	buf_add_string(&buf, "]}}");

	start = seconds();
	bool decoded = decode_match(buf.bytes, &match, NULL);
	double took = seconds() - start;
	ok(decoded && match.id_count == (size_t)distinct,
	   "%d ids asked twice are %d ids", distinct, distinct);
	ok(took < 5, "and take a moment, not a minute");
	figure("match_decode_ms", "%.1f", took * 1e3);

	struct message_entry *entries =
	    calloc((size_t)distinct, sizeof(*entries));
	for (int i = 0; entries && i < distinct; i++)
		entries[i] =
		    (struct message_entry){.status = MESSAGE_LOGGED,
					   .id = i + 1,
					   .note = decode_text("a short note")};
	start = seconds();
	char *answer = message_answer_match(&match, entries, NULL);
	ok(answer != NULL, "they are answered");
	figure("match_answer_ms", "%.1f", (seconds() - start) * 1e3);
	free(answer);
	free(entries);
	message_match_free(&match);
	buf_free(&buf);
}

static void asks_with_a_long_id(void)
{
	struct message_match match;
	struct buf buf;

	buf_init(&buf, 1 << 20);
	buf_add_string(&buf,
		       "{\"requestId\":\"r\",\"body\":{\"sessionIds\":[\"");
	for (int i = 0; i < 10000; i++)
		buf_add_string(&buf, "x");
	buf_add_string(&buf, "\"]}}");
	ok(decode_match(buf.bytes, &match, NULL) && match.id_count == 1 &&
	       match.ids[0].len == 10000,
	   "an id longer than any logged one is still asked for");
	struct message_entry none = {.id = 0};
	char *answer = message_answer_match(&match, &none, NULL);
	ok(answer && strstr(answer, "xxx\":[]"), "and answered as not logged");
	free(answer);
	message_match_free(&match);
	buf_free(&buf);
}

int main(void)
{
	asks();
	refuses();
	answers_ok();
	answers_match();
	asks_with_a_long_id();
	asks_for_beginnings();
	asks_for_many(100000);
	return tap_done();
}
