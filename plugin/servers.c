/* servers - see servers.h. */
#include "servers.h"

#include "resolver.h"

#include <stdlib.h>

struct servers {
	struct hosts *hosts;         /* owned */
	size_t count;                /* of hosts */
	struct resolver **resolvers; /* owned, each and the list; NULL: no name
					to look up */
	size_t host;                 /* the current one */
	size_t tried;                /* hosts in vain */
	bool looked_up;              /* its name, for this attempt */
	bool known;                  /* its addresses are */
	size_t address;              /* the current one */
};

struct servers *servers_new(const char *host, const char *hostaddr,
			    const char *port)
{
	struct servers *servers = calloc(1, sizeof(*servers));

	if (!servers)
		return NULL;
	servers->hosts = hosts_new(host, hostaddr, port);
	if (servers->hosts) {
		servers->count = hosts_count(servers->hosts);
		servers->resolvers =
		    calloc(servers->count, sizeof(struct resolver *));
	}
	bool whole = servers->resolvers != NULL;
	for (size_t i = 0; whole && i < servers->count; i++) {
		struct hosts_entry entry = hosts_get(servers->hosts, i);

		if (entry.hostaddr || !resolver_is_name(entry.host))
			continue;
		servers->resolvers[i] = resolver_new(entry.host);
		whole = servers->resolvers[i] != NULL;
	}
	if (whole)
		return servers;
	servers_free(servers);
	return NULL;
}

void servers_free(struct servers *servers)
{
	if (!servers)
		return;
	for (size_t i = 0; servers->resolvers && i < servers->count; i++)
		resolver_free(servers->resolvers[i]);
	free(servers->resolvers);
	hosts_free(servers->hosts);
	free(servers);
}

static struct resolver *resolver_of(const struct servers *servers)
{
	return servers->resolvers[servers->host];
}

enum servers_state servers_step(struct servers *servers,
				struct hosts_entry *host, struct err *err)
{
	struct resolver *resolver = resolver_of(servers);

	*host = hosts_get(servers->hosts, servers->host);
	if (!resolver)
		return SERVERS_READY;
	if (!servers->looked_up && !resolver_begin(resolver, err))
		return SERVERS_FAILED;
	servers->looked_up = true;
	switch (resolver_step(resolver, err)) {
	case RESOLVER_BUSY:
		return SERVERS_WAIT;
	case RESOLVER_FAILED:
		return SERVERS_FAILED;
	default:
		servers->known = true;
		host->hostaddr = resolver_address(resolver, servers->address);
		return SERVERS_READY;
	}
}

int servers_fd(const struct servers *servers)
{
	struct resolver *resolver = resolver_of(servers);

	return resolver && servers->looked_up ? resolver_fd(resolver) : -1;
}

static void forget_addresses(struct servers *servers)
{
	servers->looked_up = false;
	servers->known = false;
	servers->address = 0;
}

bool servers_next(struct servers *servers)
{
	if (servers->known &&
	    servers->address + 1 < resolver_count(resolver_of(servers))) {
		servers->address++;
		return true;
	}
	forget_addresses(servers);
	servers->host = (servers->host + 1) % servers->count;
	servers->tried++;
	if (servers->tried < servers->count)
		return true;
	servers->tried = 0;
	return false;
}

void servers_again(struct servers *servers)
{
	forget_addresses(servers);
	servers->tried = 0;
}
