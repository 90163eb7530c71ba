/* token - see token.h. A text is read in units: a byte as it is, or one that
 * was percent-encoded, once (%26) or again and again (%2526, %252526). */
#include "token.h"
#include "hex.h"

#include <string.h>

enum {
	LEVEL_MAX = 8,   /* encodings undone */
	FILLING_MAX = 8, /* quotes and spaces between name, = and value */
	PASSES_MAX = 8   /* tokens hidden in what is left of others */
};

struct unit {
	int byte;     /* decoded; 0 at the end of the text */
	int level;    /* how often it was encoded */
	size_t width; /* bytes in the text */
};

static struct unit read_unit(const char *at)
{
	struct unit unit = {(unsigned char)at[0], 0, at[0] != '\0'};
	const char *code = at + 1;
	int level = 1;

	if (at[0] != '%')
		return unit;
	while (level < LEVEL_MAX && code[0] == '2' && code[1] == '5' &&
	       hex_digit(code[2]) >= 0 && hex_digit(code[3]) >= 0) {
		code += 2;
		level++;
	}
	int high = hex_digit(code[0]);
	int low = high < 0 ? -1 : hex_digit(code[1]);
	if (low < 0 || high * 16 + low == 0)
		return unit;
	return (struct unit){high * 16 + low, level, (size_t)(code + 2 - at)};
}

static const char *skip_letters(const char *at, const char *letters)
{
	for (; *letters; letters++) {
		struct unit unit = read_unit(at);

		if ((unit.byte | 0x20) != *letters)
			return NULL;
		at += unit.width;
	}
	return at;
}

/* Where the name that begins at `at` ends, or NULL. */
static const char *skip_name(const char *at)
{
	at = skip_letters(at, "access");
	if (!at)
		return NULL;

	struct unit unit = read_unit(at);
	if (unit.byte == '_' || unit.byte == '-')
		at += unit.width;
	return skip_letters(at, "token");
}

static bool may_begin_name(char c)
{
	return c == 'a' || c == 'A' || c == '%';
}

bool token_in_name(const char *name)
{
	for (; *name; name++) {
		if (may_begin_name(*name) && skip_name(name))
			return true;
	}
	return false;
}

static const char *skip_filling(const char *at)
{
	for (int i = 0; i < FILLING_MAX; i++) {
		struct unit unit = read_unit(at);

		if (unit.byte == 0 || !strchr(" \"'\\", unit.byte))
			break;
		at += unit.width;
	}
	return at;
}

/* What cannot be part of a token when it is written as plainly as the `=`. */
static bool ends_value(struct unit unit, int level)
{
	if (unit.level > level)
		return false;
	return unit.byte <= ' ' || (unit.byte >= 0x7F && unit.level == 0) ||
	       strchr("&#\"'<>`", unit.byte);
}

/* Where the parameter that begins at `at` ends, the following & included, or
 * NULL. *alone: there was no such & (one that is written more plainly ends the
 * address in which this one stands). */
static const char *skip_parameter(const char *at, bool *alone)
{
	at = skip_name(at);
	if (!at)
		return NULL;
	at = skip_filling(at);

	struct unit unit = read_unit(at);
	int level = unit.level;
	if (unit.byte != '=' && unit.byte != ':')
		return NULL;
	at = skip_filling(at + unit.width);
	for (;;) {
		unit = read_unit(at);
		if (unit.byte == 0 || ends_value(unit, level))
			break;
		at += unit.width;
	}
	*alone = unit.byte != '&' || unit.level != level;
	return *alone ? at : at + unit.width;
}

/* `end` without the ? or & just before it, however encoded. */
static char *drop_separator(char *start, char *end)
{
	if (end > start && (end[-1] == '?' || end[-1] == '&'))
		return end - 1;
	if (end - start < 3)
		return end;

	char *code = end - 2;
	if (memcmp(code, "26", 2) != 0 && memcmp(code, "3F", 2) != 0 &&
	    memcmp(code, "3f", 2) != 0)
		return end;
	while (code - start >= 3 && memcmp(code - 2, "25", 2) == 0)
		code -= 2;
	return code[-1] == '%' ? code - 1 : end;
}

static bool strip_once(char *text)
{
	const char *from = text;
	char *to = text;
	bool found = false;

	while (*from) {
		bool alone;
		const char *end =
		    may_begin_name(*from) ? skip_parameter(from, &alone) : NULL;
		if (!end) {
			*to++ = *from++;
			continue;
		}
		found = true;
		from = end;
		if (alone)
			to = drop_separator(text, to);
	}
	/* what was there is nowhere to be found afterwards */
	explicit_bzero(to, (size_t)(from - to));
	return found;
}

bool token_strip(char *text)
{
	/* The k of "token" is rare, and as %6b it needs a percent sign. */
	if (!strpbrk(text, "kK%") || !strip_once(text))
		return false;

	/* What was left and right of a token may make up the next one. Nobody
	 * does that by accident, so after a few times nothing is kept. */
	for (int pass = 0; strip_once(text); pass++) {
		if (pass == PASSES_MAX)
			explicit_bzero(text, strlen(text));
	}
	return true;
}

/* ------------------------------------------------------------- in JSON text */

/* Whether `code`, after a percent sign, may be that of a k, or encoded again. */
static bool may_encode_k(const char *code, const char *end)
{
	while (end - code >= 2 && code[0] == '2' && code[1] == '5')
		code += 2;
	return end - code >= 2 && (code[0] == '4' || code[0] == '6') &&
	       (code[1] | 0x20) == 'b';
}

/* Whether the k at `at` may stand between an o and an e, encoded or not. */
static bool may_be_in_name(const char *at, const char *start, const char *end)
{
	if (at == start || end - at < 2)
		return false;

	int before = at[-1] | 0x20, after = at[1] | 0x20;
	return (before == 'o' || before == 'f') &&
	       (after == 'e' || at[1] == '%');
}

/* Whether the escape at `at` may stand for a letter: only ASCII's do. */
static bool may_escape_letter(const char *at, const char *end)
{
	return end - at >= 6 && memcmp(at + 1, "u00", 3) == 0 && at[4] < '8';
}

static const char *find(const char *at, const char *end, char c)
{
	return memchr(at, c, (size_t)(end - at));
}

/* The k of "token" is rare, and so are percent signs and escapes. */
bool token_may_be_in(const char *json, size_t len)
{
	const char *end = json + len, *at;

	for (at = json; (at = find(at, end, 'k')); at++)
		if (may_be_in_name(at, json, end))
			return true;
	for (at = json; (at = find(at, end, 'K')); at++)
		if (may_be_in_name(at, json, end))
			return true;
	for (at = json; (at = find(at, end, '%')); at++)
		if (may_encode_k(at + 1, end))
			return true;
	for (at = json; (at = find(at, end, '\\')); at++)
		if (may_escape_letter(at, end))
			return true;
	return false;
}
