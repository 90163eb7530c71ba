/* http_part - see http_part.h. Not every server knows If-Range: what it would have
 * compared is compared here once more. */
#include "http_part.h"

#include <string.h>

bool http_part_is_known(const struct http_part *part)
{
	return part->have > 0 && (part->validator[0] || part->total > 0);
}

/* A tag says nothing about a date. */
static bool is_another(const char *had, const char *has)
{
	return had[0] && has[0] && (had[0] == '"') == (has[0] == '"') &&
	       strcmp(had, has) != 0;
}

static bool goes_on(const struct http_part *part,
		    const struct http_reply *reply, int64_t length)
{
	uint64_t len = reply->range_end - reply->range_start + 1;

	if (!reply->ranged || reply->range_start != part->have ||
	    reply->range_end < reply->range_start ||
	    (length >= 0 && (uint64_t)length != len))
		return false;
	if (is_another(part->validator, http_reply_validator(reply)))
		return false;
	if (reply->range_total == 0)
		return part->validator[0] && part->total > reply->range_end;
	return reply->range_end < reply->range_total &&
	       (part->total == 0 || part->total == reply->range_total);
}

static enum http_part_answer
begin(struct http_part *part, const struct http_reply *reply, uint64_t total)
{
	*part = (struct http_part){.total = total};
	memcpy(part->validator, http_reply_validator(reply),
	       strlen(http_reply_validator(reply)) + 1);
	return HTTP_PART_FIRST;
}

enum http_part_answer http_part_read(struct http_part *part, long status,
				     const struct http_reply *reply,
				     int64_t length)
{
	if (status == 200)
		return begin(part, reply, length < 0 ? 0 : (uint64_t)length);
	if (!goes_on(part, reply, length))
		return HTTP_PART_OTHER;
	if (part->have == 0)
		return begin(part, reply, reply->range_total);
	if (reply->range_total > 0)
		part->total = reply->range_total;
	return HTTP_PART_NEXT;
}

bool http_part_is_whole(const struct http_part *part,
			const struct http_reply *reply)
{
	return part->have > 0 && reply->ranged &&
	       reply->range_total == part->have &&
	       (part->total == 0 || part->total == part->have) &&
	       !is_another(part->validator, http_reply_validator(reply));
}
