/* buf - a byte buffer that grows up to a limit given at its creation. It is not
 * a string library: it appends, and remembers a failure until it is asked. */
#ifndef CALL_LOG_BUF_H
#define CALL_LOG_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A failed append changes nothing and makes all later ones fail, so that a
 * caller appends freely and looks at `failed` once, at the end. */
struct buf {
	char *bytes; /* owned; `len` bytes and a NUL; NULL while nothing was
			added */
	size_t len;
	size_t cap;
	size_t max;  /* `len` never exceeds this */
	bool failed; /* memory ran out, or an append would have exceeded max */
	bool full;   /* it was the latter */
};

/* Allocates nothing. */
void buf_init(struct buf *buf, size_t max);
/* Harmless twice; afterwards the buffer is as after buf_init(). */
void buf_free(struct buf *buf);
/* Empties it and forgets a failure, but keeps the memory. */
void buf_clear(struct buf *buf);

/* Makes it longer by `len` bytes, for the caller to fill in; NULL when it has
 * failed. */
char *buf_extend(struct buf *buf, size_t len);

/* Each returns !buf->failed. */
bool buf_add(struct buf *buf, const void *bytes, size_t len);
bool buf_add_string(struct buf *buf, const char *string);
bool buf_add_int(struct buf *buf, int64_t number);
/* A JSON string: quotes, escapes, text. The bytes must be valid UTF-8. */
bool buf_add_json(struct buf *buf, const char *bytes, size_t len);

/* Gives the bytes away as a NUL-terminated string to free(), its length in *len
 * (which may be NULL), and leaves the buffer as after buf_init(). NULL when it
 * failed or memory is out. */
char *buf_take(struct buf *buf, size_t *len);

#endif
