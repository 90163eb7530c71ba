/* socket - a socket that listens at an address of the settings. */
#ifndef CRM_HOST_SOCKET_H
#define CRM_HOST_SOCKET_H

#include "settings.h"

/* [main] The socket, or -1 with the reason in `why`. */
int socket_listen(const struct settings_address *address, char *why,
		  size_t why_cap);

/* [main] Where it listens: "127.0.0.1:8085" or "[::1]:8085". */
void socket_text(int fd, char *buf, size_t cap);

#endif
