/* hosts - the servers that a connection string names, one at a time. libpq
 * would try them by itself, but without a deadline for each when it is not to
 * block: it would stay with a server that accepts and says nothing. Pure; it
 * knows no libpq. */
#ifndef CALL_LOG_HOSTS_H
#define CALL_LOG_HOSTS_H

#include <stdbool.h>
#include <stddef.h>

struct hosts;

/* One of them; NULL: not given, libpq's default. Borrowed from the list. */
struct hosts_entry {
	const char *host, *hostaddr, *port;
};

/* From the options of a connection string, comma-separated lists as libpq takes
 * them; NULL or "" where not given. Lists that do not fit together make one
 * entry of them as they are: libpq then says what is wrong. NULL: no memory. */
struct hosts *hosts_new(const char *host, const char *hostaddr,
			const char *port);
void hosts_free(struct hosts *hosts);

/* At least 1. */
size_t hosts_count(const struct hosts *hosts);
struct hosts_entry hosts_get(const struct hosts *hosts, size_t index);

#endif
