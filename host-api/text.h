/* text - a bounded text in a caller's buffer, filled like snprintf: what does
 * not fit is cut and still counted. It is not a growing buffer: it never
 * allocates. */
#ifndef CRM_TEXT_H
#define CRM_TEXT_H

#include <stddef.h>

struct crm_text {
	char *buf; /* borrowed; may be NULL when cap is 0 */
	size_t cap;
	size_t len; /* of the whole text, also of what was cut */
};

/* Starts an empty text; terminated at once when cap > 0. */
struct crm_text crm_text_in(char *buf, size_t cap);
void crm_text_add(struct crm_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void crm_text_bytes(struct crm_text *text, const char *bytes, size_t len);
/* A new line for the next of several problems: a newline unless empty. */
void crm_text_line(struct crm_text *text);
/* As a JSON string with its quotes; always valid UTF-8. */
void crm_text_json(struct crm_text *text, const char *string);
void crm_text_json_bytes(struct crm_text *text, const char *bytes, size_t len);
/* Copies a string into buf, cut when longer. */
void crm_text_copy(char *buf, size_t cap, const char *string);

#endif
