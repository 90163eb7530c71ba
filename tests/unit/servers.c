/* servers - what is tried next, and names that are slow to be looked up. */
#include "../../plugin/clock.h"
#include "../../plugin/servers.h"
#include "../tap.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Instead of the C library's: "two" has two addresses, "none" none, "slow" one,
 * but only when it is let go. */
int __wrap_getaddrinfo(const char *node, const char *service,
		       const struct addrinfo *hints, struct addrinfo **list);
int __real_getaddrinfo(const char *node, const char *service,
		       const struct addrinfo *hints, struct addrinfo **list);

static atomic_bool let_go;
static atomic_int lookups, slow_ended;

int __wrap_getaddrinfo(const char *node, const char *service,
		       const struct addrinfo *hints, struct addrinfo **list)
{
	struct addrinfo *second = NULL;
	bool slow = strcmp(node, "slow") == 0;

	atomic_fetch_add(&lookups, 1);
	while (slow && !atomic_load(&let_go))
		poll(NULL, 0, 1);
	if (strcmp(node, "none") == 0)
		return EAI_NONAME;
	int failure = __real_getaddrinfo("127.0.0.1", service, hints, list);
	if (failure == 0 && strcmp(node, "two") == 0)
		failure =
		    __real_getaddrinfo("127.0.0.2", service, hints, &second);
	if (second)
		(*list)->ai_next = second;
	if (slow)
		atomic_fetch_add(&slow_ended, 1);
	return failure;
}

/* "name/address" of what is to be connected to, or why nothing is. */
static const char *step(struct servers *servers)
{
	static char text[300];
	struct hosts_entry host;
	struct err err = {0};
	uint64_t end = clock_after(clock_ns(), 30000);
	enum servers_state state;

	while ((state = servers_step(servers, &host, &err)) == SERVERS_WAIT &&
	       clock_ns() < end) {
		struct pollfd ended = {servers_fd(servers), POLLIN, 0};

		poll(&ended, 1, 1000);
	}
	if (state == SERVERS_READY)
		snprintf(text, sizeof(text), "%s/%s", host.host,
			 host.hostaddr ? host.hostaddr : "-");
	else
		snprintf(text, sizeof(text), "%s", err.text);
	return text;
}

static void in_turn(void)
{
	struct servers *servers = servers_new("two,10.0.0.1,/run", NULL, "1");

	is(step(servers), "two/127.0.0.1", "the first address of the first");
	ok(servers_next(servers), "will not do: there is more");
	is(step(servers), "two/127.0.0.2", "the second address");
	ok(servers_next(servers), "will not do: there is more");
	is(step(servers), "10.0.0.1/-", "an address is not looked up");
	ok(servers_fd(servers) == -1, "and not waited for");
	ok(servers_next(servers), "will not do: there is more");
	is(step(servers), "/run/-", "nor a socket");
	ok(!servers_next(servers), "will not do: that was all");
	is(step(servers), "two/127.0.0.1", "from the beginning");
	servers_next(servers);
	servers_next(servers);
	servers_again(servers);
	is(step(servers), "10.0.0.1/-", "one that did is tried again first");
	ok(servers_next(servers) && servers_next(servers) &&
	       !strcmp(step(servers), "two/127.0.0.1") &&
	       servers_next(servers) && !servers_next(servers),
	   "and then each other one once");
	servers_free(servers);
}

static void unknown(void)
{
	struct servers *servers = servers_new("none", NULL, NULL);

	ok(strstr(step(servers), "the name \"none\" cannot be looked up: "),
	   "a name that nobody knows is said to be: %s", step(servers));
	ok(!servers_next(servers), "that was all");
	int before = atomic_load(&lookups);
	step(servers);
	ok(atomic_load(&lookups) == before + 1, "it is looked up anew");
	servers_free(servers);

	servers = servers_new("two", "10.0.0.7", NULL);
	is(step(servers), "two/10.0.0.7", "an address given is taken");
	servers_free(servers);
}

static void slow(void)
{
	struct servers *servers = servers_new("slow", NULL, NULL);
	struct servers *leaving = servers_new("slow", NULL, NULL);
	struct hosts_entry host;
	struct err err;
	int before = atomic_load(&lookups);

	for (int i = 0; i < 20; i++) {
		servers_step(servers, &host, &err);
		servers_next(servers);
	}
	ok(servers_step(servers, &host, &err) == SERVERS_WAIT,
	   "a name that hangs is waited for");
	ok(atomic_load(&lookups) <= before + 1, "by one thread");
	servers_step(leaving, &host, &err);
	servers_free(leaving);
	ok(true, "who waited may go");
	while (atomic_load(&lookups) < before + 2)
		poll(NULL, 0, 1);
	servers_next(servers);
	atomic_store(&let_go, true);
	while (atomic_load(&slow_ended) < 2)
		poll(NULL, 0, 1);
	is(step(servers), "slow/127.0.0.1",
	   "what came too late for one attempt serves the next");
	ok(atomic_load(&lookups) == before + 2, "without another lookup");
	servers_again(servers);
	is(step(servers), "slow/127.0.0.1", "but once only");
	ok(atomic_load(&lookups) == before + 3, "then it is looked up anew");
	servers_free(servers);
}

int main(void)
{
	in_turn();
	unknown();
	slow();
	return tap_done();
}
