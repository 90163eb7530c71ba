/* http_wait - the questions of http.c for who has nothing else to do: an FFI, a
 * host that serves one request at a time. */
#include "crm_host.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Where the caller waits. */
struct waiter {
	pthread_mutex_t mutex;
	pthread_cond_t answered;
	bool done;
	struct crm_host_answer *answer; /* owned; NULL: no memory */
};

/* One piece of memory: the answer and its body, terminated. */
static struct crm_host_answer *answer_new(unsigned status, const char *body,
					  size_t len)
{
	struct crm_host_answer *answer = malloc(sizeof *answer + len + 1);
	char *copy;

	if (!answer)
		return NULL;
	copy = (char *)(answer + 1);
	if (len > 0)
		memcpy(copy, body, len);
	copy[len] = '\0';
	*answer = (struct crm_host_answer){status, copy, len};
	return answer;
}

/* Signals under the mutex: the waiter's stack is gone right after it. */
static void wake(void *context, unsigned status, const char *body, size_t len)
{
	struct waiter *waiter = context;

	pthread_mutex_lock(&waiter->mutex);
	waiter->answer = answer_new(status, body, len);
	waiter->done = true;
	pthread_cond_signal(&waiter->answered);
	pthread_mutex_unlock(&waiter->mutex);
}

static struct crm_host_answer *wait_for(struct waiter *waiter)
{
	pthread_mutex_lock(&waiter->mutex);
	while (!waiter->done)
		pthread_cond_wait(&waiter->answered, &waiter->mutex);
	pthread_mutex_unlock(&waiter->mutex);
	pthread_cond_destroy(&waiter->answered);
	pthread_mutex_destroy(&waiter->mutex);
	return waiter->answer;
}

#define WAITER_INIT                                                            \
	{                                                                      \
		.mutex = PTHREAD_MUTEX_INITIALIZER,                            \
		.answered = PTHREAD_COND_INITIALIZER                           \
	}

struct crm_host_answer *
crm_host_http_call_message(struct crm_runtime *runtime, const char *account,
			   const char *agent, const char *body, size_t body_len)
{
	struct waiter waiter = WAITER_INIT;

	crm_host_http_message(runtime, account, agent, body, body_len, wake,
			      &waiter);
	return wait_for(&waiter);
}

struct crm_host_answer *crm_host_http_call_events(struct crm_runtime *runtime,
						  const char *account,
						  const char *agent,
						  const char *after)
{
	struct waiter waiter = WAITER_INIT;

	crm_host_http_events(runtime, account, agent, after, wake, &waiter);
	return wait_for(&waiter);
}

void crm_host_http_free(struct crm_host_answer *answer)
{
	free(answer);
}
