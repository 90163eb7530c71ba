/* utf8 - every sequence of one to three bytes, every scalar value, and cuts. */
#include "../../plugin/utf8.h"
#include "../scalar.h"
#include "../tap.h"

#include <stdint.h>

/* By decoding and encoding again: slow, but with no table of its own. */
static size_t by_definition(const char *bytes, size_t len)
{
	unsigned char lead = (unsigned char)bytes[0];
	size_t whole = lead < 0x80           ? 1
		       : (lead >> 5) == 0x06 ? 2
		       : (lead >> 4) == 0x0E ? 3
		       : (lead >> 3) == 0x1E ? 4
					     : 0;
	char again[4];

	if (whole == 0 || whole > len)
		return 0;
	uint32_t scalar = whole == 1 ? lead : lead & (0x7Fu >> whole);
	for (size_t i = 1; i < whole; i++) {
		if (((unsigned char)bytes[i] >> 6) != 2)
			return 0;
		scalar = scalar << 6 | ((unsigned char)bytes[i] & 0x3F);
	}
	if (scalar > 0x10FFFF || (scalar >= 0xD800 && scalar <= 0xDFFF) ||
	    scalar_encode(scalar, again) != whole)
		return 0;
	return whole;
}

static void short_sequences(void)
{
	bool same = true;

	for (uint32_t i = 0; i < 1u << 24; i++) {
		char bytes[] = {(char)(i >> 16), (char)(i >> 8), (char)i};
		size_t len = 1 + i % 3;

		same = same &&
		       utf8_character(bytes, len) == by_definition(bytes, len);
		if (len < 3)
			same = same && utf8_character(bytes, 3) ==
					   by_definition(bytes, 3);
	}
	ok(same, "every sequence of up to three bytes is judged rightly");
}

static void long_sequences(void)
{
	bool same = true;

	for (uint32_t i = 0; i < 1u << 24; i++) {
		/* lead F0 to F7, then three bytes around the limits */
		char bytes[] = {
		    (char)(0xF0 | i >> 21), (char)(0x70 + (i >> 14 & 0x7F)),
		    (char)(0x70 + (i >> 7 & 0x7F)), (char)(0x70 + (i & 0x7F))};

		same =
		    same && utf8_character(bytes, 4) == by_definition(bytes, 4);
	}
	ok(same, "sequences of four bytes are judged rightly");
}

static void scalars(void)
{
	bool all = true, none = true;
	char bytes[4];

	for (uint32_t scalar = 0; scalar <= 0x110000; scalar++) {
		size_t len = scalar_encode(scalar, bytes);
		bool good =
		    scalar <= 0x10FFFF && (scalar < 0xD800 || scalar > 0xDFFF);

		if (good)
			all = all && utf8_character(bytes, len) == len &&
			      utf8_character(bytes, len - 1) == 0;
		else
			none = none && !utf8_valid(bytes, len);
	}
	ok(all, "every scalar value is a character, and no shorter");
	ok(none, "surrogates and what lies above U+10FFFF are not");
	ok(!utf8_valid("\xC0\xAF", 2) && !utf8_valid("\xE0\x80\xAF", 3) &&
	       !utf8_valid("\xF0\x80\x80\xAF", 4),
	   "a slash in a longer form than needed is none");
	ok(utf8_valid("", 0), "no text is valid text");
}

static void cuts(void)
{
	static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z";
	static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};
	bool right = true;

	for (size_t max = 0; max < sizeof(want) / sizeof(want[0]); max++)
		right =
		    right && utf8_cut(text, sizeof(text) - 1, max) == want[max];
	ok(right, "a cut falls between characters and keeps the most");
}

int main(void)
{
	short_sequences();
	long_sequences();
	scalars();
	cuts();
	return tap_done();
}
