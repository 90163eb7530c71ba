/* origin - see origin.h. */
#include "origin.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ORIGIN_MAX = 300 }; /* a host name has at most 253 characters */

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text), end_len = strlen(end);

	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* Letters, digits and what host names, IPv6 addresses and ports are made of;
 * so no '/', '?', '#', '@', '\\' nor space. */
static bool is_host_and_port(const char *text)
{
	return *text && *text != ':' &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTU"
			    "VWXYZ0123456789.-_:[]") == strlen(text);
}

bool origin_normalise(char *text)
{
	bool secure = strncasecmp(text, "https://", 8) == 0;
	const char *port = secure ? ":443" : ":80";

	if (!secure && strncasecmp(text, "http://", 7) != 0)
		return false;
	if (!is_host_and_port(text + (secure ? 8 : 7)))
		return false;
	for (char *p = text; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	if (ends_with(text, port))
		text[strlen(text) - strlen(port)] = '\0';
	return true;
}

static bool is_origin_of(const char *origin, const char *scheme,
			 const char *host)
{
	char own[ORIGIN_MAX];
	int len = snprintf(own, sizeof own, "%s%s", scheme, host);

	return len > 0 && (size_t)len < sizeof own && origin_normalise(own) &&
	       strcmp(own, origin) == 0;
}

bool origin_is_allowed(const struct strings *allowed, const char *origin,
		       const char *host)
{
	char asked[ORIGIN_MAX];

	if (strlen(origin) >= sizeof asked)
		return false;
	memcpy(asked, origin, strlen(origin) + 1);
	if (!origin_normalise(asked))
		return false;
	for (size_t i = 0; i < allowed->count; i++)
		if (strcmp(allowed->items[i], asked) == 0)
			return true;
	return allowed->count == 0 && host &&
	       (is_origin_of(asked, "http://", host) ||
		is_origin_of(asked, "https://", host));
}
