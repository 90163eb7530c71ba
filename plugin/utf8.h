/* utf8 - is it UTF-8, and where may it be cut. It knows no characters by name.
 */
#ifndef CALL_LOG_UTF8_H
#define CALL_LOG_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* How many bytes the character at `bytes` takes; 0 when there is none: not in
 * its shortest form, a surrogate, above U+10FFFF, or not whole within `len`. */
size_t utf8_character(const char *bytes, size_t len);
bool utf8_valid(const char *bytes, size_t len);
/* The most bytes, but not more than `max`, that end where a character ends. */
size_t utf8_cut(const char *bytes, size_t len, size_t max);

#endif
