/* resolver - see resolver.h.
 *
 * What a lookup needs is its own and shared by two, the resolver and the
 * thread; the last to leave frees it. */
#include "resolver.h"

#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ADDRESSES_MAX = 16,
	ADDRESS_TEXT = 80,
	/* what ended since is as good as new */
	FRESH_MS = 10000
};

struct lookup {
	_Atomic int sharers;
	atomic_bool ended; /* then the rest is read only */
	int fd;            /* owned; readable when it has ended */
	char *name;        /* owned */
	uint64_t ended_ns;
	int failure; /* getaddrinfo()'s; 0: none */
	size_t count;
	char addresses[ADDRESSES_MAX][ADDRESS_TEXT];
};

struct resolver {
	char *name;            /* owned */
	struct lookup *lookup; /* shared; NULL: none yet */
	bool used;             /* somebody got to know its result */
};

bool resolver_is_name(const char *host)
{
	struct in_addr address;

	if (!host || !host[0] || strpbrk(host, "/@,:"))
		return false;
	return inet_pton(AF_INET, host, &address) != 1;
}

/* --------------------------------------------------------------- lookup */

static void leave(struct lookup *lookup)
{
	if (!lookup || atomic_fetch_sub(&lookup->sharers, 1) > 1)
		return;
	if (lookup->fd >= 0)
		close(lookup->fd);
	free(lookup->name);
	free(lookup);
}

static struct lookup *lookup_new(const char *name)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return NULL;
	atomic_init(&lookup->sharers, 1);
	atomic_init(&lookup->ended, false);
	lookup->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	lookup->name = strdup(name);
	if (lookup->fd >= 0 && lookup->name)
		return lookup;
	leave(lookup);
	return NULL;
}

static void keep_addresses(struct lookup *lookup, const struct addrinfo *list)
{
	for (; list && lookup->count < ADDRESSES_MAX; list = list->ai_next) {
		char *text = lookup->addresses[lookup->count];

		if (getnameinfo(list->ai_addr, list->ai_addrlen, text,
				ADDRESS_TEXT, NULL, 0, NI_NUMERICHOST) == 0)
			lookup->count++;
	}
	if (lookup->count == 0)
		lookup->failure = EAI_NONAME;
}

static void *run(void *argument)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC,
				       .ai_socktype = SOCK_STREAM};
	struct lookup *lookup = argument;
	struct addrinfo *list = NULL;

	lookup->failure = getaddrinfo(lookup->name, NULL, &hints, &list);
	if (lookup->failure == 0) {
		keep_addresses(lookup, list);
		freeaddrinfo(list);
	}
	lookup->ended_ns = clock_ns();
	atomic_store(&lookup->ended, true);
	eventfd_write(lookup->fd, 1);
	leave(lookup);
	return NULL;
}

static bool start_thread(struct lookup *lookup)
{
	pthread_t thread;

	atomic_store(&lookup->sharers, 2);
	if (pthread_create(&thread, NULL, run, lookup) == 0) {
		pthread_detach(thread);
		return true;
	}
	atomic_store(&lookup->sharers, 1);
	return false;
}

/* ------------------------------------------------------------- resolver */

struct resolver *resolver_new(const char *name)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return NULL;
	resolver->name = strdup(name);
	if (resolver->name)
		return resolver;
	free(resolver);
	return NULL;
}

void resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return;
	leave(resolver->lookup);
	free(resolver->name);
	free(resolver);
}

/* Who began it may have given up before it ended. */
static bool is_to_be_used(const struct resolver *resolver)
{
	const struct lookup *lookup = resolver->lookup;

	if (!lookup || resolver->used)
		return false;
	return !atomic_load(&lookup->ended) ||
	       clock_ns() < clock_after(lookup->ended_ns, FRESH_MS);
}

bool resolver_begin(struct resolver *resolver, struct err *err)
{
	if (is_to_be_used(resolver))
		return true;
	leave(resolver->lookup);
	resolver->used = false;
	resolver->lookup = lookup_new(resolver->name);
	if (resolver->lookup && start_thread(resolver->lookup))
		return true;
	leave(resolver->lookup);
	resolver->lookup = NULL;
	return err_set(err, ERR_NO_MEMORY,
		       "the name \"%s\" cannot be looked up: out of memory or "
		       "threads",
		       resolver->name);
}

enum resolver_state resolver_step(struct resolver *resolver, struct err *err)
{
	const struct lookup *lookup = resolver->lookup;

	if (!atomic_load(&lookup->ended))
		return RESOLVER_BUSY;
	resolver->used = true;
	if (lookup->failure == 0)
		return RESOLVER_DONE;
	err_set(err, ERR_AWAY, "the name \"%s\" cannot be looked up: %s",
		resolver->name, gai_strerror(lookup->failure));
	return RESOLVER_FAILED;
}

int resolver_fd(const struct resolver *resolver)
{
	return resolver->lookup ? resolver->lookup->fd : -1;
}

size_t resolver_count(const struct resolver *resolver)
{
	return resolver->lookup->count;
}

const char *resolver_address(const struct resolver *resolver, size_t index)
{
	return resolver->lookup->addresses[index];
}
