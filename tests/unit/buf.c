/* buf - what the growing buffer promises. */
#include "../../plugin/buf.h"
#include "../tap.h"

#include <stdint.h>
#include <stdlib.h>

static void appends(void)
{
	struct buf buf;
	size_t len = 1;

	buf_init(&buf, 1000);
	ok(buf_add_string(&buf, "a") && buf_add(&buf, "bc", 2) &&
	       buf_add_int(&buf, INT64_MIN),
	   "bytes, strings and numbers can be appended");
	is(buf.bytes, "abc-9223372036854775808", "they stand in order");
	char *taken = buf_take(&buf, &len);
	ok(taken && len == 23 && taken[23] == '\0' && !buf.bytes,
	   "taking gives the bytes away");
	free(taken);

	taken = buf_take(&buf, &len);
	is(taken, "", "an empty buffer is taken as an empty string");
	ok(len == 0, "its length is 0");
	free(taken);
	buf_free(&buf);
	buf_free(&buf);
}

static void keeps_its_limit(void)
{
	struct buf buf;

	buf_init(&buf, 600);
	for (int i = 0; i < 600; i++)
		buf_add(&buf, "x", 1);
	ok(!buf.failed && buf.len == 600,
	   "a buffer can be filled to its limit");
	ok(!buf_add(&buf, "x", 1) && buf.len == 600, "and not beyond");
	ok(!buf_add(&buf, "", 0), "after a failure nothing is appended");
	ok(!buf_take(&buf, NULL), "a failed buffer gives nothing away");
	ok(buf_add(&buf, "y", 1), "after that it is as new");

	buf_add(&buf, NULL, SIZE_MAX);
	ok(buf.failed, "a length that would overflow is refused");
	buf_clear(&buf);
	ok(!buf.failed && buf.len == 0, "clearing forgets the failure");
	is(buf.bytes, "", "and the bytes");
	buf_free(&buf);
}

static void numbers(void)
{
	static const int64_t all[] = {0,
				      1,
				      -1,
				      9,
				      10,
				      -10,
				      123456789,
				      INT64_MAX,
				      100,
				      1000,
				      90071992547409910};
	struct buf buf;

	buf_init(&buf, 1000);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		buf_add_int(&buf, all[i]);
		buf_add_string(&buf, " ");
	}
	is(buf.bytes,
	   "0 1 -1 9 10 -10 123456789 9223372036854775807 100 1000 "
	   "90071992547409910 ",
	   "numbers are written in digits");
	buf_free(&buf);
}

static void extends(void)
{
	struct buf buf;

	buf_init(&buf, 1000);
	char *at = buf_extend(&buf, 3);
	if (ok(at && buf.len == 3, "a buffer is made longer"))
		memcpy(at, "abc", 3);
	buf_add_string(&buf, "d");
	is(buf.bytes, "abcd", "and filled in by others");
	for (int i = 0; i < 900; i++)
		buf_extend(&buf, 1);
	ok(buf.len == 904 && buf.bytes[904] == '\0', "it ends in a NUL");
	ok(!buf_extend(&buf, 97) && buf.full, "it cannot exceed the limit");
	buf_free(&buf);
}

static void escapes(void)
{
	static const char text[] = "a\"b\\c/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9";
	struct buf buf;

	buf_init(&buf, 1000);
	buf_add_json(&buf, text, sizeof(text) - 1);
	is(buf.bytes,
	   "\"a\\\"b\\\\c/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9\"",
	   "a JSON string escapes what JSON demands and nothing else");
	buf_clear(&buf);
	buf_add_json(&buf, "\"\"a", 3);
	is(buf.bytes, "\"\\\"\\\"a\"", "also at its ends, and in a row");
	buf_clear(&buf);
	buf_add_json(&buf, NULL, 0);
	is(buf.bytes, "\"\"", "absent bytes are an empty JSON string");
	buf_free(&buf);
}

int main(void)
{
	appends();
	numbers();
	extends();
	keeps_its_limit();
	escapes();
	return tap_done();
}
