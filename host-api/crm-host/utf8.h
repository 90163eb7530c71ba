/* utf8 - characters, names and JSON strings: what the server writes is always
 * valid text, whoever wrote the bytes. It parses no JSON. */
#ifndef CRM_HOST_UTF8_H
#define CRM_HOST_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { UTF8_NAME_MAX = 256 /* bytes of an agent's or account's name */ };

/* Bytes of the character at s (1-4), or 0 when they are not valid UTF-8. */
size_t utf8_char_len(const char *s, size_t len);

/* Whether the character at s, of that length, is a control character (C0, DEL
 * or C1, which a terminal may obey). */
bool utf8_is_control(const char *s, size_t char_len);

/* Whether s can name an agent or account: 1 to UTF8_NAME_MAX bytes of UTF-8
 * without control characters and without a space at either end. */
bool utf8_is_name(const char *s);

/* Writes s as a JSON string with its quotes; bytes that are not UTF-8 become
 * U+FFFD. */
void utf8_write_json(FILE *out, const char *s, size_t len);
/* The same after `before`, such as ",\"name\":". */
void utf8_write_member(FILE *out, const char *before, const char *value);

#endif
