/* prepared - which statements the server has prepared for one connection, and
 * under which names. It sends nothing: db.h does, and tells what came of it.
 *
 * A statement that is sent again and again is parsed and planned once, where the
 * server's session is this connection's alone. Behind a pooler it may be another
 * session each time, which knows no such name, or knows it from somebody else. */
#ifndef CALL_LOG_PREPARED_H
#define CALL_LOG_PREPARED_H

#include <stdbool.h>
#include <stddef.h>

enum {
	PREPARED_MAX = 4, /* statements; more go without a name */
	PREPARED_NAME = 24
};

struct prepared {
	bool alone; /* the session is */
	bool never; /* it was not, although it seemed to be */
	size_t count;
	struct {
		const char *sql; /* borrowed for ever; known by its address */
		bool sent, made;
		size_t at; /* sent: the position in the group under way */
	} statements[PREPARED_MAX];
};

enum prepared_how {
	PREPARED_NOT,  /* send it without a name */
	PREPARED_SEND, /* prepare it under the name first */
	PREPARED_MADE  /* it is, or will be by then */
};

/* There is no connection any more. */
void prepared_forget(struct prepared *prepared);

/* How to send a statement; `at` is the position that its preparation would
 * have among all that is sent in the group. */
enum prepared_how prepared_ask(struct prepared *prepared, const char *sql,
			       size_t at, char name[PREPARED_NAME]);

/* The result at a position has come: whether it is of a preparation. */
bool prepared_took(struct prepared *prepared, size_t at, bool good);

/* The group has ended; what was not prepared then is not. */
void prepared_end(struct prepared *prepared);

#endif
