/* public_address - may the internet be at this address, or is it somebody's inner
 * network: private, loopback, link-local, or kept for something else. It knows no
 * names. */
#ifndef CALL_LOG_PUBLIC_ADDRESS_H
#define CALL_LOG_PUBLIC_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* `loopback`: that of this machine counts as public. */
bool public_address(const struct sockaddr *address, bool loopback);
/* The same of one in digits, as 192.0.2.1 or ::1; a zone (%eth0) is private. */
bool public_address_text(const char *address, bool loopback);

#endif
