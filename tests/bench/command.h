/* command - what a program of the bench is told on stdin: one line, a verb and
 * then KEY=VALUE. It knows no verb. */
#ifndef BENCH_COMMAND_H
#define BENCH_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum { COMMAND_PAIRS = 24 };

struct command {
	char *line; /* owned */
	size_t cap;
	const char *verb;
	char *keys[COMMAND_PAIRS]; /* "key=value" */
	size_t count;
};

/* Reads the next one in place of the last; false: there is none. */
bool command_read(struct command *command);
bool command_is(const struct command *command, const char *verb);
void command_free(struct command *command);

/* The value of a key; one that is missing is a mistake of who wrote the line. */
const char *command_text(const struct command *command, const char *key);
long command_number(const struct command *command, const char *key);

/* Ends the program. */
__attribute__((format(printf, 1, 2), noreturn)) void die(const char *format,
							 ...);

#endif
