/* public_address - which addresses may be fetched from. */
#include "../../plugin/public_address.h"
#include "../tap.h"

#include <netinet/in.h>

static void texts(const char *const *list, bool wanted, bool loopback)
{
	for (; *list; list++)
		ok(public_address_text(*list, loopback) == wanted, "%s is %s%s",
		   *list, wanted ? "public" : "not public",
		   loopback ? ", where loopback counts" : "");
}

int main(void)
{
	static const char *const public[] = {"8.8.8.8",
					     "9.255.255.255",
					     "11.0.0.0",
					     "100.63.255.255",
					     "100.128.0.0",
					     "172.15.255.255",
					     "172.32.0.0",
					     "192.167.255.255",
					     "192.169.0.0",
					     "198.17.255.255",
					     "198.20.0.0",
					     "223.255.255.255",
					     "2606:4700::1",
					     "2a00:1450::200e",
					     "::ffff:8.8.8.8",
					     "64:ff9b::8.8.8.8",
					     NULL};
	static const char *const inner[] = {"0.0.0.0",
					    "10.0.0.0",
					    "10.255.255.255",
					    "100.64.0.1",
					    "100.127.255.255",
					    "169.254.169.254",
					    "172.16.0.1",
					    "172.31.255.255",
					    "192.0.0.1",
					    "192.0.2.1",
					    "192.88.99.1",
					    "192.168.0.1",
					    "198.18.0.1",
					    "198.19.255.255",
					    "198.51.100.7",
					    "203.0.113.9",
					    "224.0.0.1",
					    "240.0.0.1",
					    "255.255.255.255",
					    "::",
					    "fe80::1",
					    "fe80::1%lo",
					    "fc00::1",
					    "fd12:3456::1",
					    "fec0::1",
					    "ff02::1",
					    "2001::1",
					    "2001:db8::1",
					    "2002:a00:1::1",
					    "3fff::1",
					    "100::1",
					    "::ffff:10.0.0.1",
					    "64:ff9b::10.0.0.1",
					    "::10.0.0.1",
					    "64:ff9b:1::1",
					    "not an address",
					    "",
					    "1.2.3",
					    "0x7f.0.0.1",
					    NULL};
	static const char *const loopback[] = {"127.0.0.1", "127.255.255.255",
					       "::1", "::ffff:127.0.0.1", NULL};
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr unix_socket = {.sa_family = AF_UNIX};

	texts(public, true, false);
	texts(inner, false, false);
	texts(inner, false, true);
	texts(loopback, false, false);
	texts(loopback, true, true);
	in.sin_addr.s_addr = htonl(0x08080808);
	ok(public_address((struct sockaddr *)&in, false),
	   "a public one to connect to");
	in.sin_addr.s_addr = htonl(0x0a000001);
	ok(!public_address((struct sockaddr *)&in, true),
	   "a private one to connect to");
	ok(!public_address(&unix_socket, true), "one of no network");
	return tap_done();
}
