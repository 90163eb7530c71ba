/* threads - the plugin's own threads, started and joined together. It knows
 * nothing of what they do, nor how they are told to end. */
#ifndef CALL_LOG_THREADS_H
#define CALL_LOG_THREADS_H

#include "err.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { THREADS_MAX = 6 };

struct thread {
	struct threads *threads; /* borrowed */
	void *(*run)(void *);
	void *argument;
	pthread_t id;
};

struct threads {
	struct thread list[THREADS_MAX];
	size_t count;          /* of those to be joined; [main] */
	pthread_mutex_t mutex; /* for: */
	size_t running;        /* threads that have not ended */
	pthread_cond_t ended;  /* one of them has */
};

void threads_init(struct threads *threads);
/* Only when all have been joined. */
void threads_free(struct threads *threads);

/* [main] Starts one more; every signal is blocked in it: they belong to the
 * host's threads. The name, at most 15 bytes, is for whoever looks at the
 * process. */
bool threads_start(struct threads *threads, const char *name,
		   void *(*run)(void *), void *argument, struct err *err);

/* [main] Waits for all of them, until a moment. False: some run on past it, and
 * none has been joined. */
bool threads_join(struct threads *threads, uint64_t until_ns);

#endif
