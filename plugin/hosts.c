/* hosts - see hosts.h. */
#include "hosts.h"

#include <stdlib.h>
#include <string.h>

enum { HOST, HOSTADDR, PORT, LISTS };

struct hosts {
	size_t count;
	char *text[LISTS];   /* owned; items end in NUL when split */
	size_t items[LISTS]; /* 0: not given */
};

static bool copy_list(struct hosts *hosts, int list, const char *text)
{
	if (!text || !text[0])
		return true;
	hosts->text[list] = strdup(text);
	hosts->items[list] = 1;
	for (const char *at = text; *at; at++)
		hosts->items[list] += *at == ',';
	return hosts->text[list] != NULL;
}

static void split(struct hosts *hosts, int list)
{
	for (char *at = hosts->text[list]; at && *at; at++) {
		if (*at == ',')
			*at = '\0';
	}
}

/* As many servers as there are addresses or else names; one port serves all. */
static bool fits(const struct hosts *hosts, size_t count)
{
	return (hosts->items[HOST] == 0 || hosts->items[HOST] == count) &&
	       (hosts->items[PORT] <= 1 || hosts->items[PORT] == count);
}

struct hosts *hosts_new(const char *host, const char *hostaddr,
			const char *port)
{
	struct hosts *hosts = calloc(1, sizeof(*hosts));

	if (!hosts)
		return NULL;
	if (!copy_list(hosts, HOST, host) ||
	    !copy_list(hosts, HOSTADDR, hostaddr) ||
	    !copy_list(hosts, PORT, port)) {
		hosts_free(hosts);
		return NULL;
	}
	size_t count = hosts->items[hosts->items[HOSTADDR] ? HOSTADDR : HOST];
	hosts->count = 1;
	if (count > 1 && fits(hosts, count)) {
		hosts->count = count;
		for (int list = 0; list < LISTS; list++)
			split(hosts, list);
	}
	return hosts;
}

void hosts_free(struct hosts *hosts)
{
	if (!hosts)
		return;
	for (int list = 0; list < LISTS; list++)
		free(hosts->text[list]);
	free(hosts);
}

size_t hosts_count(const struct hosts *hosts)
{
	return hosts->count;
}

static const char *item(const struct hosts *hosts, int list, size_t index)
{
	const char *at = hosts->text[list];

	if (!at)
		return NULL;
	if (hosts->count > 1 && hosts->items[list] == hosts->count) {
		while (index-- > 0)
			at += strlen(at) + 1;
	}
	return at[0] ? at : NULL;
}

struct hosts_entry hosts_get(const struct hosts *hosts, size_t index)
{
	return (struct hosts_entry){.host = item(hosts, HOST, index),
				    .hostaddr = item(hosts, HOSTADDR, index),
				    .port = item(hosts, PORT, index)};
}
