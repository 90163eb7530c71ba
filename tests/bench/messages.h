/* messages - what the widget posts about calls: texts of a file, in which the
 * numbers that differ from call to call are filled in. They have a fixed width,
 * so a message costs next to nothing to make. It knows no JSON.
 *
 * The file has one message a line, the stages of a call in order, MESSAGE_STAGES
 * lines a kind of call, of which two calls in a row are. In it stand @call@ (10 digits), @alone@ (see below),
 * @caller@ (7), @start@ (13, Unix milliseconds) and @request@ (12). */
#ifndef BENCH_MESSAGES_H
#define BENCH_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* It rings, is connected, is held, ends, has a record. */
enum { MESSAGE_STAGES = 5 };

struct messages;

/* alone: every event is to be a call of its own, named by its serial number as
 * well, which takes the place of @alone@. Ends the program when the file cannot
 * be read. */
struct messages *messages_open(const char *path, bool alone);
void messages_free(struct messages *messages);

/* The message of a call at that stage, borrowed until the next. Not for two
 * threads at a time. */
const char *messages_fill(struct messages *messages, uint32_t call, int stage,
			  uint32_t serial, int64_t start_ms, size_t *len);

#endif
