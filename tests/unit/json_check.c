/* json_check - what is JSON and what is not, one byte beyond the end included.
 */
#include "../../plugin/json_check.h"
#include "../tap.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DEPTH = 32 };

static const char *const good[] = {
    "{}",
    "[]",
    " \t\r\n{ \"a\" : [ 1 , -0.5e+3 , true , false , null , \"\" ] } ",
    "0",
    "-0",
    "1E5",
    "10.25e-7",
    "true",
    "false",
    "null",
    "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00\"",
    "\"\x7f\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
    "\"\\ud83d\\ude00\\ud7ff\\ue000\\uabcd\\uEF01\"",
    "[[],{},[{}]]",
    "123456789012345678901234567890123456789012345678901234567890123",
};

static const struct {
	const char *text, *why;
} bad[] = {
    {"", "byte 0: it ends too early"},
    {" ", "byte 1: it ends too early"},
    {"{", "byte 1: it ends too early"},
    {"[1,", "byte 3: it ends too early"},
    {"{\"a\"", "byte 4: it ends too early"},
    {"{\"a\":", "byte 5: it ends too early"},
    {"{\"a\":1}x", "byte 7: something follows the end"},
    {"{}{}", "byte 2: something follows the end"},
    {"{}]", "byte 2: something follows the end"},
    {"{\"a\":1,}", "byte 7: the name of a member is missing"},
    {"{,}", "byte 1: the name of a member is missing"},
    {"{a:1}", "byte 1: the name of a member is missing"},
    {"{'a':1}", "byte 1: the name of a member is missing"},
    {"{\"a\" 1}", "byte 5: a colon is missing"},
    {"{\"a\":}", "byte 5: a value is missing"},
    {"[1,]", "byte 3: a value is missing"},
    {"[,1]", "byte 1: a value is missing"},
    {"[1 2]", "byte 3: a comma or the end is missing"},
    {"[1}", "byte 2: a comma or the end is missing"},
    {"{\"a\":1]", "byte 6: a comma or the end is missing"},
    {"[01]", "byte 2: a comma or the end is missing"},
    {"[+1]", "byte 1: a value is missing"},
    {"[.5]", "byte 1: a value is missing"},
    {"[-]", "byte 2: a value is missing"},
    {"[1.]", "byte 3: an unfinished number"},
    {"[1e]", "byte 3: an unfinished number"},
    {"[1e+]", "byte 4: an unfinished number"},
    {"[0x10]", "byte 2: a comma or the end is missing"},
    {"[NaN]", "byte 1: a value is missing"},
    {"[Infinity]", "byte 1: a value is missing"},
    {"[tru]", "byte 1: a value is missing"},
    {"[trueX]", "byte 5: a comma or the end is missing"},
    {"nul", "byte 0: a value is missing"},
    {"\xEF\xBB\xBF{}", "byte 0: a value is missing"},
    {"{}\v", "byte 2: something follows the end"},
    {"[1]/* */", "byte 3: something follows the end"},
    {"\"a", "byte 2: a string without an end"},
    {"\"a\nb\"", "byte 2: a control character in a string"},
    {"\"a\x1f\"", "byte 2: a control character in a string"},
    {"\"a\\\"", "byte 4: a string without an end"},
    {"\"a\\", "byte 2: an unfinished escape"},
    {"\"\\x41\"", "byte 1: an unknown escape"},
    {"\"\\'\"", "byte 1: an unknown escape"},
    {"\"ab\\u0000cd\"", "byte 3: a NUL character"},
    {"\"\\uZZZZ\"", "byte 1: a \\u escape without four hex digits"},
    {"\"\\u00g0\"", "byte 1: a \\u escape without four hex digits"},
    {"\"\\u 041\"", "byte 1: a \\u escape without four hex digits"},
    {"\"\\u0041", "byte 7: a string without an end"},
    {"\"\\u004", "byte 1: a \\u escape without four hex digits"},
    {"\"\\uD83D\"", "byte 1: half a surrogate pair"},
    {"\"\\ud83d\"", "byte 1: half a surrogate pair"},
    {"\"\\udbff\"", "byte 1: half a surrogate pair"},
    {"\"\\udfff\"", "byte 1: half a surrogate pair"},
    {"\"\\ud83d\\ue000\"", "byte 1: half a surrogate pair"},
    {"\"\\uD83Dx\"", "byte 1: half a surrogate pair"},
    {"\"\\uD83D\\u0041\"", "byte 1: half a surrogate pair"},
    {"\"\\uD83D\\uD83D\"", "byte 1: half a surrogate pair"},
    {"\"\\uDE00\"", "byte 1: half a surrogate pair"},
    {"\"\\uDE00\\uD83D\"", "byte 1: half a surrogate pair"},
    {"\"\xC0\xAF\"", "byte 1: not UTF-8"},
    {"\"\xE0\x80\xAF\"", "byte 1: not UTF-8"},
    {"\"\xED\xA0\x80\"", "byte 1: not UTF-8"},
    {"\"\xF4\x90\x80\x80\"", "byte 1: not UTF-8"},
    {"\"\xC3\"", "byte 1: not UTF-8"},
    {"\"\x80\"", "byte 1: not UTF-8"},
    {"\"\xFF\"", "byte 1: not UTF-8"},
    {"{\"\xC0\xAF\":1}", "byte 2: not UTF-8"},
    {"1234567890123456789012345678901234567890123456789012345678901234",
     "byte 64: a number with too many digits"},
};

static void judge(void)
{
	struct err err;
	char want[200];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(json_check(good[i], strlen(good[i]), DEPTH, NULL),
		   "good text %zu is accepted", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(want, sizeof(want),
			 "the message is not acceptable JSON, %s", bad[i].why);
		err.text[0] = '\0';
		ok(!json_check(bad[i].text, strlen(bad[i].text), DEPTH, &err) &&
		       err.kind == ERR_INPUT,
		   "refused with %s", bad[i].why);
		is(err.text, want, "and the error says so");
	}
	ok(!json_check("\"a\0b\"", 5, DEPTH, &err),
	   "a NUL byte in a string is refused");
	ok(!json_check("{}\0", 3, DEPTH, &err),
	   "a NUL byte after the end is refused");
}

static bool nested(unsigned depth, const char *open, const char *close)
{
	size_t half = strlen(open);
	char *text = malloc((half + 1) * depth + 2);
	size_t len = 0;
	bool accepted;

	if (!text)
		return false;
	for (unsigned i = 0; i < depth; i++, len += half)
		memcpy(text + len, open, half);
	text[len++] = '1';
	for (unsigned i = 0; i < depth; i++)
		text[len++] = close[0];
	accepted = json_check(text, len, DEPTH, NULL);
	free(text);
	return accepted;
}

static void depth(void)
{
	ok(nested(32, "[", "]") && nested(32, "{\"a\":", "}"),
	   "32 levels are accepted");
	ok(!nested(33, "[", "]") && !nested(33, "{\"a\":", "}"),
	   "33 levels are refused");
	ok(!nested(1000000, "[", "]"), "a million levels are refused");
	ok(json_check("[[],[],[]]", 10, 2, NULL),
	   "what stands side by side is not deep");
}

/* Each beginning of each text stands at the very end of a page. */
static void reads_not_beyond(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int judged = 0;

	if (!ok(pages != MAP_FAILED && !mprotect(pages + page, page, PROT_NONE),
		"there is a page that must not be read"))
		return;
	for (size_t i = 0;
	     i < sizeof(bad) / sizeof(bad[0]) + sizeof(good) / sizeof(good[0]);
	     i++) {
		size_t bads = sizeof(bad) / sizeof(bad[0]);
		const char *text = i < bads ? bad[i].text : good[i - bads];

		for (size_t len = 0; len <= strlen(text); len++, judged++) {
			memcpy(pages + page - len, text, len);
			json_check(pages + page - len, len, DEPTH, NULL);
		}
	}
	ok(judged > 500, "it is not read by %d texts at its edge", judged);
	munmap(pages, 2 * page);
}

static const struct json_names names = {{
    [1] = {"a", "b"},
    [2] = {"aa"},
    [JSON_NAME_MAX] = {"123456789012345678"},
}};

static const struct {
	const char *text, *kept;
} picks[] = {
    {"{\"a\":1,\"b\":[2,{\"aa\":3}]}", "{\"a\":1,\"b\":[2,{\"aa\":3}]}"},
    {"{\"x\":1}", "{}"},
    {"{\"x\":1,\"a\":2}", "{\"a\":2}"},
    {"{\"a\":2,\"x\":1}", "{\"a\":2}"},
    {"{\"a\":2,\"x\":1,\"y\":3,\"b\":4}", "{\"a\":2,\"b\":4}"},
    {"{\"a\":2,\"x\":1,\"y\":3}", "{\"a\":2}"},
    {"{\"x\":1,\"y\":3}", "{}"},
    {" { \"a\" : 2 , \"x\" : 1 , \"y\" : 3 } ", " { \"a\" : 2 } "},
    {" { \"x\" : 1 , \"a\" : 2 } ", " {  \"a\" : 2 } "},
    {"{\"x\":{\"a\":1,\"y\":[{},[{\"b\":1}]]},\"a\":\",}\"}", "{\"a\":\",}\"}"},
    {"{\"a\":{\"x\":{}},\"b\":[[{\"x\":[]},{\"a\":[],\"x\":\"]\"}]]}",
     "{\"a\":{},\"b\":[[{},{\"a\":[]}]]}"},
    {"{\"a\":1,\"a\":2,\"x\":3,\"a\":4}", "{\"a\":1,\"a\":2,\"a\":4}"},
    {"[1,{\"x\":\"\\\"}\"},\"x\"]", "[1,{},\"x\"]"},
    {"{\"\\u0061\":1,\"A\":2,\"\":3,\"ab\":4,\"aaa\":5}", "{}"},
    {"{\"123456789012345678\":1,\"1234567890123456789\":2}",
     "{\"123456789012345678\":1}"},
    {"{\"a\":1 ,\n\t\"x\":2}", "{\"a\":1 }"},
    {"7", "7"},
};

static void pick(void)
{
	char kept[200];

	for (size_t i = 0; i < sizeof(picks) / sizeof(picks[0]); i++) {
		struct json_pick pick = {.names = &names, .kept = kept};

		ok(json_check_pick(picks[i].text, strlen(picks[i].text), DEPTH,
				   &pick, NULL) &&
		       json_check(kept, pick.len, DEPTH, NULL),
		   "what is kept of %s is JSON", picks[i].text);
		kept[pick.len] = '\0';
		is(kept, picks[i].kept, "and has the members of these names");
	}
	struct json_pick pick = {.names = &names, .kept = kept};
	ok(!json_check_pick("{\"x\":[1,]}", 10, DEPTH, &pick, NULL) &&
	       !json_check_pick("{\"x\":{\"\xC0\":1}}", 13, DEPTH, &pick, NULL),
	   "what is wrong is refused in what is not kept too");
	pick = (struct json_pick){.names = &names, .kept = kept};
	ok(json_check_pick("{\"x\":{\"y\":1,\"a\":2},\"b\":3}", 25, DEPTH,
			   &pick, NULL) &&
	       pick.members == 4,
	   "members are counted, kept or not");
}

/* Each byte that ends what is plain, at each place of a word of eight. */
static void each_place(void)
{
	char text[40];
	int wrong = 0;

	for (int byte = 0; byte < 256; byte++)
		for (size_t at = 1; at < 20; at++) {
			memset(text, '~', sizeof(text));
			text[0] = text[sizeof(text) - 1] = '"';
			text[at] = (char)byte;
			bool plain = byte >= 0x20 && byte < 0x80 &&
				     byte != '"' && byte != '\\';
			wrong += plain !=
				 json_check(text, sizeof(text), DEPTH, NULL);
		}
	ok(wrong == 0, "every byte is judged alike wherever it stands");
}

int main(void)
{
	judge();
	pick();
	each_place();
	depth();
	reads_not_beyond();
	return tap_done();
}
