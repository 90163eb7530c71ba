/* verdict - what a check found: problems, and remarks on them. It lies in
 * memory that a check's process shares with the one that prints, so that it
 * outlives a crash. It does not print. */
#ifndef CRM_CHECK_VERDICT_H
#define CRM_CHECK_VERDICT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { VERDICT_TEXT = 16384, VERDICT_LINE = 1024 };

struct verdict {
	atomic_bool ended; /* the check came to its end */
	atomic_size_t problems;
	atomic_size_t len;
	char text[VERDICT_TEXT]; /* lines, each ended by a newline */
};

/* NULL without memory. */
struct verdict *verdict_new(void);
void verdict_free(struct verdict *verdict);
/* Makes it ready for the next check. */
void verdict_clear(struct verdict *verdict);

/* [any] All below. A problem: the check fails. Returns false. */
bool verdict_fail(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A remark. */
void verdict_say(struct verdict *verdict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Fails with the sentence when the condition is false; returns the condition.
 */
bool verdict_need(struct verdict *verdict, bool condition,
		  const char *sentence);

#endif
