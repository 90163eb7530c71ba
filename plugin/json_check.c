/* json_check - see json_check.h. One pass, no recursion, no allocation. */
#include "json_check.h"
#include "hex.h"
#include "utf8.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

struct check {
	const char *at, *end;
	unsigned depth, depth_max;
	uint64_t objects;  /* bit d: what is open at depth d is an object */
	const char *wrong; /* why it failed */

	struct json_pick *pick; /* or NULL */
	const char *from;       /* begins what is kept, and not copied yet */
	unsigned dropping;      /* depth of the object of which a member is */
	bool dropped;           /* one was, its comma not yet */
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

/* ------------------------------------------------------------------ picking */

static void keep_until(struct check *check, const char *end)
{
	struct json_pick *pick = check->pick;
	size_t len = (size_t)(end - check->from);

	memcpy(pick->kept + pick->len, check->from, len);
	pick->len += len;
}

static bool is_wanted(const struct json_names *names, const char *name,
		      size_t len)
{
	if (len > JSON_NAME_MAX)
		return false;
	for (const char *const *of_len = names->of_len[len]; *of_len; of_len++)
		if ((*of_len)[0] == name[0] && memcmp(*of_len, name, len) == 0)
			return true;
	return false;
}

/* A member begins with this name, its quotes included. */
static void pick_member(struct check *check, const char *name)
{
	size_t len = (size_t)(check->at - name) - 2;

	check->pick->members++;
	if (check->dropping || is_wanted(check->pick->names, name + 1, len))
		return;
	keep_until(check, name);
	check->dropping = check->depth;
}

/* The member's value has ended. */
static void stop_dropping(struct check *check)
{
	check->dropping = 0;
	check->dropped = true;
}

/* The last member of an object was dropped: the comma before it goes too. */
static void drop_comma(struct json_pick *pick)
{
	const char *kept = pick->kept;

	while (strchr(" \n\r\t", kept[pick->len - 1]))
		pick->len--;
	if (kept[pick->len - 1] == ',')
		pick->len--;
}

/* What goes on after a member that was dropped. */
static void keep_again(struct check *check)
{
	check->from = check->at;
	check->dropped = false;
}

/* ----------------------------------------------------------------- checking */

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

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Has the top bit of each byte that is not plain set; beyond the first of them
 * it may be set in others too, by what was borrowed. */
static uint64_t not_plain(uint64_t word)
{
	return (word | (word - EACH_BYTE(0x20)) |
		((word ^ EACH_BYTE('"')) - EACH_BYTE(1)) |
		((word ^ EACH_BYTE('\\')) - EACH_BYTE(1))) &
	       EACH_BYTE(0x80);
}

static const char *skip_plain(const char *at, const char *end)
{
	for (; end - at >= 8; at += 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		word = not_plain(le64toh(word));
		if (word)
			return at + __builtin_ctzll(word) / 8;
	}
	while (at < end && is_plain(*at))
		at++;
	return at;
}

/* Past what stands in a string and is not plain. */
static bool skip_odd(struct check *check)
{
	if (check->at == check->end)
		return fail(check, "a string without an end");
	if (*check->at == '\\')
		return skip_escape(check);
	if ((unsigned char)*check->at < 0x20)
		return fail(check, "a control character in a string");
	size_t step =
	    utf8_character(check->at, (size_t)(check->end - check->at));
	if (step == 0)
		return fail(check, "not UTF-8");
	check->at += step;
	return true;
}

static bool skip_string(struct check *check)
{
	check->at = skip_plain(check->at + 1, check->end);
	while (check->at == check->end || *check->at != '"') {
		if (!skip_odd(check))
			return false;
		check->at = skip_plain(check->at, check->end);
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

/* ---------------------------------------------------------------- structure */

static void skip_space(struct check *check)
{
	while (check->at < check->end && (unsigned char)*check->at <= ' ' &&
	       (*check->at == ' ' || *check->at == '\n' || *check->at == '\r' ||
		*check->at == '\t'))
		check->at++;
}

/* Goes on to the next byte that counts. */
static bool has_more(struct check *check)
{
	if (check->at < check->end && (unsigned char)*check->at > ' ')
		return true;
	skip_space(check);
	return check->at < check->end || fail(check, "it ends too early");
}

static char closing(const struct check *check)
{
	return in_object(check) ? '}' : ']';
}

/* From a name to its value. */
static bool skip_name(struct check *check)
{
	const char *name = check->at;

	if (*name != '"')
		return fail(check, "the name of a member is missing");
	if (!skip_string(check))
		return false;
	if (check->pick)
		pick_member(check, name);
	if (!has_more(check))
		return false;
	if (*check->at != ':')
		return fail(check, "a colon is missing");
	check->at++;
	return has_more(check);
}

static void close_container(struct check *check)
{
	if (check->dropped) {
		drop_comma(check->pick);
		keep_again(check);
	}
	check->at++;
	check->depth--;
}

static bool skip_comma(struct check *check)
{
	if (*check->at != ',')
		return fail(check, "a comma or the end is missing");
	check->at++;
	if (check->dropped)
		keep_again(check);
	return has_more(check) && (!in_object(check) || skip_name(check));
}

/* From the end of a value to the next. False: it failed, or was the last. */
static bool skip_to_value(struct check *check)
{
	for (;;) {
		if (check->dropping && check->dropping == check->depth)
			stop_dropping(check);
		if (check->depth == 0)
			break;
		if (!has_more(check))
			return false;
		if (*check->at != closing(check))
			return skip_comma(check);
		close_container(check);
	}
	skip_space(check);
	return check->at < check->end &&
	       fail(check, "something follows the end");
}

/* To the first value in it, or the next after it. */
static bool open_container(struct check *check)
{
	bool object = *check->at == '{';

	if (check->depth == check->depth_max)
		return fail(check, "nested too deeply");
	check->at++;
	check->depth++;
	check->objects &= ~(UINT64_C(1) << check->depth);
	check->objects |= (uint64_t)object << check->depth;
	if (!has_more(check))
		return false;
	if (*check->at == closing(check)) {
		close_container(check);
		return skip_to_value(check);
	}
	return !object || skip_name(check);
}

/* From a value to the next. False: it failed, or was the last. */
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
	return whole && skip_to_value(check);
}

bool json_check_pick(const char *bytes, size_t len, unsigned depth_max,
		     struct json_pick *pick, struct err *err)
{
	struct check check = {
	    .at = bytes,
	    .end = bytes + len,
	    .pick = pick,
	    .from = bytes,
	    .depth_max =
		depth_max < JSON_DEPTH_LIMIT ? depth_max : JSON_DEPTH_LIMIT - 1,
	};

	for (bool more = has_more(&check); more;)
		more = skip_value(&check);
	if (check.wrong)
		return err_set(
		    err, ERR_INPUT,
		    "the message is not acceptable JSON, byte %zu: %s",
		    (size_t)(check.at - bytes), check.wrong);
	if (pick)
		keep_until(&check, check.end);
	return true;
}

bool json_check(const char *bytes, size_t len, unsigned depth_max,
		struct err *err)
{
	return json_check_pick(bytes, len, depth_max, NULL, err);
}
