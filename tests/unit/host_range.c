/* host_range - which part of a file a request wants, as its headers say it. */
#include "../tap.h"

#include <inttypes.h>
#include <stdlib.h>

#include "../../host-api/range.h"

/* "whole", "5-9", "5-", "end 7", each perhaps with " if TAG". */
static const char *shown(const struct crm_range *range, char *buf, size_t cap)
{
	const char *tag = range->tag[0] ? " if " : "";

	if (range->kind == CRM_RANGE_WHOLE)
		snprintf(buf, cap, "whole%s%s", tag, range->tag);
	else if (range->kind == CRM_RANGE_END)
		snprintf(buf, cap, "end %" PRId64 "%s%s", range->first, tag,
			 range->tag);
	else if (range->last == CRM_RANGE_MAX)
		snprintf(buf, cap, "%" PRId64 "-%s%s", range->first, tag,
			 range->tag);
	else
		snprintf(buf, cap, "%" PRId64 "-%" PRId64 "%s%s", range->first,
			 range->last, tag, range->tag);
	return buf;
}

static const struct {
	const char *range, *if_range, *wanted;
} cases[] = {
    {NULL, NULL, "whole"},
    {"bytes=0-", NULL, "0-"},
    {"bytes=0-0", NULL, "0-0"},
    {"bytes=5-9", NULL, "5-9"},
    {"bytes=500-", NULL, "500-"},
    {"bytes=-7", NULL, "end 7"},
    {"bytes=-0", NULL, "end 0"},
    {"BYTES=1-2", NULL, "1-2"},
    {"bytes=007-08", NULL, "7-8"},
    {"bytes= 1-2", NULL, "1-2"},
    {"bytes=1-2 \t", NULL, "1-2"},
    {"bytes=, ,1-2,,", NULL, "1-2"},
    /* beyond any file, and not of another sign */
    {"bytes=9007199254740990-9007199254740990", NULL,
     "9007199254740990-9007199254740990"},
    {"bytes=9007199254740992-", NULL, "9007199254740991-"},
    {"bytes=9223372036854775808-", NULL, "9007199254740991-"},
    {"bytes=18446744073709551616-18446744073709551626", NULL,
     "9007199254740991-"},
    {"bytes=90071992547409910-5", NULL, "whole"},
    {"bytes=0-99999999999999999999999999", NULL, "0-"},
    {"bytes=-99999999999999999999999999", NULL, "end 9007199254740991"},
    /* what may be ignored */
    {"", NULL, "whole"},
    {"bytes", NULL, "whole"},
    {"bytes=", NULL, "whole"},
    {"bytes=,", NULL, "whole"},
    {"bytes=-", NULL, "whole"},
    {"bytes=5", NULL, "whole"},
    {"bytes=9-5", NULL, "whole"},
    {"bytes=0-1,4-5", NULL, "whole"},
    {"bytes=0-1 4-5", NULL, "whole"},
    {"bytes=0-1,x", NULL, "whole"},
    {"bytes=0 -1", NULL, "whole"},
    {"bytes=0- 1", NULL, "whole"},
    {"bytes=--1", NULL, "whole"},
    {"bytes=-1-", NULL, "whole"},
    {"bytes=+1-2", NULL, "whole"},
    {"bytes=0x1-2", NULL, "whole"},
    {"bytes =0-1", NULL, "whole"},
    {" bytes=0-1", NULL, "whole"},
    {"lines=0-1", NULL, "whole"},
    {"bytes=0-1;q=1", NULL, "whole"},
    /* conditions */
    {"bytes=5-9", "\"abc\"", "5-9 if abc"},
    {"bytes=-9", "\"a\\b\"", "end 9 if a\\b"},
    {"bytes=5-9", "W/\"abc\"", "whole"},
    {"bytes=5-9", "Sun, 22 Nov 2026 10:00:00 GMT", "whole"},
    {"bytes=5-9", "\"\"", "whole"},
    {"bytes=5-9", "\"", "whole"},
    {"bytes=5-9", "\"a\", \"b\"", "whole"},
    {"bytes=5-9", "", "whole"},
    {NULL, "\"abc\"", "whole"},
    {"bytes=9-5", "\"abc\"", "whole"},
};

static void check_tags(void)
{
	char tag[CRM_RANGE_TAG_MAX + 4];
	struct crm_range range;

	memset(tag, 'x', sizeof tag);
	tag[0] = tag[CRM_RANGE_TAG_MAX + 1] = '"';
	tag[CRM_RANGE_TAG_MAX + 2] = '\0';
	range = crm_range_read("bytes=0-1", tag);
	ok(strlen(range.tag) == CRM_RANGE_TAG_MAX, "a tag may be long");
	tag[CRM_RANGE_TAG_MAX + 1] = 'x';
	tag[CRM_RANGE_TAG_MAX + 2] = '"';
	tag[CRM_RANGE_TAG_MAX + 3] = '\0';
	range = crm_range_read("bytes=0-1", tag);
	ok(range.kind == CRM_RANGE_WHOLE && range.tag[0] == '\0',
	   "one that is too long is none that holds");
}

/* Whatever comes, what is asked for makes sense. */
static void check_chance(void)
{
	static const char letters[] = "0123456789999-,- \t\"W/bytes=";
	unsigned good = 0, parts = 0;
	enum { TRIES = 200000 };

	srandom(7);
	for (int i = 0; i < TRIES; i++) {
		char text[40] = "bytes=", tag[8];
		size_t len = (size_t)random() % 30;
		struct crm_range range;

		for (size_t j = 0; j < len; j++)
			text[6 + j] =
			    letters[(size_t)random() % (sizeof letters - 1)];
		text[6 + len] = '\0';
		for (size_t j = 0; j < sizeof tag - 1; j++)
			tag[j] =
			    letters[(size_t)random() % (sizeof letters - 1)];
		tag[sizeof tag - 1] = '\0';
		range = crm_range_read(text, random() % 2 ? tag : NULL);
		good +=
		    range.kind == CRM_RANGE_WHOLE
			? range.tag[0] == '\0'
			: range.first >= 0 && (range.kind == CRM_RANGE_END ||
					       range.first <= range.last);
		parts += range.kind != CRM_RANGE_WHOLE;
	}
	ok(good == TRIES && parts > 500,
	   "of %d texts of chance each asks for something sensible, %u for "
	   "parts",
	   TRIES, parts);
}

int main(void)
{
	char got[300], name[600];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct crm_range range =
		    crm_range_read(cases[i].range, cases[i].if_range);

		snprintf(name, sizeof name, "Range: %s%s%s",
			 cases[i].range ? cases[i].range : "(none)",
			 cases[i].if_range ? ", If-Range: " : "",
			 cases[i].if_range ? cases[i].if_range : "");
		is(shown(&range, got, sizeof got), cases[i].wanted, name);
	}
	check_tags();
	check_chance();
	return tap_done();
}
