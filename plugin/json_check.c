/* json_check - see json_check.h. One pass, no recursion, no allocation. */
#include "json_check.h"
#include "hex.h"
#include "utf8.h"

#include <stdint.h>
#include <string.h>

enum expect {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* after [ */
	EXPECT_NAME,
	EXPECT_NAME_OR_END, /* after { */
	EXPECT_COLON,
	EXPECT_COMMA_OR_END,
	EXPECT_NOTHING /* after the outermost value */
};

struct check {
	const char *at, *end;
	enum expect expect;
	unsigned depth, depth_max;
	uint64_t objects;  /* bit d: what is open at depth d is an object */
	const char *wrong; /* why it failed */
};

static bool fail(struct check *check, const char *wrong)
{
	check->wrong = wrong;
	return false;
}

static bool in_object(const struct check *check)
{
	return check->objects >> check->depth & 1;
}

static bool value_done(struct check *check)
{
	check->expect = check->depth > 0 ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
	return true;
}

static bool open_container(struct check *check)
{
	bool object = *check->at == '{';

	if (check->depth == check->depth_max)
		return fail(check, "nested too deeply");
	check->at++;
	check->depth++;
	check->objects &= ~(UINT64_C(1) << check->depth);
	check->objects |= (uint64_t)object << check->depth;
	check->expect = object ? EXPECT_NAME_OR_END : EXPECT_VALUE_OR_END;
	return true;
}

static bool close_container(struct check *check)
{
	check->at++;
	check->depth--;
	return value_done(check);
}

/* The value of a \uXXXX at `at`, or -1. */
static int unicode_escape(const struct check *check, const char *at)
{
	int value = 0;

	if (check->end - at < 6 || at[0] != '\\' || at[1] != 'u')
		return -1;
	for (int i = 2; i < 6; i++) {
		int digit = hex_digit(at[i]);
		if (digit < 0)
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static bool is_high_surrogate(int value)
{
	return value >= 0xD800 && value <= 0xDBFF;
}

static bool is_low_surrogate(int value)
{
	return value >= 0xDC00 && value <= 0xDFFF;
}

static bool is_short_escape(char c)
{
	return c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' ||
	       c == 'n' || c == 'r' || c == 't';
}

static bool skip_escape(struct check *check)
{
	if (check->end - check->at < 2)
		return fail(check, "an unfinished escape");
	if (check->at[1] != 'u') {
		if (!is_short_escape(check->at[1]))
			return fail(check, "an unknown escape");
		check->at += 2;
		return true;
	}

	int value = unicode_escape(check, check->at);
	if (value < 0)
		return fail(check, "a \\u escape without four hex digits");
	if (value == 0)
		return fail(check, "a NUL character");
	if (is_low_surrogate(value))
		return fail(check, "half a surrogate pair");
	if (is_high_surrogate(value)) {
		if (!is_low_surrogate(unicode_escape(check, check->at + 6)))
			return fail(check, "half a surrogate pair");
		check->at += 6;
	}
	check->at += 6;
	return true;
}

/* Neither a quote, a backslash, a control character nor beyond ASCII. */
static bool is_plain(char c)
{
	return c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

static bool skip_string(struct check *check)
{
	check->at++;
	for (;;) {
		while (check->at < check->end && is_plain(*check->at))
			check->at++;
		if (check->at == check->end)
			return fail(check, "a string without an end");
		if (*check->at == '"')
			break;
		if (*check->at == '\\') {
			if (!skip_escape(check))
				return false;
			continue;
		}
		if ((unsigned char)*check->at < 0x20)
			return fail(check, "a control character in a string");
		size_t step =
		    utf8_character(check->at, (size_t)(check->end - check->at));
		if (step == 0)
			return fail(check, "not UTF-8");
		check->at += step;
	}
	check->at++;
	return true;
}

static bool skip_digits(struct check *check)
{
	const char *start = check->at;

	while (check->at < check->end && *check->at >= '0' && *check->at <= '9')
		check->at++;
	return check->at > start;
}

static bool skip_one_of(struct check *check, char a, char b)
{
	if (check->at == check->end || (*check->at != a && *check->at != b))
		return false;
	check->at++;
	return true;
}

static bool skip_number(struct check *check)
{
	const char *start = check->at;

	skip_one_of(check, '-', '-');
	if (!skip_one_of(check, '0', '0') && !skip_digits(check))
		return fail(check, "a value is missing");
	if (skip_one_of(check, '.', '.') && !skip_digits(check))
		return fail(check, "an unfinished number");
	if (skip_one_of(check, 'e', 'E')) {
		skip_one_of(check, '+', '-');
		if (!skip_digits(check))
			return fail(check, "an unfinished number");
	}
	if (check->at - start > JSON_NUMBER_MAX)
		return fail(check, "a number with too many digits");
	return true;
}

static bool skip_word(struct check *check, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(check->end - check->at) < len ||
	    memcmp(check->at, word, len) != 0)
		return fail(check, "a value is missing");
	check->at += len;
	return true;
}

static bool skip_value(struct check *check)
{
	bool whole;

	switch (*check->at) {
	case '{':
	case '[':
		return open_container(check);
	case '"':
		whole = skip_string(check);
		break;
	case 't':
		whole = skip_word(check, "true");
		break;
	case 'f':
		whole = skip_word(check, "false");
		break;
	case 'n':
		whole = skip_word(check, "null");
		break;
	default:
		whole = skip_number(check);
	}
	return whole && value_done(check);
}

static bool skip_after_value(struct check *check)
{
	if (*check->at == (in_object(check) ? '}' : ']'))
		return close_container(check);
	if (*check->at != ',')
		return fail(check, "a comma or the end is missing");
	check->at++;
	check->expect = in_object(check) ? EXPECT_NAME : EXPECT_VALUE;
	return true;
}

static bool skip_token(struct check *check)
{
	switch (check->expect) {
	case EXPECT_VALUE_OR_END:
		if (*check->at == ']')
			return close_container(check);
		return skip_value(check);
	case EXPECT_VALUE:
		return skip_value(check);
	case EXPECT_NAME_OR_END:
		if (*check->at == '}')
			return close_container(check);
		/* fall through */
	case EXPECT_NAME:
		if (*check->at != '"')
			return fail(check, "the name of a member is missing");
		check->expect = EXPECT_COLON;
		return skip_string(check);
	case EXPECT_COLON:
		if (*check->at != ':')
			return fail(check, "a colon is missing");
		check->at++;
		check->expect = EXPECT_VALUE;
		return true;
	case EXPECT_COMMA_OR_END:
		return skip_after_value(check);
	case EXPECT_NOTHING:
		break;
	}
	return fail(check, "something follows the end");
}

static void skip_space(struct check *check)
{
	while (check->at < check->end &&
	       (*check->at == ' ' || *check->at == '\n' || *check->at == '\r' ||
		*check->at == '\t'))
		check->at++;
}

bool json_check(const char *bytes, size_t len, unsigned depth_max,
		struct err *err)
{
	struct check check = {
	    .at = bytes,
	    .end = bytes + len,
	    .depth_max =
		depth_max < JSON_DEPTH_LIMIT ? depth_max : JSON_DEPTH_LIMIT - 1,
	};

	for (;;) {
		skip_space(&check);
		if (check.at == check.end)
			break;
		if (!skip_token(&check))
			break;
	}
	if (!check.wrong && check.expect != EXPECT_NOTHING)
		check.wrong = "it ends too early";
	if (check.wrong)
		return err_set(
		    err, ERR_INPUT,
		    "the message is not acceptable JSON, byte %zu: %s",
		    (size_t)(check.at - bytes), check.wrong);
	return true;
}
