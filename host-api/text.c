/* text - a bounded text in a caller's buffer. See text.h. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

struct crm_text crm_text_in(char *buf, size_t cap)
{
	if (cap > 0)
		buf[0] = '\0';
	return (struct crm_text){.buf = buf, .cap = cap, .len = 0};
}

void crm_text_add(struct crm_text *text, const char *format, ...)
{
	size_t room = text->len < text->cap ? text->cap - text->len : 0;
	va_list ap;
	int len;

	va_start(ap, format);
	len = vsnprintf(room > 0 ? text->buf + text->len : NULL, room, format,
			ap);
	va_end(ap);
	if (len > 0)
		text->len += (size_t)len;
}

void crm_text_bytes(struct crm_text *text, const char *bytes, size_t len)
{
	if (text->len + 1 < text->cap) {
		size_t room = text->cap - text->len - 1;
		size_t part = len < room ? len : room;

		memcpy(text->buf + text->len, bytes, part);
		text->buf[text->len + part] = '\0';
	}
	text->len += len;
}

void crm_text_line(struct crm_text *text)
{
	if (text->len > 0)
		crm_text_bytes(text, "\n", 1);
}

void crm_text_json_bytes(struct crm_text *text, const char *bytes, size_t len)
{
	char part[CRM_UTF8_JSON_MAX];

	crm_text_bytes(text, "\"", 1);
	for (size_t i = 0; i < len;) {
		i += crm_utf8_json(bytes + i, len - i, part);
		crm_text_bytes(text, part, strlen(part));
	}
	crm_text_bytes(text, "\"", 1);
}

void crm_text_json(struct crm_text *text, const char *string)
{
	crm_text_json_bytes(text, string, strlen(string));
}

void crm_text_copy(char *buf, size_t cap, const char *string)
{
	struct crm_text text = crm_text_in(buf, cap);

	crm_text_bytes(&text, string, strlen(string));
}
