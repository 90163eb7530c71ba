/* public_address - see public_address.h. The ranges are those of IANA's registries
 * of special addresses. */
#include "public_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define IP(a, b, c) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (c) << 8)

static bool is_public4(uint32_t ip, bool loopback)
{
	static const struct {
		uint32_t first;
		unsigned bits;
	} special[] = {
	    {IP(0, 0, 0), 8},      {IP(10, 0, 0), 8},
	    {IP(100, 64, 0), 10},  {IP(127, 0, 0), 8},
	    {IP(169, 254, 0), 16}, {IP(172, 16, 0), 12},
	    {IP(192, 0, 0), 24},   {IP(192, 0, 2), 24},
	    {IP(192, 88, 99), 24}, {IP(192, 168, 0), 16},
	    {IP(198, 18, 0), 15},  {IP(198, 51, 100), 24},
	    {IP(203, 0, 113), 24}, {IP(224, 0, 0), 4},
	    {IP(240, 0, 0), 4},
	};

	if (ip >> 24 == 127)
		return loopback;
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if ((ip ^ special[i].first) >> (32 - special[i].bits) == 0)
			return false;
	return true;
}

/* Only what is handed out for the internet, and nothing that leads to an address
 * of the older kind, unless that is public. */
static bool is_public6(const struct in6_addr *ip, bool loopback)
{
	static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b};
	const unsigned char *at = ip->s6_addr;
	uint32_t last;

	memcpy(&last, at + 12, sizeof(last));
	if (IN6_IS_ADDR_V4MAPPED(ip) || memcmp(at, nat64, sizeof(nat64)) == 0)
		return is_public4(ntohl(last), loopback);
	if (IN6_IS_ADDR_LOOPBACK(ip))
		return loopback;
	if ((at[0] & 0xe0) != 0x20)
		return false;
	/* 2001::/23, 2001:db8::/32, 2002::/16, 3fff::/20 */
	return !(at[0] == 0x20 && at[1] == 0x01 && at[2] < 2) &&
	       !(at[0] == 0x20 && at[1] == 0x01 && at[2] == 0x0d &&
		 at[3] == 0xb8) &&
	       !(at[0] == 0x20 && at[1] == 0x02) &&
	       !(at[0] == 0x3f && at[1] == 0xff && at[2] < 0x10);
}

bool public_address(const struct sockaddr *address, bool loopback)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (address->sa_family == AF_INET) {
		memcpy(&in, address, sizeof(in));
		return is_public4(ntohl(in.sin_addr.s_addr), loopback);
	}
	if (address->sa_family == AF_INET6) {
		memcpy(&in6, address, sizeof(in6));
		return is_public6(&in6.sin6_addr, loopback);
	}
	return false;
}

bool public_address_text(const char *address, bool loopback)
{
	struct in_addr in;
	struct in6_addr in6;

	if (inet_pton(AF_INET, address, &in) == 1)
		return is_public4(ntohl(in.s_addr), loopback);
	return inet_pton(AF_INET6, address, &in6) == 1 &&
	       is_public6(&in6, loopback);
}
