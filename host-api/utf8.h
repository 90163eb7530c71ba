/* utf8 - characters, names and JSON strings: what a host writes is always valid
 * text, whoever wrote the bytes. It parses no JSON. */
#ifndef CRM_UTF8_H
#define CRM_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { CRM_UTF8_NAME_MAX = 256 /* bytes of an agent's or account's name */ };

/* Bytes of the character at s (1-4), or 0 when they are not valid UTF-8. */
size_t crm_utf8_char_len(const char *s, size_t len);

/* Whether the character at s, of that length, is a control character (C0, DEL
 * or C1, which a terminal may obey). */
bool crm_utf8_is_control(const char *s, size_t char_len);

/* Whether s can name an agent or account: 1 to CRM_UTF8_NAME_MAX bytes of UTF-8
 * without control characters and without a space at either end. */
bool crm_utf8_is_name(const char *s);

/* The character at s as it stands in a JSON string, terminated, into out; a byte
 * that is not UTF-8 becomes U+FFFD. Returns how many bytes of s that was; len must
 * not be 0. */
enum { CRM_UTF8_JSON_MAX = 8 };
size_t crm_utf8_json(const char *s, size_t len, char out[CRM_UTF8_JSON_MAX]);

/* Writes s as a JSON string with its quotes; bytes that are not UTF-8 become
 * U+FFFD. */
void crm_utf8_write_json(FILE *out, const char *s, size_t len);
/* The same after `before`, such as ",\"name\":". */
void crm_utf8_write_member(FILE *out, const char *before, const char *value);

#endif
