/* message_refuse - what is refused, with which words, and what is not: only
 * what identifies a call may refuse a message. Values at and beyond their
 * limits, and tokens, which must be nowhere. */
#include "../decode.h"
#include "../tap.h"

#include <sys/mman.h>
#include <unistd.h>

static char *replace_quotes(const char *text)
{
	struct buf buf;

	buf_init(&buf, 1 << 24);
	buf_add_string(&buf, text);
	for (size_t i = 0; i < buf.len; i++) {
		if (buf.bytes[i] == '\'')
			buf.bytes[i] = '"';
	}
	return buf_take(&buf, NULL);
}

static const struct {
	const char *message, *why;
} refused[] = {
    {"", "the message is not acceptable JSON, byte 0: it ends too early"},
    {"[1", "the message is not acceptable JSON, byte 2: it ends too early"},
    {"[]", "the message is not an object"},
    {"'x'", "the message is not an object"},
    {"{}", "requestId is missing"},
    {"{'requestid':'r'}", "requestId is missing"},
    {"{'requestId':''}", "requestId is not a string with content"},
    {"{'requestId':5}", "requestId is not a string with content"},
    {"{'requestId':'r'}", "body is missing"},
    {"{'requestId':'r','body':[]}", "body is not an object"},
    {"{'requestId':'r','body':{}}", "body.call is missing"},
    {"{'requestId':'r','body':{'call':'7'}}", "body.call is not an object"},
    {"{'requestId':'r','body':{'call':{}}}", "body.call.sessionId is missing"},
    {"{'requestId':'r','body':{'call':{'SessionId':'7'}}}",
     "body.call.sessionId is missing"},
    {"{'requestId':'r','body':{'call':{'sessionId':''}}}",
     "body.call.sessionId is empty"},
    {"{'requestId':'r','body':{'call':{'sessionId':null}}}",
     "body.call.sessionId is neither a string nor a number"},
    {"{'requestId':'r','body':{'call':{'sessionId':['7']}}}",
     "body.call.sessionId is neither a string nor a number"},
    {"{'requestId':'r','body':{'call':{'sessionId':true}}}",
     "body.call.sessionId is neither a string nor a number"},
    {"{'requestId':'r','body':{'call':{'sessionId':1.5}}}",
     "body.call.sessionId is not a whole number from 0 to 2^53 - 1"},
    {"{'requestId':'r','body':{'call':{'sessionId':-7}}}",
     "body.call.sessionId is not a whole number from 0 to 2^53 - 1"},
    {"{'requestId':'r','body':{'call':{'sessionId':1e400}}}",
     "body.call.sessionId is not a whole number from 0 to 2^53 - 1"},
    {"{'requestId':'r','body':{'call':{'sessionId':9007199254740992}}}",
     "body.call.sessionId is not a whole number from 0 to 2^53 - 1"},
    {"{'requestId':'r','body':{'call':{'sessionId':9007199254740993}}}",
     "body.call.sessionId is not a whole number from 0 to 2^53 - 1"},
    {"{'requestId':'r','body':{'call':{'sessionId':'0'}}}",
     "body.call.sessionId is 0, and neither telephonySessionId nor id can "
     "stand for it"},
    {"{'requestId':'r','body':{'call':{'sessionId':'0','id':[],"
     "'telephonySessionId':''}}}",
     "body.call.sessionId is 0, and neither telephonySessionId nor id can "
     "stand for it"},
    /* U+0000 and bad hex must not make two ids one */
    {"{'requestId':'r','body':{'call':{'sessionId':'7\\u0000x'}}}",
     "the message is not acceptable JSON, byte 47: a NUL character"},
    {"{'requestId':'r','body':{'call':{'sessionId':'7\\uZZZZ'}}}",
     "the message is not acceptable JSON, byte 47: a \\u escape without four "
     "hex digits"},
};

static void refuses(void)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		char *message = replace_quotes(refused[i].message);
		struct message_log log;
		struct err err = {.text = ""};

		ok(!decode_log(message, &log, &err) && err.kind == ERR_INPUT &&
		       !log.event && !log.arena,
		   "refused: %s", refused[i].why);
		is(err.text, refused[i].why, "the error names the member");
		free(message);
	}
}

static void identifies(void)
{
	static const char *const ids[][2] = {
	    {"'sessionId':'1840222333004'", "1840222333004"},
	    {"'sessionId':1840222333004", "1840222333004"},
	    {"'sessionId':9007199254740991", "9007199254740991"},
	    {"'sessionId':1e3", "1000"},
	    {"'sessionId':'007'", "007"},
	    {"'sessionId':'7','sessionId':'8'", "7"},
	    {"'sessionId':'0','telephonySessionId':'s-1','id':'x'", "s-1"},
	    {"'sessionId':0,'telephonySessionId':'s-1'", "s-1"},
	    {"'sessionId':-0,'id':'x'", "0/x"},
	    {"'sessionId':'0','telephonySessionId':null,'id':'x'", "0/x"},
	    {"'sessionId':'0','id':12", "0/12"},
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char text[300];
		struct message_log log;

		snprintf(text, sizeof(text),
			 "{'requestId':'r','body':{'call':{%s}}}", ids[i][0]);
		char *message = replace_quotes(text);
		bool decoded = decode_log(message, &log, NULL);
		is(decoded ? log.event->session_id.s : NULL, ids[i][1],
		   "the session id is what was sent, or stands for 0");
		message_log_free(&log);
		free(message);
	}
}

static void checks_the_host(void)
{
	static const char message[] =
	    "{\"requestId\":\"r\",\"body\":{\"call\":{\"sessionId\":\"7\"}}}";
	char long_name[MESSAGE_ID_MAX + 2];
	struct message_log log;
	struct err err;

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	const struct {
		const char *account, *agent, *why;
	} origins[] = {
	    {"", NULL, "the agent is not known"},
	    {"", "", "the agent is not known"},
	    {"", "\xC0\xAF", "the agent's name is too long or not UTF-8"},
	    {"", long_name, "the agent's name is too long or not UTF-8"},
	    {"\xFF", "dana", "the account's name is too long or not UTF-8"},
	    {long_name, "dana", "the account's name is too long or not UTF-8"},
	};

	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		struct message_origin origin = {.account = origins[i].account,
						.agent = origins[i].agent};
		ok(!message_decode_log(message, strlen(message), &origin, &log,
				       &err) &&
		       strcmp(err.text, origins[i].why) == 0,
		   "refused: %s", origins[i].why);
	}

	long_name[MESSAGE_ID_MAX] = '\0';
	struct message_origin origin = {.account = long_name,
					.agent = long_name};
	ok(message_decode_log(message, strlen(message), &origin, &log, NULL),
	   "names of 256 bytes are good");
	message_log_free(&log);
}

/* A message in which %s stands in one place for `len` times the text. */
static char *fill(const char *message, const char *text, size_t times)
{
	char *quoted = replace_quotes(message), *gap = strstr(quoted, "%s");
	struct buf buf;

	buf_init(&buf, 1 << 24);
	buf_add(&buf, quoted, (size_t)(gap - quoted));
	while (times-- > 0)
		buf_add_string(&buf, text);
	buf_add_string(&buf, gap + 2);
	free(quoted);
	return buf_take(&buf, NULL);
}

static void refuses_long_ids(void)
{
	static const char *const messages[][2] = {
	    {"{'requestId':'r','body':{'call':{'sessionId':'%s'}}}",
	     "body.call.sessionId is too long"},
	    {"{'requestId':'%s','body':{'call':{'sessionId':'7'}}}",
	     "requestId is longer than 256 bytes"},
	};
	struct message_log log;
	struct err err = {.text = ""};
	char *message;

	for (int i = 0; i < 2; i++) {
		message = fill(messages[i][0], "x", MESSAGE_ID_MAX);
		ok(decode_log(message, &log, NULL),
		   "an id of 256 bytes is good");
		message_log_free(&log);
		free(message);
		message = fill(messages[i][0], "x", MESSAGE_ID_MAX + 1);
		ok(!decode_log(message, &log, &err),
		   "one byte more is refused");
		is(err.text, messages[i][1], "by its name");
		free(message);
	}

	message = fill("{'requestId':'r','body':{'call':{'sessionId':0,"
		       "'id':'%s'}}}",
		       "x", MESSAGE_ID_MAX - 1);
	ok(!decode_log(message, &log, &err),
	   "a presence id that is too long does not stand for session id 0");
	free(message);
	message =
	    fill("{'requestId':'r','body':{'call':{'sessionId':0,'id':'x',"
		 "'telephonySessionId':'%s'}}}",
		 "x", MESSAGE_ID_MAX + 1);
	ok(decode_log(message, &log, &err),
	   "a long telephony id does not refuse");
	is(log.event ? log.event->session_id.s : NULL, "0/x",
	   "the presence id stands for session id 0 then");
	message_log_free(&log);
	free(message);
}

#define CALL(members)                                                          \
	"{'requestId':'r','body':{'triggerType':'logForm'," members            \
	"'call':{'sessionId':'7','direction':'Inbound'}}}"
#define MEMBER(members)                                                        \
	"{'requestId':'r','body':{'triggerType':'logForm','call':{"            \
	"'sessionId':'7','direction':'Inbound'," members "}}}"
#define AT(member) offsetof(struct event, member)

static const struct {
	const char *message;
	size_t offset, max; /* where the value goes, and how long it may be */
} limits[] = {
    {MEMBER("'from':{'phoneNumber':'%s'}"), AT(from_number), 1024},
    {MEMBER("'to':{'phoneNumber':'%s'}"), AT(to_number), 1024},
    {MEMBER("'fromName':'%s'"), AT(from_name), 1024},
    {MEMBER("'toName':'%s'"), AT(to_name), 1024},
    {MEMBER("'result':'%s'"), AT(result), 1024},
    {MEMBER("'recording':{'type':'%s'}"), AT(recording_type), 1024},
    {MEMBER("'recording':{'link':'%s'}"), AT(recording_link), 8192},
    {MEMBER("'recording':{'uri':'%s'}"), AT(recording_uri), 8192},
    {CALL("'fromEntity':{'id':'a','name':'%s'},"), AT(contact_name), 1024},
    {CALL("'fromEntity':{'id':'a','type':'%s'},"), AT(contact_type), 1024},
    {CALL("'note':'%s',"), AT(note), 65536},
    {CALL("'aiNote':'%s',"), AT(ai_note), 65536},
    {CALL("'transcript':'%s',"), AT(transcript), 262144},
};

static const struct text *value_of(const struct event *event, size_t offset)
{
	return (const void *)((const char *)event + offset);
}

/* Values of `times` times one character; the three bytes of a euro sign make
 * the limit fall into the middle of one. */
static void cut_one(size_t i, const char *character, size_t times)
{
	char *message = fill(limits[i].message, character, times);
	size_t step = strlen(character), len = times * step;
	struct message_log log;
	const struct text *value;
	unsigned cut = len > limits[i].max;
	size_t mark = strlen(MESSAGE_CUT_MARK);

	if (!ok(decode_log(message, &log, NULL),
		"value %zu of %zu bytes does not refuse the message", i, len))
		return;
	value = value_of(log.event, limits[i].offset);
	if (cut)
		len = (limits[i].max - mark) / step * step + mark;
	ok(value->len == len && strlen(value->s) == len &&
	       log.event->cut == cut &&
	       memcmp(value->s, character, step) == 0 &&
	       (!cut || !strcmp(value->s + len - mark, MESSAGE_CUT_MARK)),
	   "it is kept %s", cut ? "up to its limit, with a mark" : "whole");
	message_log_free(&log);
	free(message);
}

static void cuts(void)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		cut_one(i, "x", limits[i].max);
		cut_one(i, "x", limits[i].max + 1);
		cut_one(i, "\xE2\x82\xAC", limits[i].max / 3 + 1);
	}
}

/* Cut, they would name something else. */
static void leaves_out(void)
{
	static const struct {
		const char *message;
		size_t offset, max;
	} ids[] = {
	    {MEMBER("'telephonySessionId':'%s'"), AT(telephony_session_id),
	     256},
	    {MEMBER("'partyId':'%s'"), AT(party_id), 256},
	    {MEMBER("'inboundLeg':{'sessionId':'%s'}"), AT(other_leg), 256},
	    {MEMBER("'recording':{'id':'%s'}"), AT(recording_id), 256},
	    {CALL("'fromEntity':{'id':'%s','name':'n'},"), AT(contact_id), 256},
	    {CALL("'formData':{'contactId':'%s'},"), AT(contact_id), 256},
	    {CALL("'formData':{'abc':'%s'},"), AT(form), 65536 - 10},
	};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct message_log log;
		char *message = fill(ids[i].message, "x", ids[i].max);
		bool whole = decode_log(message, &log, NULL) &&
			     value_of(log.event, ids[i].offset)->len >= 256 &&
			     log.event->cut == 0;
		message_log_free(&log);
		free(message);
		message = fill(ids[i].message, "x", ids[i].max + 1);
		ok(whole && decode_log(message, &log, NULL) &&
		       !value_of(log.event, ids[i].offset)->s &&
		       !log.event->contact_name.s && log.event->cut == 1,
		   "id or form %zu is kept at its limit, left out beyond", i);
		message_log_free(&log);
		free(message);
	}
}

/* A token in every place that is kept, in each of these writings. */
static void hides_tokens(void)
{
	static const char *const tokens[] = {
	    "?access_token=SECRET",
	    "?a=1&Access_Token=SECRET&b",
	    "%3Faccess_token%3DSECRET",
	    "%253Faccess_token%253DSECRET%2526",
	    "?access\\u005ftoken=SECRET",
	    "{\\\"accessToken\\\": \\\"SECRET\\\"}",
	};
	static const char *const places[] = {
	    MEMBER("'from':{'phoneNumber':'+1%s'}"),
	    MEMBER("'fromName':'x%s'"),
	    MEMBER("'result':'x%s'"),
	    MEMBER("'partyId':'x%s'"),
	    MEMBER("'recording':{'contentUri':'https://m/%s'}"),
	    MEMBER("'recording':{'link':'https://m/%s'}"),
	    MEMBER("'somethingNew':[{'deep':['x%s']}]"),
	    MEMBER("'x%s':1"),
	    CALL("'note':'x%s',"),
	    CALL("'formData':{'field':['x%s']},"),
	    CALL("'formData':{'x%s':1},"),
	    CALL("'aiNote':'x%s',"),
	    CALL("'transcript':'x%s',"),
	    CALL("'fromEntity':{'id':'x%s','name':'%s'},"),
	};
	struct message_origin origin = decode_origin();
	struct message_log log;

	origin.keep_body = MESSAGE_BODY_ALL;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		bool hidden = true;

		for (size_t j = 0; j < sizeof(tokens) / sizeof(tokens[0]);
		     j++) {
			char *message = fill(places[i], tokens[j], 1);
			char *line = NULL;

			if (message_decode_log(message, strlen(message),
					       &origin, &log, NULL))
				line = decode_line(log.event);
			hidden = hidden && line && !strstr(line, "SECRET") &&
				 !strstr(log.event->body.s, "SECRET");
			message_log_free(&log);
			free(line);
			free(message);
		}
		ok(hidden, "a token in place %zu is kept nowhere", i);
	}
}

static void keeps_bodies(void)
{
	static const char *const messages[] = {
	    MEMBER("'action':'x','a': 1"),
	    MEMBER("'telephonyStatus':'Ringing','a': 1"),
	};
	struct message_origin origin = decode_origin();
	struct message_log log;

	for (int final = 0; final < 2; final++) {
		char *message = replace_quotes(messages[!final]);

		for (int keep = MESSAGE_BODY_NONE; keep <= MESSAGE_BODY_ALL;
		     keep++) {
			bool want = keep == MESSAGE_BODY_ALL ||
				    (keep == MESSAGE_BODY_FINAL && final);
			origin.keep_body = (enum message_body)keep;
			message_decode_log(message, strlen(message), &origin,
					   &log, NULL);
			is(log.event->body.s, want ? message : NULL,
			   want ? "the body is kept byte for byte"
				: "the body is not kept");
			message_log_free(&log);
		}
		free(message);
	}
}

/* What is wrong must not end up in a log: it may be private. */
static void quotes_nothing(void)
{
	static const char *const messages[] = {
	    "{'requestId':['SECRET']}",
	    "{'requestId':'r','SECRET':1}",
	    "{'requestId':'r','body':'SECRET'}",
	    "{'requestId':'r','body':{'call':['SECRET']}}",
	    "{'requestId':'r','body':{'call':{'sessionId':{'SECRET':1}}}}",
	    "{'SECRET'}",
	    "SECRET",
	};
	struct message_log log;
	struct err err;

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		char *message = replace_quotes(messages[i]);
		ok(!decode_log(message, &log, &err) &&
		       !strstr(err.text, "SECRET"),
		   "an error text says nothing of what message %zu holds", i);
		free(message);
	}
}

/* No message may be read beyond its last byte, whole or cut off anywhere. */
static void reads_not_beyond(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *message = replace_quotes(
	    "{'requestId':'r','body':{'call':{'sessionId':12345,'a':[true,"
	    "false,null,-1.5e3,'\\u00e9\\uD83D\\uDE00\xC3\xA9']}}}");
	size_t whole = strlen(message);
	struct message_origin origin = decode_origin();
	struct message_log log;
	bool refused_all = true;

	if (!ok(pages != MAP_FAILED && !mprotect(pages + page, page, PROT_NONE),
		"there is a page that must not be read"))
		return;
	for (size_t len = 0; len < whole; len++) {
		memcpy(pages + page - len, message, len);
		refused_all &= !message_decode_log(pages + page - len, len,
						   &origin, &log, NULL);
	}
	ok(refused_all, "a message cut off anywhere is refused");
	memcpy(pages + page - whole, message, whole);
	ok(message_decode_log(pages + page - whole, whole, &origin, &log, NULL),
	   "a message is decoded where nothing follows it");
	message_log_free(&log);
	munmap(pages, 2 * page);
	free(message);
}

int main(void)
{
	refuses();
	identifies();
	checks_the_host();
	refuses_long_ids();
	cuts();
	leaves_out();
	hides_tokens();
	keeps_bodies();
	quotes_nothing();
	reads_not_beyond();
	return tap_done();
}
