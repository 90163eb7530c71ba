/* json - a strict scanner of JSON text that hands out the raw spans of values:
 * the host is a pipe and reads no more of a message than it needs to route it.
 * It is not a parser: it builds no tree and allocates nothing. It never reads
 * past the given length, and containers nest at most CRM_JSON_DEPTH deep. */
#ifndef CRM_JSON_H
#define CRM_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRM_JSON_DEPTH 64

/* A value as it stands in the text; text is NULL when there is none. */
struct crm_json {
	const char *text; /* borrowed */
	size_t len;
};

enum crm_json_type {
	CRM_JSON_NONE,
	CRM_JSON_NULL,
	CRM_JSON_BOOL,
	CRM_JSON_NUMBER,
	CRM_JSON_STRING,
	CRM_JSON_ARRAY,
	CRM_JSON_OBJECT
};

/* The one value of a text, without the white space around it. False when the
 * text is anything but one well-formed value in valid UTF-8. */
bool crm_json_value(const char *text, size_t len, struct crm_json *value);

/* The raw values of some members of the object that `text` holds, in values[]
 * as in names[]; of equal names the first counts. False when the text is not
 * one well-formed object. */
bool crm_json_members(const char *text, size_t len, const char *const names[],
		      struct crm_json values[], size_t count);

enum crm_json_type crm_json_type(struct crm_json value);

/* Walks the elements of an array or the members of an object (name is then a
 * string) that passed one of the functions above. */
struct crm_json_walk {
	const char *at, *end;
	bool object;
};
struct crm_json_walk crm_json_walk(struct crm_json container);
bool crm_json_next(struct crm_json_walk *walk, struct crm_json *name,
		   struct crm_json *value);

/* Copies the text of a string like snprintf, escapes resolved, and returns its
 * full length, or -1 when it is no string, or holds \u0000 or half a surrogate
 * pair. */
ptrdiff_t crm_json_string(struct crm_json value, char *buf, size_t cap);
/* The value of an integer written without fraction or exponent. */
bool crm_json_integer(struct crm_json value, int64_t *number);
bool crm_json_is_true(struct crm_json value);

#endif
