/* utf8 - see utf8.h. */
#include "utf8.h"

#include <string.h>

/* The well-formed byte sequences of the Unicode standard (table 3-7): which
 * second bytes may follow a first byte. */
size_t crm_utf8_char_len(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t want;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	want = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (p[0] == 0xe0)
		low = 0xa0;
	if (p[0] == 0xed)
		high = 0x9f;
	if (p[0] == 0xf0)
		low = 0x90;
	if (p[0] == 0xf4)
		high = 0x8f;
	if (len < want || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < want; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return want;
}

bool crm_utf8_is_control(const char *s, size_t char_len)
{
	const unsigned char *p = (const unsigned char *)s;

	if (char_len == 1)
		return p[0] < 0x20 || p[0] == 0x7f;
	return char_len == 2 && p[0] == 0xc2 && p[1] < 0xa0;
}

bool crm_utf8_is_name(const char *s)
{
	size_t len = strlen(s), step;

	if (len == 0 || len > CRM_UTF8_NAME_MAX || s[0] == ' ' ||
	    s[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i += step) {
		step = crm_utf8_char_len(s + i, len - i);
		if (step == 0 || crm_utf8_is_control(s + i, step))
			return false;
	}
	return true;
}

size_t crm_utf8_json(const char *s, size_t len, char out[CRM_UTF8_JSON_MAX])
{
	size_t step = crm_utf8_char_len(s, len);

	if (step == 0)
		snprintf(out, CRM_UTF8_JSON_MAX, "\\ufffd");
	else if (*s == '"' || *s == '\\')
		snprintf(out, CRM_UTF8_JSON_MAX, "\\%c", *s);
	else if (step == 1 && crm_utf8_is_control(s, 1))
		snprintf(out, CRM_UTF8_JSON_MAX, "\\u%04x",
			 (unsigned)(unsigned char)*s);
	else
		snprintf(out, CRM_UTF8_JSON_MAX, "%.*s", (int)step, s);
	return step ? step : 1;
}

void crm_utf8_write_json(FILE *out, const char *s, size_t len)
{
	char text[CRM_UTF8_JSON_MAX];

	fputc('"', out);
	for (size_t i = 0; i < len;) {
		i += crm_utf8_json(s + i, len - i, text);
		fputs(text, out);
	}
	fputc('"', out);
}

void crm_utf8_write_member(FILE *out, const char *before, const char *value)
{
	fputs(before, out);
	crm_utf8_write_json(out, value, strlen(value));
}
