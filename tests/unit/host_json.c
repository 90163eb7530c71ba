/* host_json - the scanner of messages: what is JSON, what is not, and what
 * stands in it; and that it reads no byte too many. */
#include "../tap.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../host-api/json.h"

/* The text ends where readable memory ends: one byte too many is a crash. */
struct edge {
	char *map;
	size_t size;
};

static struct edge edge_new(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct edge edge = {NULL, page * 4};

	edge.map = mmap(NULL, edge.size + page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (edge.map == MAP_FAILED ||
	    mprotect(edge.map + edge.size, page, PROT_NONE) != 0) {
		printf("Bail out! no memory to protect\n");
		exit(1);
	}
	return edge;
}

static bool is_json(const struct edge *edge, const char *text, size_t len)
{
	char *at = edge->map + edge->size - len;
	struct crm_json value;

	memcpy(at, text, len);
	return crm_json_value(at, len, &value);
}

static void test_grammar(const struct edge *edge)
{
	static const char *const good[] = {
	    "{}",
	    "[]",
	    " {\"a\" : [1, -0.5e+10, true, false, null, \"x\"]} \n",
	    "\"\\u00e9\\n\\\"\\\\\\/\"",
	    "0",
	    "-1.25E-3",
	    "[[],{},[{}]]",
	    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
	    "{\"a\":1,\"a\":2}",
	    "\"\xef\xbf\xbf\xf4\x8f\xbf\xbf\x7f\"",
	};
	static const char *const bad[] = {
	    "",
	    " ",
	    "{",
	    "}",
	    "[1,]",
	    "{\"a\"}",
	    "{\"a\":}",
	    "{\"a\":1,}",
	    "{a:1}",
	    "{,}",
	    "[1 2]",
	    "01",
	    "1.",
	    ".5",
	    "+1",
	    "1e",
	    "-",
	    "nul",
	    "True",
	    "\"abc",
	    "\"\\x\"",
	    "\"\\u12\"",
	    "\"\\uZZZZ\"",
	    "\"a\nb\"",
	    "{}x",
	    "{} {}",
	    "'a'",
	    "[1}",
	    "{\"a\":1]",
	    "\"\\",
	    "\"\xc0\xaf\"",
	    "\"\xed\xa0\x80\"",
	    "\"\xf4\x90\x80\x80\"",
	    "\"\x80\"",
	    "\"\xe2\x82\"",
	    "\"\xc3",
	    "\"\xe0\x80\x80\"",
	    "\"\xf0\x80\x80\x80\"",
	    "\"\xff\"",
	    "\xef\xbb\xbf{}",
	    "[1,2",
	    "NaN",
	    "/**/1",
	    "{\"a\" 1}",
	    "[,1]",
	};
	size_t wrong = 0;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!is_json(edge, good[i], strlen(good[i]))) {
			diag("refused: %s", good[i]);
			wrong++;
		}
	ok(wrong == 0, "well-formed JSON is taken");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (is_json(edge, bad[i], strlen(bad[i]))) {
			diag("taken: %s", bad[i]);
			wrong++;
		}
	ok(wrong == 0, "everything else is refused");
	ok(!is_json(edge, "\"a\0b\"", 5) && !is_json(edge, "{}\0", 3),
	   "a NUL byte is refused, in a string and behind the value");
}

/* Each beginning of a text is refused, and nothing behind it is read. */
static void test_beginnings(const struct edge *edge)
{
	static const char text[] =
	    "{\"path\": \"/a\\u00e9\", \"body\": [1.5e3, {\"x\": null}, "
	    "\"\xe2\x82\xac\"], \"type\": true}";
	size_t taken = 0;

	for (size_t len = 0; len < sizeof(text) - 1; len++)
		taken += is_json(edge, text, len);
	ok(taken == 0, "no beginning of a message is taken for a message");
	ok(is_json(edge, text, sizeof(text) - 1), "the whole message is");
}

/* Strings are looked at eight bytes at a time: so each byte at each place. */
static void test_every_byte(const struct edge *edge)
{
	char text[32];
	size_t wrong = 0;

	for (size_t place = 1; place < 27; place++)
		for (int byte = 0; byte < 256; byte++) {
			bool plain = byte >= 0x20 && byte < 0x80 &&
				     byte != '"' && byte != '\\';

			memset(text, 'a', sizeof(text));
			text[0] = text[27] = '"';
			text[place] = (char)byte;
			wrong += is_json(edge, text, 28) != plain;
		}
	ok(wrong == 0, "every byte in every place of a string is told right");
}

static void test_depth(const struct edge *edge)
{
	char text[300];

	for (size_t depth = 1; depth <= 100; depth++) {
		bool fits = depth <= CRM_JSON_DEPTH;

		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		if (is_json(edge, text, depth * 2) != fits) {
			ok(false, "depth %zu", depth);
			return;
		}
	}
	ok(true, "containers nest %d deep and no deeper", CRM_JSON_DEPTH);
}

static bool is_span(struct crm_json value, const char *want)
{
	bool same = want ? value.text && value.len == strlen(want) &&
			       memcmp(value.text, want, value.len) == 0
			 : value.text == NULL;

	if (!same)
		diag("span: %.*s", (int)value.len,
		     value.text ? value.text : "");
	return same;
}

static void test_members(void)
{
	static const char *const names[] = {"path", "type", "requestId"};
	const char *text = " { \"body\" : {\"path\": 1}, \"p\\u0061th\" :\t"
			   "\"/x\" , \"path\": 2, \"type\": [ {} ] } ";
	struct crm_json value[3];

	ok(crm_json_members(text, strlen(text), names, value, 3),
	   "the members of an object are found in one pass");
	ok(is_span(value[0], "\"/x\""),
	   "the first of two equal names counts, also written with an escape");
	ok(is_span(value[1], "[ {} ]"), "a container comes whole");
	ok(is_span(value[2], NULL), "what is not there is nothing");
	ok(!crm_json_members("[]", 2, names, value, 3) &&
	       !crm_json_members("{} x", 4, names, value, 3) &&
	       !crm_json_members("{\"path\":1,}", 11, names, value, 3) &&
	       !crm_json_members("", 0, names, value, 3),
	   "what is no object has no members");
	ok(crm_json_members("{}", 2, names, value, 3) &&
	       is_span(value[0], NULL),
	   "an empty object has none either");
}

static void test_walk(void)
{
	const char *text = "{\"a\": [1, {\"b\": 2}, \"c\"], \"d\": null}";
	struct crm_json object, name, value;
	struct crm_json_walk walk;
	char all[200] = "";

	crm_json_value(text, strlen(text), &object);
	walk = crm_json_walk(object);
	while (crm_json_next(&walk, &name, &value)) {
		struct crm_json_walk inner = crm_json_walk(value);
		struct crm_json none, element;
		size_t len = strlen(all);

		snprintf(all + len, sizeof(all) - len, "%.*s=%.*s;",
			 (int)name.len, name.text, (int)value.len, value.text);
		while (crm_json_next(&inner, &none, &element)) {
			len = strlen(all);
			snprintf(all + len, sizeof(all) - len, "<%.*s>",
				 (int)element.len, element.text);
		}
	}
	is(all,
	   "\"a\"=[1, {\"b\": 2}, \"c\"];<1><{\"b\": 2}><\"c\">\"d\"=null;",
	   "a walk visits every member and element in order");
}

static ptrdiff_t string_of(const char *text, char *buf, size_t cap)
{
	struct crm_json value;

	return crm_json_value(text, strlen(text), &value)
		   ? crm_json_string(value, buf, cap)
		   : -2;
}

static void test_values(void)
{
	static const struct {
		const char *text;
		int64_t number;
		bool good;
	} numbers[] = {
	    {"0", 0, true},
	    {"-7", -7, true},
	    {"1700000000000", INT64_C(1700000000000), true},
	    {"9223372036854775807", INT64_MAX, true},
	    {"9223372036854775808", 0, false},
	    {"99999999999999999999999", 0, false},
	    {"1.0", 0, false},
	    {"1e3", 0, false},
	    {"\"1\"", 0, false},
	};
	size_t wrong = 0;
	char buf[64];

	ok(string_of("\"a\\u00e9\\ud83d\\ude00\\n\\/\\\"\"", buf, 64) == 10,
	   "a string's escapes are resolved");
	is(buf, "a\xc3\xa9\xf0\x9f\x98\x80\n/\"", "to UTF-8");
	ok(string_of("\"abcdef\"", buf, 4) == 6, "a long string is counted");
	is(buf, "abc", "and cut");
	ok(string_of("\"a\\u0000\"", buf, 64) == -1 &&
	       string_of("\"\\ud800\"", buf, 64) == -1 &&
	       string_of("\"\\udc00x\"", buf, 64) == -1 &&
	       string_of("\"\\ud800\\u0041\"", buf, 64) == -1 &&
	       string_of("5", buf, 64) == -1,
	   "NUL, half a surrogate pair and what is no string are no strings");
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct crm_json value = {numbers[i].text,
					 strlen(numbers[i].text)};
		int64_t number = 0;

		if (crm_json_integer(value, &number) != numbers[i].good ||
		    number != numbers[i].number) {
			diag("number %s", numbers[i].text);
			wrong++;
		}
	}
	ok(wrong == 0, "integers are read, and nothing else is taken for one");
}

int main(void)
{
	struct edge edge = edge_new();

	test_grammar(&edge);
	test_beginnings(&edge);
	test_every_byte(&edge);
	test_depth(&edge);
	test_members();
	test_walk();
	test_values();
	return tap_done();
}
