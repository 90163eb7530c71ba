/* download_address - see download_address.h. libcurl itself reads the address, so
 * that there is one understanding of it. */
#include "download_address.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool is_listed(const char *hosts, const char *host)
{
	size_t wanted = strlen(host);

	for (size_t len; *hosts; hosts += len + (hosts[len] == '\n')) {
		len = strcspn(hosts, "\n");
		if (len == wanted && strncasecmp(hosts, host, len) == 0)
			return true;
	}
	return false;
}

static bool get_part(CURLU *url, CURLUPart part, unsigned flags, char *to,
		     size_t max)
{
	char *text = NULL;
	bool got = curl_url_get(url, part, &text, flags) == CURLUE_OK &&
		   strlen(text) < max;

	if (got)
		memcpy(to, text, strlen(text) + 1);
	curl_free(text);
	return got;
}

/* libcurl has decoded it, to whatever bytes. */
static bool is_name(const char *host)
{
	return host[0] && !host[strspn(host, "0123456789.:[]-"
					     "abcdefghijklmnopqrstuvwxyz"
					     "ABCDEFGHIJKLMNOPQRSTUVWXYZ")];
}

/* What is no name is not to be told either. */
static bool get_place(CURLU *url, struct download_place *place)
{
	if (get_part(url, CURLUPART_HOST, 0, place->host,
		     sizeof(place->host)) &&
	    is_name(place->host) &&
	    get_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, place->port,
		     sizeof(place->port)))
		return true;
	place->host[0] = '\0';
	return false;
}

static bool has_user(CURLU *url)
{
	char *user = NULL;
	bool has =
	    curl_url_get(url, CURLUPART_USER, &user, 0) != CURLUE_NO_USER;

	curl_free(user);
	return has;
}

const char *download_address_judge(const char *address, const char *hosts,
				   struct download_place *place)
{
	char scheme[8] = "";
	const char *why = NULL;
	CURLU *url = curl_url();

	place->host[0] = '\0';
	if (!url || curl_url_set(url, CURLUPART_URL, address, 0) != CURLUE_OK)
		why = "the address is none";
	else if (!get_part(url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) ||
		 strcmp(scheme, "https") != 0)
		why = "the address does not begin with https:";
	else if (!get_place(url, place))
		why = "the address names no server";
	else if (has_user(url))
		why = "the address has a user in it";
	else if (!is_listed(hosts, place->host))
		why = "the server is not one of 'recording_hosts'";
	curl_url_cleanup(url);
	return why;
}

bool download_address_proxy(const char *address, struct download_place *place)
{
	char scheme[8] = "";
	CURLU *url = curl_url();
	bool named =
	    url && curl_url_set(url, CURLUPART_URL, address, 0) == CURLUE_OK &&
	    get_part(url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme)) &&
	    strcmp(scheme, "http") == 0 && get_place(url, place);

	curl_url_cleanup(url);
	return named;
}
