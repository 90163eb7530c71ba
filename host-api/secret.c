/* secret - tells whether a connection string holds a password. See secret.h. */
#include "secret.h"

#include <ctype.h>
#include <string.h>

static bool has_password_key(const char *text)
{
	for (const char *p = strstr(text, "password"); p;
	     p = strstr(p + 1, "password")) {
		const char *value = p + strlen("password");

		while (isspace((unsigned char)*value))
			value++;
		if (*value++ != '=')
			continue;
		while (isspace((unsigned char)*value))
			value++;
		if (*value != '\0' && *value != '&' &&
		    strncmp(value, "''", 2) != 0)
			return true;
	}
	return false;
}

/* scheme://user:password@host */
static bool has_password_userinfo(const char *text)
{
	const char *start = strstr(text, "://");
	const char *at, *colon;

	if (!start)
		return false;
	start += 3;
	at = memchr(start, '@', strcspn(start, "/?#"));
	colon = at ? memchr(start, ':', (size_t)(at - start)) : NULL;
	return colon && colon + 1 < at;
}

bool crm_secret_in(const char *text)
{
	return has_password_key(text) || has_password_userinfo(text);
}
