/* servers - which server to connect to next: those that a connection string
 * names in turn, of each every address behind its name, each an attempt of its
 * own with a deadline of its own. libpq would go through them by itself, but
 * stay with one that accepts and says nothing, and wait for the lookup of a
 * name. It connects to nothing, and knows no libpq. */
#ifndef CALL_LOG_SERVERS_H
#define CALL_LOG_SERVERS_H

#include "err.h"
#include "hosts.h"

#include <stdbool.h>

struct servers;

/* As hosts_new(). NULL: no memory. */
struct servers *servers_new(const char *host, const char *hostaddr,
			    const char *port);
void servers_free(struct servers *servers);

enum servers_state { SERVERS_WAIT, SERVERS_READY, SERVERS_FAILED };

/* READY: connect to *host, borrowed until the next step. WAIT: for the lookup
 * of its name, of which servers_fd() tells. FAILED: its name cannot be looked
 * up, see err; turn to the next. Does not wait. */
enum servers_state servers_step(struct servers *servers,
				struct hosts_entry *host, struct err *err);
int servers_fd(const struct servers *servers); /* -1: nothing to wait for */

/* The current one will not do. False: nor did any other; now the first to be
 * tried is its successor. */
bool servers_next(struct servers *servers);
/* The current one did, until now: it is the first to be tried again. */
void servers_again(struct servers *servers);

#endif
