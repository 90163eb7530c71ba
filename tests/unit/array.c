/* array - the bytes that PostgreSQL expects. */
#include "../../plugin/array.h"
#include "../tap.h"

enum { MAX = 1000 };

static void same(struct array *array, const void *want, size_t len,
		 const char *name)
{
	bool whole = array_end(array);

	ok(whole && array->buf.len == len &&
	       memcmp(array->buf.bytes, want, len) == 0,
	   "%s", name);
	array_free(array);
}

#define HEADER(nulls, oid, count)                                              \
	0, 0, 0, 1, 0, 0, 0, nulls, 0, 0, (oid) >> 8, (oid)&255, 0, 0, 0,      \
	    count, 0, 0, 0, 1

static void texts(void)
{
	static const unsigned char want[] = {HEADER(1, 25, 3),
					     0,
					     0,
					     0,
					     2,
					     'h',
					     'i',
					     0xff,
					     0xff,
					     0xff,
					     0xff,
					     0,
					     0,
					     0,
					     0};
	struct array array;

	array_init(&array, ARRAY_TEXT, MAX);
	array_begin(&array);
	array_add_text(&array, (struct text){"hi", 2});
	array_add_text(&array, (struct text){NULL, 0});
	array_add_text(&array, (struct text){"", 0});
	same(&array, want, sizeof(want),
	     "text: a value, NULL and an empty value");
}

static void numbers(void)
{
	static const unsigned char int4[] = {HEADER(0, 23, 2),
					     0,
					     0,
					     0,
					     4,
					     0,
					     0,
					     1,
					     2,
					     0,
					     0,
					     0,
					     4,
					     0xff,
					     0xff,
					     0xff,
					     0xfe};
	static const unsigned char int8[] = {
	    HEADER(0, 20, 1), 0, 0, 0, 8, 0x80, 0, 0, 0, 0, 0, 0, 1};
	static const unsigned char flags[] = {
	    HEADER(0, 16, 2), 0, 0, 0, 1, 1, 0, 0, 0, 1, 0};
	struct array array;

	array_init(&array, ARRAY_INT4, MAX);
	array_begin(&array);
	array_add_int4(&array, 258);
	array_add_int4(&array, -2);
	same(&array, int4, sizeof(int4), "int4: most significant byte first");

	array_init(&array, ARRAY_INT8, MAX);
	array_begin(&array);
	array_add_int8(&array, (int64_t)UINT64_C(0x8000000000000001));
	same(&array, int8, sizeof(int8), "int8: all 64 bits");

	array_init(&array, ARRAY_BOOL, MAX);
	array_begin(&array);
	array_add_bool(&array, true);
	array_add_bool(&array, false);
	same(&array, flags, sizeof(flags), "bool: a byte each");
}

static void times(void)
{
	/* 2000-01-01 00:00:01 UTC: a million microseconds after the epoch */
	static const unsigned char want[] = {HEADER(1, 1184, 2),
					     0,
					     0,
					     0,
					     8,
					     0,
					     0,
					     0,
					     0,
					     0,
					     0x0f,
					     0x42,
					     0x40,
					     0xff,
					     0xff,
					     0xff,
					     0xff};
	struct array array;

	array_init(&array, ARRAY_TIMESTAMPTZ, MAX);
	array_begin(&array);
	array_add_time(&array, INT64_C(946684801000000));
	array_add_null(&array);
	same(&array, want, sizeof(want), "timestamptz: counted from 2000");
}

static void reuse_and_limit(void)
{
	static const unsigned char want[] = {HEADER(0, 25, 1), 0, 0, 0, 1, 'b'};
	static const char large[64];
	struct array array;

	array_init(&array, ARRAY_TEXT, MAX);
	array_begin(&array);
	array_add_text(&array, (struct text){NULL, 0});
	array_begin(&array);
	array_add_text(&array, (struct text){"b", 1});
	same(&array, want, sizeof(want),
	     "a second use knows nothing of the first");

	array_init(&array, ARRAY_TEXT, 60);
	array_begin(&array);
	array_add_text(&array, (struct text){large, sizeof(large)});
	ok(!array_end(&array), "what exceeds the limit is a failure");
	array_begin(&array);
	array_add_text(&array, (struct text){"b", 1});
	same(&array, want, sizeof(want), "of that use alone");
	ok(array_oid(ARRAY_TEXT) == 1009 && array_oid(ARRAY_INT8) == 1016 &&
	       array_oid(ARRAY_BOOL) == 1000 && array_oid(ARRAY_INT4) == 1007 &&
	       array_oid(ARRAY_TIMESTAMPTZ) == 1185,
	   "the types of the arrays themselves");
}

int main(void)
{
	texts();
	numbers();
	times();
	reuse_and_limit();
	return tap_done();
}
