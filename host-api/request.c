/* request - the requests that wait for a plugin's answer. See request.h.
 *
 * Invariants, under the mutex: a request is in the table and in the heap, or in
 * neither; whoever takes it out of both calls `done`, after unlocking. So
 * `done` is called once, and may do whatever it likes.
 *
 * The table is a hash of the id: ids are consecutive, so the low bits spread
 * them perfectly. The heap has the nearest deadline on top. */
#include "request.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

enum {
	MAX_WAITING = 1 << 17,
	FIRST_BUCKETS = 256,
	SPARES = 1024,    /* kept for reuse, to save the allocator */
	REMEMBERED = 4096 /* what became of the last ones, for the log */
};

struct request {
	uint64_t id;
	uint64_t deadline_ns;
	const void *owner;
	crm_host_done *done;
	void *context;
	struct request *next; /* in its bucket, in a list to answer, or spare */
	size_t place;         /* in the heap */
};

struct memory {
	uint64_t id;
	enum crm_answer fate; /* what another answer for it would be */
};

struct crm_requests {
	pthread_mutex_t mutex;
	pthread_cond_t nearer; /* a deadline came before wake_ns, or the end */
	struct request **buckets; /* owned */
	size_t bucket_count;      /* a power of two */
	struct request **heap;    /* owned; room for bucket_count */
	struct request *spares;
	size_t spare_count;
	uint64_t last_id;
	uint64_t wake_ns; /* when the thread will look by itself */
	bool running, ending;
	pthread_t thread;
	struct crm_request_counts counts;
	struct memory memory[REMEMBERED];
};

/* -------------------------------------------------------------------- heap */

static void heap_put(struct crm_requests *requests, size_t place,
		     struct request *request)
{
	requests->heap[place] = request;
	request->place = place;
}

static void heap_up(struct crm_requests *requests, size_t place)
{
	struct request *request = requests->heap[place];

	while (place > 0) {
		struct request *above = requests->heap[(place - 1) / 2];

		if (above->deadline_ns <= request->deadline_ns)
			break;
		heap_put(requests, place, above);
		place = (place - 1) / 2;
	}
	heap_put(requests, place, request);
}

static void heap_down(struct crm_requests *requests, size_t place, size_t count)
{
	struct request *request = requests->heap[place];

	for (;;) {
		size_t below = place * 2 + 1;

		if (below + 1 < count &&
		    requests->heap[below + 1]->deadline_ns <
			requests->heap[below]->deadline_ns)
			below++;
		if (below >= count ||
		    requests->heap[below]->deadline_ns >= request->deadline_ns)
			break;
		heap_put(requests, place, requests->heap[below]);
		place = below;
	}
	heap_put(requests, place, request);
}

/* ------------------------------------------------------------------- table */

static struct request **bucket_of(struct crm_requests *requests, uint64_t id)
{
	return &requests->buckets[id & (requests->bucket_count - 1)];
}

/* Doubles table and heap; false, with nothing changed, without memory. */
static bool grow_locked(struct crm_requests *requests)
{
	size_t old = requests->bucket_count;
	size_t count = old > 0 ? old * 2 : FIRST_BUCKETS;
	struct request **buckets = calloc(count, sizeof(struct request *));
	struct request **heap;

	heap = realloc(requests->heap, count * sizeof(struct request *));
	if (heap)
		requests->heap = heap;
	if (!heap || !buckets) {
		free(buckets);
		return false;
	}
	free(requests->buckets);
	requests->buckets = buckets;
	requests->bucket_count = count;
	for (size_t i = 0; i < requests->counts.waiting; i++) {
		struct request **bucket = bucket_of(requests, heap[i]->id);

		heap[i]->next = *bucket;
		*bucket = heap[i];
	}
	return true;
}

static struct request *find_locked(struct crm_requests *requests, uint64_t id)
{
	struct request *request = *bucket_of(requests, id);

	while (request && request->id != id)
		request = request->next;
	return request;
}

static void insert_locked(struct crm_requests *requests,
			  struct request *request)
{
	struct request **bucket = bucket_of(requests, request->id);
	size_t place = requests->counts.waiting++;

	request->next = *bucket;
	*bucket = request;
	heap_put(requests, place, request);
	heap_up(requests, place);
}

/* Takes a request out of table and heap; from here on it is the caller's. */
static void remove_locked(struct crm_requests *requests,
			  struct request *request, enum crm_answer fate)
{
	struct memory *memory =
	    &requests->memory[request->id & (REMEMBERED - 1)];
	struct request **link = bucket_of(requests, request->id);
	size_t count = --requests->counts.waiting;
	size_t place = request->place;
	struct request *last = requests->heap[count];

	while (*link != request)
		link = &(*link)->next;
	*link = request->next;
	request->next = NULL;
	if (last != request) {
		heap_put(requests, place, last);
		heap_up(requests, place);
		heap_down(requests, last->place, count);
	}
	*memory = (struct memory){request->id, fate};
}

/* ------------------------------------------------------------------ spares */

static struct request *request_new_locked(struct crm_requests *requests)
{
	struct request *request = requests->spares;

	if (!request)
		return malloc(sizeof(*request));
	requests->spares = request->next;
	requests->spare_count--;
	return request;
}

static void request_free_locked(struct crm_requests *requests,
				struct request *request)
{
	if (requests->spare_count == SPARES) {
		free(request);
		return;
	}
	request->next = requests->spares;
	requests->spares = request;
	requests->spare_count++;
}

/* Answers a list of removed requests without the lock, and frees them. */
static void finish(struct request *list, enum crm_status status,
		   const char *sentence)
{
	size_t len = strlen(sentence);

	while (list) {
		struct request *next = list->next;

		list->done(list->context, status, sentence, len);
		free(list);
		list = next;
	}
}

/* ----------------------------------------------------------------- the API */

struct crm_requests *crm_requests_new(void)
{
	struct crm_requests *requests = calloc(1, sizeof(*requests));

	if (!requests)
		return NULL;
	pthread_mutex_init(&requests->mutex, NULL);
	if (crm_clock_cond(&requests->nearer) && grow_locked(requests)) {
		requests->wake_ns = CRM_CLOCK_NEVER;
		return requests;
	}
	free(requests->heap);
	free(requests);
	return NULL;
}

uint64_t crm_requests_add(struct crm_requests *requests, const void *owner,
			  uint64_t deadline_ns, crm_host_done *done,
			  void *context, enum crm_status *status)
{
	struct request *request = NULL;
	uint64_t id = 0;

	pthread_mutex_lock(&requests->mutex);
	*status = CRM_BUSY;
	if (requests->counts.waiting >= MAX_WAITING)
		goto out;
	*status = CRM_FAILED;
	if (requests->counts.waiting == requests->bucket_count &&
	    !grow_locked(requests))
		goto out;
	request = request_new_locked(requests);
	if (!request)
		goto out;
	*status = CRM_OK;
	id = ++requests->last_id;
	request->id = id;
	request->deadline_ns = deadline_ns;
	request->owner = owner;
	request->done = done;
	request->context = context;
	requests->counts.accepted++;
	insert_locked(requests, request);
	/* Deadlines mostly come in order: then the thread is left asleep. */
	if (deadline_ns < requests->wake_ns) {
		requests->wake_ns = deadline_ns;
		pthread_cond_signal(&requests->nearer);
	}
out:
	pthread_mutex_unlock(&requests->mutex);
	return id;
}

bool crm_requests_withdraw(struct crm_requests *requests, uint64_t id)
{
	struct request *request;

	pthread_mutex_lock(&requests->mutex);
	request = find_locked(requests, id);
	if (request) {
		remove_locked(requests, request, CRM_ANSWER_UNKNOWN);
		request_free_locked(requests, request);
		requests->counts.accepted--;
	}
	pthread_mutex_unlock(&requests->mutex);
	return request != NULL;
}

/* Why there is no such request. */
static enum crm_answer fate_locked(const struct crm_requests *requests,
				   uint64_t id)
{
	const struct memory *memory = &requests->memory[id & (REMEMBERED - 1)];

	return id != 0 && memory->id == id ? memory->fate : CRM_ANSWER_UNKNOWN;
}

enum crm_answer crm_requests_answer(struct crm_requests *requests,
				    const void *owner, uint64_t id,
				    enum crm_status status, const char *body,
				    size_t body_len)
{
	enum crm_answer answer = CRM_ANSWER_TAKEN;
	struct request *request;
	crm_host_done *done = NULL;
	void *context = NULL;

	pthread_mutex_lock(&requests->mutex);
	request = find_locked(requests, id);
	if (!request)
		answer = fate_locked(requests, id);
	else if (request->owner != owner)
		answer = CRM_ANSWER_FOREIGN;
	if (request && answer == CRM_ANSWER_TAKEN) {
		done = request->done;
		context = request->context;
		remove_locked(requests, request, CRM_ANSWER_TWICE);
		request_free_locked(requests, request);
		requests->counts.answered++;
	} else {
		requests->counts.dropped++;
	}
	pthread_mutex_unlock(&requests->mutex);
	if (done)
		done(context, status, body, body_len);
	return answer;
}

/* Moves an owner's requests of one bucket to the list. */
static size_t take_bucket_locked(struct crm_requests *requests, size_t bucket,
				 const void *owner, struct request **list)
{
	struct request *request = requests->buckets[bucket];
	size_t count = 0;

	while (request) {
		struct request *next = request->next;

		if (request->owner == owner) {
			remove_locked(requests, request, CRM_ANSWER_LATE);
			request->next = *list;
			*list = request;
			count++;
		}
		request = next;
	}
	return count;
}

size_t crm_requests_give_up(struct crm_requests *requests, const void *owner)
{
	struct request *list = NULL;
	size_t count = 0;

	pthread_mutex_lock(&requests->mutex);
	for (size_t i = 0; i < requests->bucket_count; i++)
		count += take_bucket_locked(requests, i, owner, &list);
	requests->counts.given_up += count;
	pthread_mutex_unlock(&requests->mutex);
	finish(list, CRM_STOPPING, "the host is stopping");
	return count;
}

struct crm_request_counts crm_requests_counts(struct crm_requests *requests)
{
	struct crm_request_counts counts;

	pthread_mutex_lock(&requests->mutex);
	counts = requests->counts;
	pthread_mutex_unlock(&requests->mutex);
	return counts;
}

/* -------------------------------------------------------------- the thread */

/* Takes out everything whose deadline has passed. */
static struct request *expire_locked(struct crm_requests *requests)
{
	uint64_t now = crm_clock_ns();
	struct request *list = NULL, **tail = &list;

	while (requests->counts.waiting > 0 &&
	       requests->heap[0]->deadline_ns <= now) {
		struct request *late = requests->heap[0];

		remove_locked(requests, late, CRM_ANSWER_LATE);
		*tail = late;
		tail = &late->next;
		requests->counts.timed_out++;
	}
	return list;
}

static void *watch(void *argument)
{
	struct crm_requests *requests = argument;

	pthread_mutex_lock(&requests->mutex);
	while (!requests->ending) {
		struct request *list = expire_locked(requests);

		if (list) {
			pthread_mutex_unlock(&requests->mutex);
			finish(list, CRM_TIMEOUT,
			       "no answer within the deadline");
			pthread_mutex_lock(&requests->mutex);
			continue;
		}
		requests->wake_ns = requests->counts.waiting > 0
					? requests->heap[0]->deadline_ns
					: CRM_CLOCK_NEVER;
		crm_clock_wait(&requests->nearer, &requests->mutex,
			       requests->wake_ns);
	}
	pthread_mutex_unlock(&requests->mutex);
	return NULL;
}

bool crm_requests_start(struct crm_requests *requests)
{
	sigset_t all, before;

	/* A signal that lands here would interrupt a host's interpreter in a
	 * thread it knows nothing of. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	requests->running =
	    pthread_create(&requests->thread, NULL, watch, requests) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return requests->running;
}

void crm_requests_end(struct crm_requests *requests)
{
	if (!requests->running)
		return;
	pthread_mutex_lock(&requests->mutex);
	requests->ending = true;
	pthread_cond_signal(&requests->nearer);
	pthread_mutex_unlock(&requests->mutex);
	pthread_join(requests->thread, NULL);
	requests->running = false;
}

void crm_requests_free(struct crm_requests *requests)
{
	if (!requests)
		return;
	for (size_t i = 0; i < requests->counts.waiting; i++)
		free(requests->heap[i]);
	while (requests->spares) {
		struct request *next = requests->spares->next;

		free(requests->spares);
		requests->spares = next;
	}
	pthread_cond_destroy(&requests->nearer);
	pthread_mutex_destroy(&requests->mutex);
	free(requests->buckets);
	free(requests->heap);
	free(requests);
}
