/* message_threads - eight threads decode at once, as a host's threads do. To be
 * run under TSan too (which sees our code; that cJSON is never entered by two
 * threads is checked here). */
#include "../decode.h"
#include "../tap.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 8, ROUNDS = 3000 };

static atomic_int parsing, most_parsing;
static _Thread_local bool watched;

/* cJSON allocates while it parses, and nowhere else in a decode. */
static void *watched_malloc(size_t size)
{
	if (watched) {
		int now = atomic_fetch_add(&parsing, 1) + 1;
		int most = atomic_load(&most_parsing);
		while (now > most &&
		       !atomic_compare_exchange_weak(&most_parsing, &most, now))
			;
		for (volatile int i = 0; i < 20; i++)
			;
		atomic_fetch_sub(&parsing, 1);
	}
	return malloc(size);
}

struct worker {
	pthread_t thread;
	pthread_mutex_t *lock;
	int number, wrong;
};

static bool decodes_rightly(struct worker *worker, int round)
{
	struct message_origin origin = decode_origin();
	struct message_log log;
	struct err err;
	char message[300], id[40];
	bool good = round % 3 != 0, right;

	snprintf(id, sizeof(id), "%d-%d", worker->number, round);
	snprintf(message, sizeof(message),
		 "{\"requestId\":\"%s\",\"body\":{\"call\":{\"sessionId\":"
		 "\"%s\",\"startTime\":1798794300123.25},\"formData\":{\"x\":"
		 "1.5}}}%s",
		 id, id, good ? "" : "x");
	origin.parsing = worker->lock;
	right = message_decode_log(message, strlen(message), &origin, &log,
				   &err) == good;
	if (good && right)
		right = strcmp(log.event->session_id.s, id) == 0 &&
			strcmp(log.request_id.s, id) == 0;
	message_log_free(&log);
	return right;
}

static void *work(void *data)
{
	struct worker *worker = data;

	watched = true;
	for (int round = 0; round < ROUNDS; round++)
		worker->wrong += !decodes_rightly(worker, round);
	return NULL;
}

static int decode_at_once(pthread_mutex_t *lock)
{
	struct worker workers[THREADS];
	int wrong = 0;

	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.lock = lock, .number = i};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return -1;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		wrong += workers[i].wrong;
	}
	return wrong;
}

int main(void)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	cJSON_Hooks hooks = {watched_malloc, free};

	cJSON_InitHooks(&hooks);
	ok(decode_at_once(&lock) == 0,
	   "each of %d messages in %d threads becomes its own event",
	   THREADS * ROUNDS, THREADS);
	ok(atomic_load(&most_parsing) == 1,
	   "no two threads parse at once, since cJSON writes a global");
	return tap_done();
}
