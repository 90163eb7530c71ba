/* json - a parsed JSON text. The only file that includes cJSON, behind checks
 * that cJSON does not make. It knows nothing of calls. */
#ifndef CALL_LOG_JSON_H
#define CALL_LOG_JSON_H

#include "buf.h"
#include "err.h"
#include "json_check.h"

/* A value. The outermost one is owned, all others are borrowed from it. */
struct json;

/* Looking for a member reads no more than this many, so that a hostile object
 * costs little; no object of the widget has more than 60. */
enum { JSON_MEMBERS_MAX = 1000 };

/* Owned, or NULL with ERR_INPUT or ERR_NO_MEMORY. `bytes` need not end in a
 * NUL. The locale does not matter. Of members of one name the first counts. */
struct json *json_parse(const char *bytes, size_t len, unsigned depth_max,
			struct err *err);
/* The same, but members with other names (see json_check.h) need not be there:
 * they cost less when they are not. */
struct json *json_parse_named(const char *bytes, size_t len, unsigned depth_max,
			      const struct json_names *names, struct err *err);
void json_free(struct json *root); /* NULL is allowed */

/* Removes every access token (token.h) from all text, and members that are
 * named after one. Returns whether there were any. */
bool json_strip_tokens(struct json *root);

/* Takes out a member of a member, if it is there; `path` ends in NULL. */
void json_remove(struct json *root, const char *const *path);

/* Overwrites every text, so that none is left in memory that is freed. */
void json_wipe(struct json *root);

/* All of these allow NULL, which is of no type and has no members. */
bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);
/* NULL when there is none, or `object` is none. */
const struct json *json_member(const struct json *object, const char *name);
/* First and following values of an array, else NULL. */
const struct json *json_first(const struct json *array);
const struct json *json_next(const struct json *value);

/* NULL when it is no string. NUL-terminated. */
const char *json_string(const struct json *value);
bool json_number(const struct json *value, double *number);
/* 0, 1, or -1 when it is no boolean. */
int json_boolean(const struct json *value);

/* Appends the value as compact JSON. Of an object, members named in `without`
 * (ends in NULL; may be NULL) are left out; deeper ones are not. The bytes that
 * are added are valid whatever the locale. Returns !buf->failed. */
bool json_write(const struct json *value, const char *const *without,
		struct buf *buf);

#endif
