/* err - see err.h. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that was cut must not end inside a character: it may become JSON. */
static void drop_half_character(char *text)
{
	size_t end = strlen(text), start = end;

	while (start > 0 && end - start < 3 &&
	       ((unsigned char)text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0)
		return;

	unsigned char lead = (unsigned char)text[start - 1];
	size_t whole = lead >= 0xF0   ? 4
		       : lead >= 0xE0 ? 3
		       : lead >= 0xC0 ? 2
				      : 1;
	if (end - (start - 1) < whole)
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
	int len = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	if (len < 0)
		err->text[0] = '\0';
	else if ((size_t)len >= sizeof(err->text))
		drop_half_character(err->text);
	return false;
}
