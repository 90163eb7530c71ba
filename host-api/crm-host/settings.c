/* settings - see settings.h. */
#include "settings.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"
#include "utf8.h"

/* Where the values come from, and where a problem with them is told. */
struct reading {
	struct crm_runtime *runtime;
	char *why;
	size_t why_cap;
};

static bool no_memory(const struct reading *reading)
{
	snprintf(reading->why, reading->why_cap, "out of memory");
	return false;
}

/* In the words of the library's own checks. */
static bool refuse(const struct reading *reading, const char *key,
		   const char *found, const char *allowed)
{
	snprintf(reading->why, reading->why_cap,
		 "%s: host.%s: found \"%.100s\", allowed %s",
		 crm_host_place(reading->runtime, key), key, found, allowed);
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

static bool read_list(const struct reading *reading, const char *key,
		      struct strings *list)
{
	return strings_split(list,
			     crm_host_setting(reading->runtime, "host", key)) ||
	       no_memory(reading);
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
static bool parse_listen(struct settings_address *listen, const char *text)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&listen->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&listen->address;
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
		listen->len = sizeof *v4;
		return parse_port(colon + 1, &v4->sin_port);
	}
	if (len < 3 || host[0] != '[' || host[len - 1] != ']')
		return false;
	host[len - 1] = '\0';
	if (inet_pton(AF_INET6, host + 1, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	listen->len = sizeof *v6;
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

static bool read_proxies(const struct reading *reading,
			 struct settings *settings)
{
	const char *key = "trusted_proxies";
	struct strings list = {0};
	bool good = read_list(reading, key, &list);

	if (good && list.count > 0) {
		settings->trusted_proxies =
		    calloc(list.count, sizeof *settings->trusted_proxies);
		good = settings->trusted_proxies || no_memory(reading);
	}
	for (size_t i = 0; good && i < list.count; i++) {
		good = parse_address(list.items[i],
				     &settings->trusted_proxies[i]) ||
		       refuse(reading, key, list.items[i],
			      "an IPv4 or IPv6 address");
		settings->trusted_proxy_count++;
	}
	strings_free(&list);
	return good;
}

static bool read_origins(const struct reading *reading,
			 struct settings *settings)
{
	struct strings *list = &settings->origins;
	bool good = read_list(reading, "origins", list);

	for (size_t i = 0; good && i < list->count; i++)
		good = origin_normalise(list->items[i]) ||
		       refuse(reading, "origins", list->items[i],
			      "an origin such as https://crm.example.org, "
			      "without a path");
	return good;
}

static bool read_agents(const struct reading *reading,
			struct settings *settings)
{
	struct strings *list = &settings->demo_agents;
	bool good = read_list(reading, "demo_agents", list);

	for (size_t i = 0; good && i < list->count; i++)
		good = crm_utf8_is_name(list->items[i]) ||
		       refuse(reading, "demo_agents", list->items[i],
			      "a name of at most 256 bytes of UTF-8 without "
			      "control characters");
	return good;
}

static bool read_listen(const struct reading *reading, const char *key,
			struct settings_address *listen)
{
	const char *text = crm_host_setting(reading->runtime, "host", key);

	if (!text)
		return no_memory(reading); /* each has a default */
	return parse_listen(listen, text) ||
	       refuse(reading, key, text,
		      "an address and a port, such as 127.0.0.1:8085 or "
		      "[::1]:8085");
}

bool settings_read(struct settings *settings, struct crm_runtime *runtime,
		   char *why, size_t why_cap)
{
	const struct reading reading = {runtime, why, why_cap};
	const char *events = crm_host_setting(runtime, "host", "events");
	const char *phone = crm_host_setting(runtime, "host", "phone_listen");
	const char *kb = crm_host_setting(runtime, "host", "max_message_kb");

	*settings = (struct settings){0};
	if (!events || !phone || !kb)
		return no_memory(&reading); /* each has a default */
	settings->max_message_bytes = strtoul(kb, NULL, 10) * 1024;
	settings->polled = strcmp(events, "poll") == 0;
	return read_listen(&reading, "listen", &settings->listen) &&
	       (*phone == '\0' ||
		read_listen(&reading, "phone_listen", &settings->phone)) &&
	       read_proxies(&reading, settings) &&
	       read_origins(&reading, settings) &&
	       read_agents(&reading, settings);
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
