/* json - a strict scanner of JSON text. See json.h.
 *
 * Every scan_* function gets a place and the end, and returns the place behind
 * what it scanned, or NULL when the text is wrong there. */
#include "json.h"

#include <string.h>

static const char *scan_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

/* One scalar value of more than one byte, as RFC 3629 allows it: no overlong
 * form, no surrogate, nothing above U+10FFFF. */
static const char *scan_utf8(const char *p, const char *end)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned char low = 0x80, high = 0xbf;
	size_t more;

	if (u[0] >= 0xc2 && u[0] <= 0xdf)
		more = 1;
	else if (u[0] >= 0xe0 && u[0] <= 0xef)
		more = 2;
	else if (u[0] >= 0xf0 && u[0] <= 0xf4)
		more = 3;
	else
		return NULL;
	if (u[0] == 0xe0)
		low = 0xa0;
	else if (u[0] == 0xed)
		high = 0x9f;
	else if (u[0] == 0xf0)
		low = 0x90;
	else if (u[0] == 0xf4)
		high = 0x8f;
	if ((size_t)(end - p) <= more || u[1] < low || u[1] > high)
		return NULL;
	for (size_t i = 2; i <= more; i++)
		if (u[i] < 0x80 || u[i] > 0xbf)
			return NULL;
	return p + more + 1;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The four digits behind \u, or -1. */
static long hex_four(const char *p, const char *end)
{
	long code = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return -1;
		code = code * 16 + digit;
	}
	return code;
}

static const char *scan_escape(const char *p, const char *end)
{
	if (end - p < 2)
		return NULL;
	if (p[1] == 'u')
		return hex_four(p + 2, end) < 0 ? NULL : p + 6;
	return p[1] != '\0' && strchr("\"\\/bfnrt", p[1]) ? p + 2 : NULL;
}

/* Eight bytes at once, as long as none of them is a quote, a backslash, a control
 * character or above ASCII: where messages spend their time. In each byte's top
 * bit: it was set, or subtracting borrowed it, for which the byte was too small. */
static const char *skip_plain(const char *p, const char *end)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t word;

	while ((size_t)(end - p) >= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		if ((word | (word - ones * 0x20) |
		     ((word ^ ones * '"') - ones) |
		     ((word ^ ones * '\\') - ones)) &
		    (ones << 7))
			break;
		p += sizeof(word);
	}
	return p;
}

static const char *scan_string(const char *p, const char *end)
{
	if (p == end || *p != '"')
		return NULL;
	p++;
	while (p && p < end) {
		unsigned char c;

		p = skip_plain(p, end);
		if (p == end)
			return NULL;
		c = (unsigned char)*p;
		if (c == '"')
			return p + 1;
		if (c == '\\')
			p = scan_escape(p, end);
		else if (c >= 0x80)
			p = scan_utf8(p, end);
		else if (c < 0x20)
			return NULL;
		else
			p++;
	}
	return NULL;
}

static const char *scan_digits(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p == start ? NULL : p;
}

static const char *scan_number(const char *p, const char *end)
{
	if (p < end && *p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else
		p = scan_digits(p, end);
	if (p && p < end && *p == '.')
		p = scan_digits(p + 1, end);
	if (p && p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = scan_digits(p, end);
	}
	return p;
}

static const char *scan_word(const char *p, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - p) >= len && memcmp(p, word, len) == 0 ? p + len
								     : NULL;
}

static const char *scan_scalar(const char *p, const char *end)
{
	switch (*p) {
	case '"':
		return scan_string(p, end);
	case 't':
		return scan_word(p, end, "true");
	case 'f':
		return scan_word(p, end, "false");
	case 'n':
		return scan_word(p, end, "null");
	default:
		return scan_number(p, end);
	}
}

/* A member's name and its colon, with the white space around them. */
static const char *scan_name(const char *p, const char *end)
{
	p = scan_string(scan_space(p, end), end);
	if (!p)
		return NULL;
	p = scan_space(p, end);
	return p < end && *p == ':' ? p + 1 : NULL;
}

/* Which of the open containers are objects, a bit each. */
struct nest {
	uint64_t objects;
	unsigned depth;
};

/* Behind a value: closes the containers that end here. Stops at the next value
 * of a container that goes on, or with depth 0 behind the outermost one. */
static const char *scan_after(const char *p, const char *end, struct nest *nest)
{
	while (nest->depth > 0) {
		bool object = nest->objects & 1;

		p = scan_space(p, end);
		if (p == end)
			return NULL;
		if (*p == ',')
			return object ? scan_name(p + 1, end) : p + 1;
		if (*p != (object ? '}' : ']'))
			return NULL;
		p++;
		nest->objects >>= 1;
		nest->depth--;
	}
	return p;
}

/* At an opening bracket: enters it, up to its first value, or past it when it
 * is empty (then *value_next is false). */
static const char *scan_open(const char *p, const char *end, struct nest *nest,
			     bool *value_next)
{
	bool object = *p == '{';
	const char *inner = scan_space(p + 1, end);

	*value_next = false;
	if (nest->depth == CRM_JSON_DEPTH || inner == end)
		return NULL;
	if (*inner == (object ? '}' : ']'))
		return inner + 1;
	*value_next = true;
	nest->objects = nest->objects << 1 | object;
	nest->depth++;
	return object ? scan_name(p + 1, end) : p + 1;
}

static const char *scan_value(const char *p, const char *end)
{
	struct nest nest = {0, 0};

	do {
		bool value_next = false;

		p = scan_space(p, end);
		if (p == end)
			return NULL;
		if (*p == '{' || *p == '[')
			p = scan_open(p, end, &nest, &value_next);
		else
			p = scan_scalar(p, end);
		if (p && !value_next)
			p = scan_after(p, end, &nest);
	} while (p && nest.depth > 0);
	return p;
}

bool crm_json_value(const char *text, size_t len, struct crm_json *value)
{
	const char *end = text + len;
	const char *start = scan_space(text, end);
	const char *after = scan_value(start, end);

	*value = (struct crm_json){NULL, 0};
	if (!after || scan_space(after, end) != end)
		return false;
	*value = (struct crm_json){start, (size_t)(after - start)};
	return true;
}

enum crm_json_type crm_json_type(struct crm_json value)
{
	if (!value.text || value.len == 0)
		return CRM_JSON_NONE;
	switch (value.text[0]) {
	case '{':
		return CRM_JSON_OBJECT;
	case '[':
		return CRM_JSON_ARRAY;
	case '"':
		return CRM_JSON_STRING;
	case 't':
	case 'f':
		return CRM_JSON_BOOL;
	case 'n':
		return CRM_JSON_NULL;
	default:
		return CRM_JSON_NUMBER;
	}
}

struct crm_json_walk crm_json_walk(struct crm_json container)
{
	enum crm_json_type type = crm_json_type(container);
	struct crm_json_walk walk = {NULL, NULL, type == CRM_JSON_OBJECT};

	if (type == CRM_JSON_OBJECT || type == CRM_JSON_ARRAY) {
		walk.at = container.text;
		walk.end = container.text + container.len;
	}
	return walk;
}

/* walk->at is at the opening bracket, at a comma, or at the closing bracket. */
bool crm_json_next(struct crm_json_walk *walk, struct crm_json *name,
		   struct crm_json *value)
{
	const char *end = walk->end, *p, *after;

	if (!walk->at || walk->at == end)
		return false;
	p = scan_space(walk->at + 1, end);
	walk->at = NULL;
	*name = (struct crm_json){NULL, 0};
	if (p == end || *p == ']' || *p == '}')
		return false;
	if (walk->object) {
		after = scan_string(p, end);
		if (!after)
			return false;
		*name = (struct crm_json){p, (size_t)(after - p)};
		p = scan_name(p, end);
	}
	if (!p)
		return false;
	p = scan_space(p, end);
	after = scan_value(p, end);
	if (!after)
		return false;
	*value = (struct crm_json){p, (size_t)(after - p)};
	walk->at = scan_space(after, end);
	return true;
}

static bool name_equals(struct crm_json name, const char *want)
{
	size_t len = strlen(want);
	char buf[64];

	if (!memchr(name.text, '\\', name.len))
		return name.len == len + 2 &&
		       memcmp(name.text + 1, want, len) == 0;
	return crm_json_string(name, buf, sizeof(buf)) == (ptrdiff_t)len &&
	       len < sizeof(buf) && memcmp(buf, want, len) == 0;
}

/* One pass does for validity and for the members: the walk goes over the text
 * as it stands, and must end exactly behind the object. */
bool crm_json_members(const char *text, size_t len, const char *const names[],
		      struct crm_json values[], size_t count)
{
	const char *end = text + len;
	const char *p = scan_space(text, end);
	bool more;

	for (size_t i = 0; i < count; i++)
		values[i] = (struct crm_json){NULL, 0};
	if (p == end || *p != '{')
		return false;
	p = scan_space(p + 1, end);
	if (p < end && *p == '}')
		return scan_space(p + 1, end) == end;
	do {
		struct crm_json name, value;

		name.text = scan_space(p, end);
		value.text = scan_name(p, end);
		if (!value.text)
			return false;
		name.len = (size_t)(scan_string(name.text, end) - name.text);
		value.text = scan_space(value.text, end);
		p = scan_value(value.text, end);
		if (!p)
			return false;
		value.len = (size_t)(p - value.text);
		for (size_t i = 0; i < count; i++)
			if (!values[i].text && name_equals(name, names[i]))
				values[i] = value;
		p = scan_space(p, end);
		if (p == end || (*p != ',' && *p != '}'))
			return false;
		more = *p++ == ',';
	} while (more);
	return scan_space(p, end) == end;
}

/* Writes a scalar value as UTF-8 and returns its length. */
static size_t put_utf8(char out[4], long code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

/* The scalar value of an escape at p, and how long the escape is; -1 for half a
 * surrogate pair and for U+0000, which no C string can hold. */
static long escape_code(const char *p, const char *end, size_t *len)
{
	const char *from = "bfnrt", *to = "\b\f\n\r\t";
	const char *simple = strchr(from, p[1]);
	long code, low;

	*len = 2;
	if (p[1] != 'u')
		return simple ? to[simple - from] : p[1];
	*len = 6;
	code = hex_four(p + 2, end);
	if (code <= 0 || (code >= 0xdc00 && code <= 0xdfff))
		return -1;
	if (code < 0xd800 || code > 0xdbff)
		return code;
	*len = 12;
	if (end - p < 12 || p[6] != '\\' || p[7] != 'u')
		return -1;
	low = hex_four(p + 8, end);
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

ptrdiff_t crm_json_string(struct crm_json value, char *buf, size_t cap)
{
	const char *p, *end;
	size_t full = 0;

	if (crm_json_type(value) != CRM_JSON_STRING || value.len < 2)
		return -1;
	p = value.text + 1;
	end = value.text + value.len - 1;
	while (p < end) {
		char piece[4] = {*p};
		size_t used = 1, len = 1;

		if (*p == '\\') {
			long code = escape_code(p, end, &used);

			if (code < 0)
				return -1;
			len = put_utf8(piece, code);
		}
		for (size_t i = 0; i < len; i++, full++)
			if (full + 1 < cap)
				buf[full] = piece[i];
		p += used;
	}
	if (cap > 0)
		buf[full < cap ? full : cap - 1] = '\0';
	return (ptrdiff_t)full;
}

bool crm_json_integer(struct crm_json value, int64_t *number)
{
	bool negative;
	uint64_t sum = 0;
	size_t i;

	if (crm_json_type(value) != CRM_JSON_NUMBER)
		return false;
	negative = value.text[0] == '-';
	for (i = negative; i < value.len; i++) {
		unsigned digit = (unsigned)(value.text[i] - '0');

		if (digit > 9 || sum > (uint64_t)INT64_MAX / 10 ||
		    sum * 10 > (uint64_t)INT64_MAX - digit)
			return false;
		sum = sum * 10 + digit;
	}
	*number = negative ? -(int64_t)sum : (int64_t)sum;
	return true;
}

bool crm_json_is_true(struct crm_json value)
{
	return value.len == 4 && memcmp(value.text, "true", 4) == 0;
}
