/* http_wait - the questions of http.c and http_file.c for who has nothing else to do: an FFI, a
 * host that serves one request at a time. */
#include "crm_host.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the caller waits. */
struct waiter {
	pthread_mutex_t mutex;
	pthread_cond_t answered;
	bool done;
	/* owned; NULL: no memory. Which one is known by what was asked. */
	struct crm_host_answer *answer;
	struct crm_host_file *file;
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

/* Moves `at` behind a copy of the text; a NULL one stays that. */
static const char *put(const char *text, char **at)
{
	size_t size = text ? strlen(text) + 1 : 0;
	char *copy = text ? memcpy(*at, text, size) : NULL;

	*at += size;
	return copy;
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* One piece of memory, likewise. */
static struct crm_host_file *file_new(const struct crm_host_file *file)
{
	struct crm_host_file *copy = malloc(
	    sizeof *copy + size_of(file->type) + size_of(file->disposition) +
	    size_of(file->tag) + size_of(file->range) + file->body_len + 1);
	char *at;

	if (!copy)
		return NULL;
	*copy = *file;
	at = (char *)(copy + 1);
	copy->type = put(file->type, &at);
	copy->disposition = put(file->disposition, &at);
	copy->tag = put(file->tag, &at);
	copy->range = put(file->range, &at);
	copy->body = at;
	if (file->body_len > 0)
		memcpy(at, file->body, file->body_len);
	at[file->body_len] = '\0';
	return copy;
}

/* Signals under the mutex: the waiter's stack is gone right after it. */
static void wake(struct waiter *waiter)
{
	waiter->done = true;
	pthread_cond_signal(&waiter->answered);
	pthread_mutex_unlock(&waiter->mutex);
}

static void take_answer(void *context, unsigned status, const char *body,
			size_t len)
{
	struct waiter *waiter = context;

	pthread_mutex_lock(&waiter->mutex);
	waiter->answer = answer_new(status, body, len);
	wake(waiter);
}

static void take_file(void *context, const struct crm_host_file *file)
{
	struct waiter *waiter = context;

	pthread_mutex_lock(&waiter->mutex);
	waiter->file = file_new(file);
	if (!waiter->file && file->fd >= 0)
		close(file->fd);
	wake(waiter);
}

static void wait_for(struct waiter *waiter)
{
	pthread_mutex_lock(&waiter->mutex);
	while (!waiter->done)
		pthread_cond_wait(&waiter->answered, &waiter->mutex);
	pthread_mutex_unlock(&waiter->mutex);
	pthread_cond_destroy(&waiter->answered);
	pthread_mutex_destroy(&waiter->mutex);
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

	crm_host_http_message(runtime, account, agent, body, body_len,
			      take_answer, &waiter);
	wait_for(&waiter);
	return waiter.answer;
}

struct crm_host_answer *crm_host_http_call_events(struct crm_runtime *runtime,
						  const char *account,
						  const char *agent,
						  const char *after)
{
	struct waiter waiter = WAITER_INIT;

	crm_host_http_events(runtime, account, agent, after, take_answer,
			     &waiter);
	wait_for(&waiter);
	return waiter.answer;
}

struct crm_host_file *
crm_host_http_call_file(struct crm_runtime *runtime, const char *account,
			const char *agent, const char *path,
			const struct crm_host_wanted *wanted)
{
	struct waiter waiter = WAITER_INIT;

	crm_host_http_file(runtime, account, agent, path, wanted, take_file,
			   &waiter);
	wait_for(&waiter);
	return waiter.file;
}

void crm_host_http_free_file(struct crm_host_file *file)
{
	free(file);
}

void crm_host_http_free(struct crm_host_answer *answer)
{
	free(answer);
}
