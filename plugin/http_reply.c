/* http_reply - see http_reply.h. */
#include "http_reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { LINE_MAX_BYTES = 256 };

static bool header_is(const char *line, const char *name, const char **value)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0)
		return false;
	*value = line + len + strspn(line + len, " \t");
	return true;
}

/* "bytes 100-199/200", or, where there is no such part, a star for 100-199. What
 * is not understood counts as not said. */
static void read_range(struct http_reply *reply, const char *value)
{
	const char *dash = strchr(value, '-'), *slash = strchr(value, '/');

	if (strncasecmp(value, "bytes ", 6) != 0 || !slash)
		return;
	reply->ranged = true;
	reply->range_start = strtoull(value + 6, NULL, 10);
	if (dash)
		reply->range_end = strtoull(dash + 1, NULL, 10);
	reply->range_total = strtoull(slash + 1, NULL, 10);
}

/* Without the end of its line; too long or odd, it counts as not said. */
static void keep(char to[HTTP_VALIDATOR_MAX], const char *value)
{
	size_t len = strcspn(value, "\r\n");

	to[0] = '\0';
	if (len >= HTTP_VALIDATOR_MAX)
		return;
	for (size_t i = 0; i < len; i++)
		if (value[i] < ' ' || value[i] > '~')
			return;
	memcpy(to, value, len);
	to[len] = '\0';
}

/* A weak tag (W/"...") does not say that it is the same to the byte. */
const char *http_reply_validator(const struct http_reply *reply)
{
	return reply->tag[0] == '"' ? reply->tag : reply->modified;
}

void http_reply_read(struct http_reply *reply, const char *bytes, size_t len)
{
	char line[LINE_MAX_BYTES];
	const char *value;

	if (len >= sizeof(line))
		return; /* none of those that matter */
	memcpy(line, bytes, len);
	line[len] = '\0';
	if (header_is(line, "HTTP/", &value))
		*reply = (struct http_reply){0};
	else if (header_is(line, "Transfer-Encoding:", &value))
		reply->chunked = strncasecmp(value, "chunked", 7) == 0;
	else if (header_is(line, "Content-Range:", &value))
		read_range(reply, value);
	else if (header_is(line, "ETag:", &value))
		keep(reply->tag, value);
	else if (header_is(line, "Last-Modified:", &value))
		keep(reply->modified, value);
}
