/* message_threads - threads decode at once, as a host's threads do, and none
 * waits for another. To be run under TSan too. */
#include "../decode.h"
#include "../tap.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

enum { THREADS = 8, ROUNDS = 3000, PATIENCE_S = 30 };

struct worker {
	pthread_t thread;
	int number, wrong;
};

static bool decodes_rightly(int number, int round)
{
	struct message_origin origin = decode_origin();
	struct message_log log;
	struct err err;
	char message[300], id[40];
	bool good = round % 3 != 0, right;

	snprintf(id, sizeof(id), "%d-%d", number, round);
	snprintf(message, sizeof(message),
		 "{\"requestId\":\"%s\",\"body\":{\"call\":{\"sessionId\":"
		 "\"%s\",\"startTime\":1798794300123.25},\"formData\":{\"x\":"
		 "1.5}}}%s",
		 id, id, good ? "" : "x");
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

	for (int round = 0; round < ROUNDS; round++)
		worker->wrong += !decodes_rightly(worker->number, round);
	return NULL;
}

static int decode_at_once(void)
{
	struct worker workers[THREADS];
	int wrong = 0;

	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.number = i};
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			return -1;
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		wrong += workers[i].wrong;
	}
	return wrong;
}

/* --------------------------------------------------- one is held up within */

/* cJSON allocates while it parses: there one thread is held up. */
static _Thread_local bool held_up;
static sem_t inside, others_done;
static bool in_time;

static bool wait_for(sem_t *event)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	return sem_timedwait(event, &until) == 0;
}

static void *slow_malloc(size_t size)
{
	if (held_up) {
		held_up = false;
		sem_post(&inside);
		in_time = wait_for(&others_done);
	}
	return malloc(size);
}

static void *be_held_up(void *data)
{
	struct worker *worker = data;

	held_up = true;
	worker->wrong = !decodes_rightly(worker->number, 1);
	return NULL;
}

static void none_waits(void)
{
	struct worker slow = {.number = THREADS};
	cJSON_Hooks hooks = {slow_malloc, free}, standard = {malloc, free};

	sem_init(&inside, 0, 0);
	sem_init(&others_done, 0, 0);
	cJSON_InitHooks(&hooks);
	pthread_create(&slow.thread, NULL, be_held_up, &slow);
	bool entered = wait_for(&inside);
	bool right = decodes_rightly(0, 1);
	sem_post(&others_done);
	pthread_join(slow.thread, NULL);
	cJSON_InitHooks(&standard);
	ok(entered && right && in_time && slow.wrong == 0,
	   "a thread held up in the middle of a message holds up no other");
}

int main(void)
{
	ok(decode_at_once() == 0,
	   "each of %d messages in %d threads becomes its own event",
	   THREADS * ROUNDS, THREADS);
	none_waits();
	return tap_done();
}
