/* resolver - the addresses behind one name, looked up in a thread of its own:
 * the C library's lookup waits for the network, and can neither be given a
 * deadline nor be called off. One that hangs is left to itself; there is never
 * more than one for each resolver. It knows neither libpq nor ports. */
#ifndef CALL_LOG_RESOLVER_H
#define CALL_LOG_RESOLVER_H

#include "err.h"

#include <stdbool.h>
#include <stddef.h>

struct resolver;

enum resolver_state { RESOLVER_BUSY, RESOLVER_DONE, RESOLVER_FAILED };

/* Whether it takes a lookup to connect to what `host` of a connection string
 * says; not so for an address, the folder of a socket, or nothing. */
bool resolver_is_name(const char *host);

/* NULL: no memory. */
struct resolver *resolver_new(const char *name);
/* A lookup under way frees what it needs when it ends. */
void resolver_free(struct resolver *resolver);

/* Begins to look the name up anew, unless a lookup is under way, or has ended
 * just now, too late for who began it. The thread inherits the signal mask. */
bool resolver_begin(struct resolver *resolver, struct err *err);
/* After that: how it stands; does not wait. */
enum resolver_state resolver_step(struct resolver *resolver, struct err *err);
/* Readable once it is no longer busy. */
int resolver_fd(const struct resolver *resolver);

/* DONE: numeric addresses in the order they should be tried, at least one.
 * Borrowed until resolver_begin(). */
size_t resolver_count(const struct resolver *resolver);
const char *resolver_address(const struct resolver *resolver, size_t index);

#endif
