/* err - what went wrong, on the caller's stack: a kind to act on and a line for
 * a person. It is not a log: who handles an error decides whether to log it. */
#ifndef CALL_LOG_ERR_H
#define CALL_LOG_ERR_H

#include <stdbool.h>

enum err_kind {
	ERR_NONE = 0,
	ERR_NO_MEMORY, /* an allocation failed */
	ERR_INPUT,  /* the message is wrong; the same message will fail again */
	ERR_CONFIG, /* the configuration is wrong */
	ERR_AWAY,   /* the database cannot be reached now, or is busy: try later
		     */
	ERR_ROW,    /* the database refuses the data: SQLSTATE class 22 or 23 */
	ERR_SCHEMA, /* schema or rights are not as needed: SQLSTATE class 42 */
	ERR_TIMEOUT,  /* a deadline passed */
	ERR_FULL,     /* the spool or its disk is full: try later */
	ERR_STOPPING, /* stop() began */
	ERR_INTERNAL  /* anything else */
};

struct err {
	enum err_kind kind;
	char sqlstate[6]; /* "" unless the database said one */
	char text[256];   /* lower case, no full stop, cut when longer */
};

/* Fills *err and returns false, so that a function can end in
 * `return err_set(err, ERR_INPUT, "...")`. err may be NULL. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes one line of a library's several, in place. */
void err_flatten(char *text);

#endif
