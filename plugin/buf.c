/* buf - see buf.h. */
#include "buf.h"

#include <inttypes.h>
#include <stdio.h>
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
	if (buf->failed)
		return false;
	if (more > buf->max - buf->len) {
		buf->failed = buf->full = true;
		return false;
	}
	size_t need = buf->len + more + 1;
	if (need <= buf->cap)
		return true;

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

bool buf_add(struct buf *buf, const void *bytes, size_t len)
{
	if (!make_room(buf, len))
		return false;
	if (len > 0)
		memcpy(buf->bytes + buf->len, bytes, len);
	buf->len += len;
	buf->bytes[buf->len] = '\0';
	return true;
}

bool buf_add_string(struct buf *buf, const char *string)
{
	return buf_add(buf, string, strlen(string));
}

bool buf_add_int(struct buf *buf, int64_t number)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRId64, number);

	return buf_add(buf, digits, (size_t)len);
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

bool buf_add_json(struct buf *buf, const char *bytes, size_t len)
{
	size_t done = 0;

	buf_add(buf, "\"", 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (byte >= 0x20 && byte != '"' && byte != '\\')
			continue;
		buf_add(buf, bytes + done, i - done);
		add_escape(buf, byte);
		done = i + 1;
	}
	buf_add(buf, bytes + done, len - done);
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
