/* range - see range.h. */
#include "range.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t");
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Moves past a number; false: there is none. */
static bool read_number(const char **at, int64_t *number)
{
	if (!is_digit(**at))
		return false;
	for (*number = 0; is_digit(**at); (*at)++) {
		int digit = **at - '0';

		*number = *number > (CRM_RANGE_MAX - digit) / 10
			      ? CRM_RANGE_MAX
			      : *number * 10 + digit;
	}
	return true;
}

/* Moves past one part: 5-, 5-9 or -9. */
static bool read_part(const char **at, struct crm_range *range)
{
	if (**at == '-') {
		(*at)++;
		range->kind = CRM_RANGE_END;
		return read_number(at, &range->first);
	}
	range->kind = CRM_RANGE_FROM;
	range->last = CRM_RANGE_MAX;
	if (!read_number(at, &range->first) || **at != '-')
		return false;
	(*at)++;
	return !is_digit(**at) ||
	       (read_number(at, &range->last) && range->first <= range->last);
}

/* A list may have empty elements. */
static bool read_list(const char *at, struct crm_range *range)
{
	unsigned parts = 0;

	for (;;) {
		at = skip_space(at);
		if (*at == ',') {
			at++;
			continue;
		}
		if (*at == '\0')
			return parts == 1;
		if (++parts > 1 || !read_part(&at, range))
			return false;
		at = skip_space(at);
		if (*at != ',' && *at != '\0')
			return false;
	}
}

/* A weak tag does not say that each byte is the same, and a date not either. */
static bool read_tag(const char *value, char *tag)
{
	size_t len = strlen(value);

	if (len < 3 || len - 2 > CRM_RANGE_TAG_MAX || value[0] != '"' ||
	    value[len - 1] != '"' || strcspn(value + 1, "\"") != len - 2)
		return false;
	memcpy(tag, value + 1, len - 2);
	tag[len - 2] = '\0';
	return true;
}

struct crm_range crm_range_read(const char *range, const char *if_range)
{
	static const struct crm_range whole = {.kind = CRM_RANGE_WHOLE};
	static const char unit[] = "bytes=";
	struct crm_range read = whole;

	if (!range || strncasecmp(range, unit, sizeof unit - 1) != 0 ||
	    !read_list(range + sizeof unit - 1, &read) ||
	    (if_range && !read_tag(if_range, read.tag)))
		return whole;
	return read;
}
