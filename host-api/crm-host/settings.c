/* settings - see settings.h. */
#include "settings.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"
#include "utf8.h"

static bool no_memory(char *why, size_t why_cap)
{
	snprintf(why, why_cap, "out of memory");
	return false;
}

static bool refuse(char *why, size_t why_cap, const char *key,
		   const char *found, const char *allowed)
{
	snprintf(why, why_cap, "host.%s: '%s' is not allowed; it must be %s",
		 key, found, allowed);
	return false;
}

/* Splits the library's form of a list, one element a line. */
static bool strings_split(struct strings *list, const char *lines)
{
	size_t count = 1;

	if (!lines || *lines == '\0')
		return true;
	for (const char *p = lines; *p; p++)
		count += *p == '\n';
	list->text = strdup(lines);
	list->items = calloc(count, sizeof *list->items);
	if (!list->text || !list->items)
		return false;
	for (char *p = list->text; p;) {
		char *end = strchr(p, '\n');

		if (end)
			*end++ = '\0';
		if (*p)
			list->items[list->count++] = p;
		p = end;
	}
	return true;
}

static void strings_free(struct strings *list)
{
	free(list->text);
	free(list->items);
	*list = (struct strings){0};
}

static bool parse_port(const char *text, in_port_t *port)
{
	char *end;
	unsigned long value;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoul(text, &end, 10);
	if (*end || value > 65535)
		return false;
	*port = htons((in_port_t)value);
	return true;
}

/* "127.0.0.1:8085" or "[::1]:8085"; a name would need a resolver, which can
 * wait for the network. */
static bool parse_listen(struct settings *settings, const char *text)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&settings->listen;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&settings->listen;
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t len;

	if (!colon || (size_t)(colon - text) >= sizeof host)
		return false;
	len = (size_t)(colon - text);
	memcpy(host, text, len);
	host[len] = '\0';
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		settings->listen_len = sizeof *v4;
		return parse_port(colon + 1, &v4->sin_port);
	}
	if (len < 3 || host[0] != '[' || host[len - 1] != ']')
		return false;
	host[len - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	settings->listen_len = sizeof *v6;
	return parse_port(colon + 1, &v6->sin6_port);
}

static struct in6_addr mapped(const struct in_addr *v4)
{
	struct in6_addr v6 = {0};

	v6.s6_addr[10] = v6.s6_addr[11] = 0xff;
	memcpy(&v6.s6_addr[12], v4, sizeof *v4);
	return v6;
}

bool settings_address_as_v6(const struct sockaddr *address,
			    struct in6_addr *out)
{
	if (address->sa_family == AF_INET)
		*out = mapped(&((const struct sockaddr_in *)address)->sin_addr);
	else if (address->sa_family == AF_INET6)
		*out = ((const struct sockaddr_in6 *)address)->sin6_addr;
	else
		return false;
	return true;
}

static bool parse_address(const char *text, struct in6_addr *out)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) != 1)
		return inet_pton(AF_INET6, text, out) == 1;
	*out = mapped(&v4);
	return true;
}

static bool read_proxies(struct settings *settings, const char *lines,
			 char *why, size_t why_cap)
{
	struct strings list = {0};
	bool good = strings_split(&list, lines);

	if (good && list.count > 0) {
		settings->trusted_proxies =
		    calloc(list.count, sizeof *settings->trusted_proxies);
		good = settings->trusted_proxies != NULL;
	}
	if (!good)
		no_memory(why, why_cap);
	for (size_t i = 0; good && i < list.count; i++) {
		good =
		    parse_address(list.items[i], &settings->trusted_proxies[i]);
		settings->trusted_proxy_count++;
		if (!good)
			refuse(why, why_cap, "trusted_proxies", list.items[i],
			       "an IPv4 or IPv6 address");
	}
	strings_free(&list);
	return good;
}

static bool read_origins(struct settings *settings, const char *lines,
			 char *why, size_t why_cap)
{
	struct strings *list = &settings->origins;

	if (!strings_split(list, lines))
		return no_memory(why, why_cap);
	for (size_t i = 0; i < list->count; i++)
		if (!origin_normalise(list->items[i]))
			return refuse(
			    why, why_cap, "origins", list->items[i],
			    "an origin such as "
			    "https://crm.example.org, without a path");
	return true;
}

static bool read_agents(struct settings *settings, const char *lines, char *why,
			size_t why_cap)
{
	struct strings *list = &settings->demo_agents;

	if (!strings_split(list, lines))
		return no_memory(why, why_cap);
	for (size_t i = 0; i < list->count; i++)
		if (!utf8_is_name(list->items[i]))
			return refuse(why, why_cap, "demo_agents",
				      list->items[i],
				      "a name of at most 256 bytes of UTF-8 "
				      "without control characters");
	return true;
}

bool settings_read(struct settings *settings, struct crm_runtime *runtime,
		   char *why, size_t why_cap)
{
	const char *address = crm_host_setting(runtime, "host", "listen");
	const char *kb = crm_host_setting(runtime, "host", "max_message_kb");

	*settings = (struct settings){0};
	settings->max_message_bytes =
	    kb ? strtoul(kb, NULL, 10) * 1024 : 1024 * 1024;
	if (!parse_listen(settings, address ? address : "127.0.0.1:8085"))
		return refuse(why, why_cap, "listen", address,
			      "an address and a port, such as 127.0.0.1:8085 "
			      "or [::1]:8085");
	return read_proxies(
		   settings,
		   crm_host_setting(runtime, "host", "trusted_proxies"), why,
		   why_cap) &&
	       read_origins(settings,
			    crm_host_setting(runtime, "host", "origins"), why,
			    why_cap) &&
	       read_agents(settings,
			   crm_host_setting(runtime, "host", "demo_agents"),
			   why, why_cap);
}

void settings_free(struct settings *settings)
{
	free(settings->trusted_proxies);
	strings_free(&settings->origins);
	strings_free(&settings->demo_agents);
	*settings = (struct settings){0};
}

void settings_address_text(const struct sockaddr_storage *address, char *buf,
			   size_t cap)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (address->ss_family == AF_INET) {
		const struct sockaddr_in *v4 =
		    (const struct sockaddr_in *)address;

		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
		snprintf(buf, cap, "%s:%u", host, ntohs(v4->sin_port));
	} else {
		const struct sockaddr_in6 *v6 =
		    (const struct sockaddr_in6 *)address;

		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
		snprintf(buf, cap, "[%s]:%u", host, ntohs(v6->sin6_port));
	}
}
