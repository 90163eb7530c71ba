/* settings - what the HTTP server itself takes from the group `host`, read and
 * checked once. Types, ranges and defaults are the host library's; here is only
 * what a key means to this server. */
#ifndef CRM_HOST_SETTINGS_H
#define CRM_HOST_SETTINGS_H

#include <crm_host.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* A list from the configuration file. */
struct strings {
	char *text;   /* owned: all items, each ended by a NUL */
	char **items; /* owned; each borrowed from text */
	size_t count;
};

struct settings_address {
	struct sockaddr_storage address;
	socklen_t len;
};

struct settings {
	struct settings_address listen;
	struct settings_address phone; /* len 0: there is none */
	bool polled; /* events: pages ask, instead of listening */
	struct in6_addr *trusted_proxies; /* owned; IPv4 as ::ffff:a.b.c.d */
	size_t trusted_proxy_count;
	struct strings origins; /* lower case, without a default port */
	struct strings demo_agents;
	size_t max_message_bytes;
};

/* [main] Returns false with one line in `why`: file, line, key, what was
 * found, what is allowed. Free with settings_free() in either case. */
bool settings_read(struct settings *settings, struct crm_runtime *runtime,
		   char *why, size_t why_cap);
void settings_free(struct settings *settings);

/* The address as text, "127.0.0.1:8085" or "[::1]:8085", in buf. */
void settings_address_text(const struct sockaddr_storage *address, char *buf,
			   size_t cap);

/* Any address as IPv6, so that all can be compared; false for another family.
 */
bool settings_address_as_v6(const struct sockaddr *address,
			    struct in6_addr *out);

#endif
