/* utf8 - see utf8.h. */
#include "utf8.h"

/* The second byte decides what is too long a form, a surrogate or too large;
 * the table is Unicode's own (chapter 3, table 3-7). */
static bool second_byte_fits(unsigned char lead, unsigned char second)
{
	switch (lead) {
	case 0xE0:
		return second >= 0xA0 && second <= 0xBF;
	case 0xED:
		return second >= 0x80 && second <= 0x9F;
	case 0xF0:
		return second >= 0x90 && second <= 0xBF;
	case 0xF4:
		return second >= 0x80 && second <= 0x8F;
	default:
		return second >= 0x80 && second <= 0xBF;
	}
}

static size_t length_by_lead(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xC2)
		return 0;
	if (lead < 0xE0)
		return 2;
	if (lead < 0xF0)
		return 3;
	return lead <= 0xF4 ? 4 : 0;
}

static bool is_continuation(char byte)
{
	return ((unsigned char)byte & 0xC0) == 0x80;
}

size_t utf8_character(const char *bytes, size_t len)
{
	if (len == 0)
		return 0;

	unsigned char lead = (unsigned char)bytes[0];
	size_t whole = length_by_lead(lead);
	if (whole > len)
		return 0;
	if (whole >= 2 && !second_byte_fits(lead, (unsigned char)bytes[1]))
		return 0;
	for (size_t i = 2; i < whole; i++) {
		if (!is_continuation(bytes[i]))
			return 0;
	}
	return whole;
}

bool utf8_valid(const char *bytes, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t step = utf8_character(bytes + at, len - at);
		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

size_t utf8_cut(const char *bytes, size_t len, size_t max)
{
	if (len <= max)
		return len;
	while (max > 0 && is_continuation(bytes[max]))
		max--;
	return max;
}
