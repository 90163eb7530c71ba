/* download_guard - see download_guard.h. */
#include "download_guard.h"

#include "public_address.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

const struct download_place *
download_guard_via(const struct download_guard *guard,
		   const struct download_place *place)
{
	return guard->proxy ? guard->proxy : place;
}

static bool may_pin(const struct download_guard *guard, const char *address)
{
	return guard->proxy ||
	       public_address_text(address, guard->rules->loopback);
}

/* "host:port:address,address", of those addresses that are public. */
enum download_pin download_guard_pin(struct download_guard *guard,
				     const struct download_place *via,
				     const struct resolver *found)
{
	char line[DOWNLOAD_HOST_MAX + 16 + 16 * 80];
	size_t len = (size_t)snprintf(line, sizeof(line), "%s:%s:", via->host,
				      via->port);
	size_t start = len;

	for (size_t i = 0; i < resolver_count(found); i++) {
		const char *address = resolver_address(found, i);

		if (!may_pin(guard, address) ||
		    len + strlen(address) + 4 > sizeof(line))
			continue;
		len +=
		    (size_t)snprintf(line + len, sizeof(line) - len,
				     strchr(address, ':') ? "%s[%s]" : "%s%s",
				     len > start ? "," : "", address);
	}
	if (len == start)
		return DOWNLOAD_PRIVATE;
	guard->pinned = curl_slist_append(NULL, line);
	return guard->pinned ? DOWNLOAD_PINNED : DOWNLOAD_NO_MEMORY;
}

static curl_socket_t on_connect(void *context, curlsocktype purpose,
				struct curl_sockaddr *address)
{
	struct download_guard *guard = context;

	(void)purpose;
	if (!guard->proxy &&
	    !public_address(&address->addr, guard->rules->loopback)) {
		guard->shunned = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
		      address->protocol);
}

/* An empty one keeps libcurl from the environment's, as does the empty list of those
 * that no proxy is for. */
static bool set_proxy(const struct download_guard *guard, CURL *easy)
{
	unsigned code = CURLE_OK;

	code |= curl_easy_setopt(easy, CURLOPT_PROXY, guard->rules->proxy);
	code |= curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	if (guard->proxy)
		code |= curl_easy_setopt(easy, CURLOPT_PROXYPORT,
					 strtol(guard->proxy->port, NULL, 10));
	code |= curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	return code == CURLE_OK;
}

/* Most are what keeps the transfer safe. With an authority of its own no other
 * vouches, those of the system neither. */
bool download_guard_set(struct download_guard *guard, CURL *easy)
{
	const char *ca = guard->rules->ca;
	unsigned code = CURLE_OK;

	code |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	code |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	code |= curl_easy_setopt(easy, CURLOPT_SSLVERSION,
				 (long)CURL_SSLVERSION_TLSv1_2);
	code |= curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
				 (long)CURL_HTTP_VERSION_1_1);
	code |= curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	code |= curl_easy_setopt(easy, CURLOPT_RESOLVE, guard->pinned);
	code |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_connect);
	code |= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, guard);
	if (ca[0]) {
		code |= curl_easy_setopt(easy, CURLOPT_CAINFO, ca);
		code |= curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	return set_proxy(guard, easy) && code == CURLE_OK;
}

void download_guard_end(struct download_guard *guard)
{
	curl_slist_free_all(guard->pinned);
	guard->pinned = NULL;
}
