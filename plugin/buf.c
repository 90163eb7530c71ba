/* buf - see buf.h. */
#include "buf.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAP = 256 };

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void buf_free(struct buf *buf)
{
	free(buf->bytes);
	buf_init(buf, buf->max);
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	buf->full = false;
	if (buf->bytes)
		buf->bytes[0] = '\0';
}

/* Makes room for `more` bytes and a NUL, at least doubling. */
static bool make_room(struct buf *buf, size_t more)
{
	size_t need = buf->len + more + 1;
	size_t cap = buf->cap ? buf->cap * 2 : FIRST_CAP;

	if (cap < need)
		cap = need;
	char *bytes = realloc(buf->bytes, cap);
	if (!bytes) {
		buf->failed = true;
		return false;
	}
	buf->bytes = bytes;
	buf->cap = cap;
	return true;
}

char *buf_extend(struct buf *buf, size_t len)
{
	if (buf->failed)
		return NULL;
	if (len > buf->max - buf->len) {
		buf->failed = buf->full = true;
		return NULL;
	}
	if (len >= buf->cap - buf->len && !make_room(buf, len))
		return NULL;
	char *at = buf->bytes + buf->len;
	buf->len += len;
	buf->bytes[buf->len] = '\0';
	return at;
}

bool buf_add(struct buf *buf, const void *bytes, size_t len)
{
	char *at = buf_extend(buf, len);

	if (at && len > 0)
		memcpy(at, bytes, len);
	return at != NULL;
}

bool buf_add_string(struct buf *buf, const char *string)
{
	return buf_add(buf, string, strlen(string));
}

bool buf_add_int(struct buf *buf, int64_t number)
{
	char digits[24], *end = digits + sizeof(digits), *at = end;
	uint64_t rest = (uint64_t)number;

	if (number < 0)
		rest = 0 - rest;
	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (number < 0)
		*--at = '-';
	return buf_add(buf, at, (size_t)(end - at));
}

static bool add_escape(struct buf *buf, unsigned char byte)
{
	static const char hex[] = "0123456789abcdef";
	char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};

	switch (byte) {
	case '\b':
		return buf_add(buf, "\\b", 2);
	case '\f':
		return buf_add(buf, "\\f", 2);
	case '\n':
		return buf_add(buf, "\\n", 2);
	case '\r':
		return buf_add(buf, "\\r", 2);
	case '\t':
		return buf_add(buf, "\\t", 2);
	case '"':
		return buf_add(buf, "\\\"", 2);
	case '\\':
		return buf_add(buf, "\\\\", 2);
	default:
		return buf_add(buf, escape, sizeof(escape));
	}
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

/* The text's plain beginning, which is all of nearly every one. */
static size_t plain_len(const char *bytes, size_t len)
{
	size_t plain = 0;

	while (plain < len && is_plain(bytes[plain]))
		plain++;
	return plain;
}

bool buf_add_json(struct buf *buf, const char *bytes, size_t len)
{
	size_t plain = plain_len(bytes, len);
	char *at = buf_extend(buf, plain + 1);

	if (!at)
		return false;
	*at = '"';
	if (plain > 0)
		memcpy(at + 1, bytes, plain);
	while (plain < len) {
		add_escape(buf, (unsigned char)bytes[plain]);
		bytes += plain + 1;
		len -= plain + 1;
		plain = plain_len(bytes, len);
		buf_add(buf, bytes, plain);
	}
	return buf_add(buf, "\"", 1);
}

char *buf_take(struct buf *buf, size_t *len)
{
	char *bytes = NULL;

	if (len)
		*len = buf->len;
	if (buf_add(buf, NULL, 0)) {
		bytes = buf->bytes;
		buf->bytes = NULL;
	}
	buf_free(buf);
	return bytes;
}
