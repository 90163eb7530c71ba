/* backoff - when to try again what has failed: at once after a first failure,
 * then later and later. It tries nothing itself. */
#ifndef CALL_LOG_BACKOFF_H
#define CALL_LOG_BACKOFF_H

#include <stdint.h>

struct backoff {
	unsigned failures;  /* since backoff_proved() */
	uint64_t failed_ns; /* when the last was */
	uint64_t next_ns;   /* when to try again */
	uint64_t random;    /* for the jitter */
};

void backoff_init(struct backoff *backoff);

/* It failed: that is counted. */
void backoff_failed(struct backoff *backoff);
/* It failed, but there is something else to be tried at once. */
void backoff_again(struct backoff *backoff);
/* No try is worth while for about `ms`, whatever became of the last. */
void backoff_pause(struct backoff *backoff, uint64_t ms);
/* It works: the next failure is the first. */
void backoff_proved(struct backoff *backoff);

/* Somebody waits: the next try comes at once, unless the last one failed just
 * now. */
void backoff_hurry(struct backoff *backoff);

#endif
