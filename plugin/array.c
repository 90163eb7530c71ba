/* array - see array.h. */
#include "array.h"

#include <endian.h>
#include <string.h>

enum { HEADER_LEN = 20, KEEP_MAX = 1024 * 1024 };

/* Between 1970 and 2000, where PostgreSQL counts from. */
static const int64_t EPOCH_US = INT64_C(946684800) * 1000000;

uint32_t array_oid(enum array_type type)
{
	switch (type) {
	case ARRAY_BOOL:
		return 1000;
	case ARRAY_INT8:
		return 1016;
	case ARRAY_INT4:
		return 1007;
	case ARRAY_TEXT:
		return 1009;
	case ARRAY_TIMESTAMPTZ:
		return 1185;
	}
	return 0;
}

void array_init(struct array *array, enum array_type type, size_t max)
{
	*array = (struct array){.type = type};
	buf_init(&array->buf, max);
}

void array_free(struct array *array)
{
	buf_free(&array->buf);
}

void array_begin(struct array *array)
{
	static const char header[HEADER_LEN];

	if (array->buf.cap > KEEP_MAX)
		buf_free(&array->buf);
	buf_clear(&array->buf);
	array->count = 0;
	array->nulls = false;
	buf_add(&array->buf, header, sizeof(header)); /* array_end() fills it */
}

static void add_bytes(struct array *array, const void *bytes, size_t len)
{
	uint32_t length = htobe32((uint32_t)len);
	char *at = buf_extend(&array->buf, sizeof(length) + len);

	array->count++;
	if (!at)
		return;
	memcpy(at, &length, sizeof(length));
	memcpy(at + sizeof(length), bytes, len);
}

void array_add_null(struct array *array)
{
	uint32_t none = UINT32_MAX; /* a length of -1 */

	array->count++;
	array->nulls = true;
	buf_add(&array->buf, &none, sizeof(none));
}

void array_add_bool(struct array *array, bool value)
{
	char byte = value ? 1 : 0;

	add_bytes(array, &byte, 1);
}

void array_add_int4(struct array *array, int32_t value)
{
	uint32_t wire = htobe32((uint32_t)value);

	add_bytes(array, &wire, sizeof(wire));
}

void array_add_int8(struct array *array, int64_t value)
{
	uint64_t wire = htobe64((uint64_t)value);

	add_bytes(array, &wire, sizeof(wire));
}

void array_add_text(struct array *array, struct text value)
{
	if (value.s)
		add_bytes(array, value.s, value.len);
	else
		array_add_null(array);
}

void array_add_time(struct array *array, int64_t unix_us)
{
	array_add_int8(array, unix_us - EPOCH_US);
}

bool array_end(struct array *array)
{
	uint32_t header[HEADER_LEN / 4] = {
	    htobe32(1), /* dimensions */
	    htobe32(array->nulls ? 1 : 0),
	    htobe32((uint32_t)array->type),
	    htobe32((uint32_t)array->count),
	    htobe32(1), /* the first index */
	};

	if (array->buf.failed)
		return false;
	memcpy(array->buf.bytes, header, sizeof(header));
	return true;
}
