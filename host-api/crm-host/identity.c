/* identity - see identity.h. */
#include "identity.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct header_search {
	const char *name, *value;
	unsigned count;
};

static enum MHD_Result match_header(void *context, enum MHD_ValueKind kind,
				    const char *name, const char *value)
{
	struct header_search *search = context;

	(void)kind;
	if (strcasecmp(name, search->name) == 0) {
		search->count++;
		search->value = value ? value : "";
	}
	return MHD_YES;
}

unsigned identity_header(struct MHD_Connection *connection, const char *name,
			 const char **value)
{
	struct header_search search = {.name = name};

	MHD_get_connection_values(connection, MHD_HEADER_KIND, match_header,
				  &search);
	*value = search.value;
	return search.count;
}

static bool peer_address(struct MHD_Connection *connection,
			 struct in6_addr *peer)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
	    connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info && info->client_addr &&
	       settings_address_as_v6(info->client_addr, peer);
}

bool identity_is_local(struct MHD_Connection *connection)
{
	struct in6_addr peer;

	if (!peer_address(connection, &peer))
		return false;
	if (IN6_IS_ADDR_V4MAPPED(&peer))
		return peer.s6_addr[12] == 127;
	return IN6_IS_ADDR_LOOPBACK(&peer);
}

static bool is_trusted(const struct settings *settings,
		       struct MHD_Connection *connection)
{
	struct in6_addr peer;

	if (!peer_address(connection, &peer))
		return false;
	for (size_t i = 0; i < settings->trusted_proxy_count; i++)
		if (IN6_ARE_ADDR_EQUAL(&peer, &settings->trusted_proxies[i]))
			return true;
	return false;
}

/* Copies a header that may occur once. False when it is repeated (one of them
 * could have come from outside) or no name. */
static bool copy_name(struct MHD_Connection *connection, const char *header,
		      char out[CRM_UTF8_NAME_MAX + 1])
{
	const char *value;
	unsigned count = identity_header(connection, header, &value);

	out[0] = '\0';
	if (count == 0 || (count == 1 && *value == '\0'))
		return true;
	if (count > 1 || !crm_utf8_is_name(value))
		return false;
	memcpy(out, value, strlen(value) + 1);
	return true;
}

/* A cookie's value may hold few characters, so others are written %XX. */
static void write_cookie_value(FILE *out, const char *name)
{
	for (const char *p = name; *p; p++)
		if (strchr(
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			"0123456789-_.",
			*p))
			fputc(*p, out);
		else
			fprintf(out, "%%%02X", (unsigned)(unsigned char)*p);
}

static char *cookie_text(const char *name, const char *before,
			 const char *after)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs(before, out);
	write_cookie_value(out, name);
	fputs(after, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

char *identity_cookie(const char *agent)
{
	return cookie_text(agent, IDENTITY_COOKIE "=",
			   "; Path=/; HttpOnly; SameSite=Lax");
}

static bool demo_agent(struct identity *who, const struct strings *agents,
		       struct MHD_Connection *connection)
{
	const char *cookie = MHD_lookup_connection_value(
	    connection, MHD_COOKIE_KIND, IDENTITY_COOKIE);

	for (size_t i = 0; cookie && i < agents->count; i++) {
		char *value = cookie_text(agents->items[i], "", "");
		bool same = value && strcmp(value, cookie) == 0;

		free(value);
		if (same) {
			memcpy(who->agent, agents->items[i],
			       strlen(agents->items[i]) + 1);
			return true;
		}
	}
	return false;
}

bool identity_find(struct identity *who, const struct settings *settings,
		   struct MHD_Connection *connection, const char **why)
{
	*who = (struct identity){0};
	if (is_trusted(settings, connection)) {
		if (!copy_name(connection, "X-Remote-User", who->agent) ||
		    !copy_name(connection, "X-Remote-Account", who->account)) {
			*why = "X-Remote-User or X-Remote-Account is repeated "
			       "or is not a name.";
			return false;
		}
		if (who->agent[0])
			return true;
		who->account[0] = '\0';
	}
	if (demo_agent(who, &settings->demo_agents, connection))
		return true;
	*why = settings->demo_agents.count
		   ? "Nobody is signed in; choose an agent with "
		     "/demo?agent=NAME."
		   : "Nobody is signed in.";
	return false;
}
