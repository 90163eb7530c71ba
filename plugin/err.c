/* err - see err.h. */
#include "err.h"
#include "utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that was cut must not end inside a character: it may become JSON. */
static void drop_half_character(char *text)
{
	size_t end = strlen(text), start = end;

	while (start > 0 && end - start < 3 && (text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start > 0 && utf8_character(text + start - 1, end - start + 1) == 0)
		text[start - 1] = '\0';
}

bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
{
	if (!err)
		return false;
	err->kind = kind;
	err->sqlstate[0] = '\0';

	va_list args;
	va_start(args, format);
	/* clang-tidy forgets va_start when it checks several files.
	 * NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
	int len = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	if (len < 0)
		err->text[0] = '\0';
	else if ((size_t)len >= sizeof(err->text))
		drop_half_character(err->text);
	return false;
}

void err_flatten(char *text)
{
	char *to = text;

	for (char *from = text; *from; from++) {
		bool space = (unsigned char)*from <= ' ';

		if (!space)
			*to++ = *from;
		else if (to > text && to[-1] != ' ')
			*to++ = ' ';
	}
	while (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}
