/* json - see json.h. Recursion is bounded by json_parse()'s depth_max. */
#include "json.h"
#include "json_check.h"
#include "token.h"

#include <cjson/cJSON.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a message. On the stack: a large block of memory makes malloc() tidy up
 * all the small ones that cJSON gave back. */
enum { USUAL_LEN = 4096 };

static const cJSON *item_of(const struct json *value)
{
	return (const cJSON *)value;
}

static const struct json *value_of(const cJSON *item)
{
	return (const struct json *)item;
}

/* cJSON and printf write and read decimal points as the locale has them, which
 * belongs to the host. Only the calling thread's is changed, and only from
 * begin to end. */
struct plain_locale {
	locale_t plain, before;
};

static struct plain_locale plain_locale_begin(void)
{
	struct plain_locale locale;

	locale.plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	locale.before = uselocale(locale.plain);
	return locale;
}

static void plain_locale_end(struct plain_locale locale)
{
	uselocale(locale.before);
	if (locale.plain)
		freelocale(locale.plain);
}

/* Of a text that was checked. */
static struct json *build(const char *bytes, size_t len, struct err *err)
{
	struct plain_locale locale = plain_locale_begin();
	/* Threads parse at once, without a lock that one of them might have to
	 * wait for: all that cJSON shares is where the last error was, which it
	 * writes at each parse. Its manual allows that where nobody asks for it
	 * (cJSON_GetErrorPtr), and a lock of ours would not cover the host's own
	 * use of it. */
	cJSON *root = cJSON_ParseWithLengthOpts(bytes, len, NULL, 0);
	plain_locale_end(locale);

	if (!root) /* the text is good, so nothing else is left */
		err_set(err, ERR_NO_MEMORY, "no memory to parse the message");
	return (struct json *)root;
}

struct json *json_parse(const char *bytes, size_t len, unsigned depth_max,
			struct err *err)
{
	if (!json_check(bytes, len, depth_max, err))
		return NULL;
	return build(bytes, len, err);
}

struct json *json_parse_named(const char *bytes, size_t len, unsigned depth_max,
			      const struct json_names *names, struct err *err)
{
	char usual[USUAL_LEN];
	char *kept = len <= sizeof(usual) ? usual : malloc(len);
	struct json_pick pick = {.names = names, .kept = kept};
	struct json *root = NULL;

	if (!kept) {
		err_set(err, ERR_NO_MEMORY, "no memory to parse the message");
		return NULL;
	}
	if (json_check_pick(bytes, len, depth_max, &pick, err)) {
		/* json_member() must not find one that was too late before */
		bool all = pick.members > JSON_MEMBERS_MAX;

		root = build(all ? bytes : kept, all ? len : pick.len, err);
	}
	if (kept != usual)
		free(kept);
	return root;
}

void json_free(struct json *root)
{
	cJSON_Delete((cJSON *)root);
}

static bool strip_tokens(cJSON *item)
{
	bool found = cJSON_IsString(item) && token_strip(item->valuestring);

	for (cJSON *child = item->child, *next; child; child = next) {
		next = child->next;
		if (child->string && token_in_name(child->string)) {
			cJSON_DetachItemViaPointer(item, child);
			json_wipe((struct json *)child);
			cJSON_Delete(child);
			found = true;
		} else if (strip_tokens(child)) {
			found = true;
		}
	}
	return found;
}

bool json_strip_tokens(struct json *root)
{
	return strip_tokens((cJSON *)root);
}

void json_remove(struct json *root, const char *const *path)
{
	cJSON *object = NULL, *item = (cJSON *)root;

	for (; item && *path; path++) {
		object = item;
		item = (cJSON *)json_member((struct json *)object, *path);
	}
	if (item && object)
		cJSON_Delete(cJSON_DetachItemViaPointer(object, item));
}

void json_wipe(struct json *root)
{
	for (cJSON *item = (cJSON *)root; item; item = item->next) {
		if (cJSON_IsString(item))
			explicit_bzero(item->valuestring,
				       strlen(item->valuestring));
		if (item->string)
			explicit_bzero(item->string, strlen(item->string));
		json_wipe((struct json *)item->child);
	}
}

bool json_is_object(const struct json *value)
{
	return cJSON_IsObject(item_of(value));
}

bool json_is_array(const struct json *value)
{
	return cJSON_IsArray(item_of(value));
}

/* cJSON_GetObjectItemCaseSensitive() without a bound would let an object of
 * 100,000 members be read once for each name that is looked for. */
const struct json *json_member(const struct json *object, const char *name)
{
	if (!json_is_object(object))
		return NULL;

	const cJSON *item = item_of(object)->child;
	for (int i = 0; item && i < JSON_MEMBERS_MAX; i++, item = item->next) {
		if (item->string[0] == name[0] &&
		    strcmp(item->string, name) == 0)
			return value_of(item);
	}
	return NULL;
}

const struct json *json_first(const struct json *array)
{
	return json_is_array(array) ? value_of(item_of(array)->child) : NULL;
}

const struct json *json_next(const struct json *value)
{
	return value ? value_of(item_of(value)->next) : NULL;
}

const char *json_string(const struct json *value)
{
	return cJSON_GetStringValue(item_of(value));
}

bool json_number(const struct json *value, double *number)
{
	if (!cJSON_IsNumber(item_of(value)))
		return false;
	*number = item_of(value)->valuedouble;
	return true;
}

int json_boolean(const struct json *value)
{
	if (!cJSON_IsBool(item_of(value)))
		return -1;
	return cJSON_IsTrue(item_of(value)) ? 1 : 0;
}

/* The shortest digits that read back as the same number, as JavaScript does. */
static void write_number(double number, struct buf *buf)
{
	char digits[40];
	int precision = 15;

	if (!isfinite(number)) {
		buf_add_string(buf, "null");
		return;
	}
	if (number > -1e15 && number < 1e15 &&
	    number == (double)(int64_t)number) {
		buf_add_int(buf, (int64_t)number);
		return;
	}
	do
		snprintf(digits, sizeof(digits), "%.*g", precision, number);
	while (strtod(digits, NULL) != number && precision++ < 17);
	buf_add_string(buf, digits);
}

static bool is_listed(const char *name, const char *const *list)
{
	for (; list && *list; list++) {
		if (strcmp(*list, name) == 0)
			return true;
	}
	return false;
}

static void write_item(const cJSON *item, const char *const *without,
		       struct buf *buf)
{
	bool object = cJSON_IsObject(item), first = true;

	if (cJSON_IsString(item)) {
		buf_add_json(buf, item->valuestring, strlen(item->valuestring));
		return;
	}
	if (cJSON_IsNumber(item)) {
		write_number(item->valuedouble, buf);
		return;
	}
	if (!object && !cJSON_IsArray(item)) {
		buf_add_string(buf, cJSON_IsTrue(item)    ? "true"
				    : cJSON_IsFalse(item) ? "false"
							  : "null");
		return;
	}
	buf_add_string(buf, object ? "{" : "[");
	for (item = item->child; item; item = item->next) {
		if (object && is_listed(item->string, without))
			continue;
		if (!first)
			buf_add_string(buf, ",");
		first = false;
		if (object) {
			buf_add_json(buf, item->string, strlen(item->string));
			buf_add_string(buf, ":");
		}
		write_item(item, NULL, buf);
	}
	buf_add_string(buf, object ? "}" : "]");
}

bool json_write(const struct json *value, const char *const *without,
		struct buf *buf)
{
	struct plain_locale locale = plain_locale_begin();

	write_item(item_of(value), without, buf);
	plain_locale_end(locale);
	return !buf->failed;
}
