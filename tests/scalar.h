/* scalar - Unicode scalar values as UTF-8, by other means than the code under
 * test. */
#ifndef TESTS_SCALAR_H
#define TESTS_SCALAR_H

#include <stddef.h>
#include <stdint.h>

/* Writes at most 4 bytes, without a NUL; returns how many. */
static inline size_t scalar_encode(uint32_t scalar, char *to)
{
	if (scalar < 0x80) {
		to[0] = (char)scalar;
		return 1;
	}
	size_t len = scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4;
	for (size_t i = len - 1; i > 0; i--, scalar >>= 6)
		to[i] = (char)(0x80 | (scalar & 0x3F));
	to[0] = (char)((0xF00 >> len) | scalar);
	return len;
}

#endif
