/* socket - see socket.h. */
#include "socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int socket_listen(const struct settings_address *address, char *why,
		  size_t why_cap)
{
	const struct sockaddr *bound =
	    (const struct sockaddr *)&address->address;
	int on = 1;
	int fd = socket(bound->sa_family,
			SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	char text[64];

	if (fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
	    bind(fd, bound, address->len) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	settings_address_text(&address->address, text, sizeof text);
	snprintf(why, why_cap, "cannot listen on %s: %s", text,
		 strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

void socket_text(int fd, char *buf, size_t cap)
{
	struct sockaddr_storage bound = {0};
	socklen_t len = sizeof bound;

	getsockname(fd, (struct sockaddr *)&bound, &len);
	settings_address_text(&bound, buf, cap);
}
