/* array - one PostgreSQL array in its binary form, appended element by element
 * into one buffer that is reused. It knows types, not columns. */
#ifndef CALL_LOG_ARRAY_H
#define CALL_LOG_ARRAY_H

#include "buf.h"
#include "call.h"

#include <stdbool.h>
#include <stdint.h>

/* Object ids of PostgreSQL's own types, the same in every server. */
enum array_type {
	ARRAY_BOOL = 16,
	ARRAY_INT8 = 20,
	ARRAY_INT4 = 23,
	ARRAY_TEXT = 25,
	ARRAY_TIMESTAMPTZ = 1184
};

struct array {
	struct buf buf;
	enum array_type type;
	int32_t count;
	bool nulls; /* some element is NULL */
};

/* The object id of the array type itself, which a parameter is declared as. */
uint32_t array_oid(enum array_type type);

void array_init(struct array *array, enum array_type type, size_t max);
void array_free(struct array *array);

/* Empties it. A buffer that one large batch blew up is given back. */
void array_begin(struct array *array);

/* Each must fit the type. Failures are remembered in the buffer. */
void array_add_null(struct array *array);
void array_add_bool(struct array *array, bool value);
void array_add_int4(struct array *array, int32_t value);
void array_add_int8(struct array *array, int64_t value);
void array_add_text(struct array *array, struct text value); /* s NULL: NULL */
/* Microseconds of Unix time. */
void array_add_time(struct array *array, int64_t unix_us);

/* Completes it: array->buf is the parameter. False when memory ran out. */
bool array_end(struct array *array);

#endif
