/* spool_sharing - processes and threads append, look and replay at once, and the
 * file is deleted under them: nothing is lost. Handles come and go meanwhile. */
#include "../spool_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum {
	PROCESSES = 2,
	WRITERS = 6, /* threads of each process, with two that replay */
	REPLAYERS = 2,
	THREADS = WRITERS + REPLAYERS,
	BATCHES = 40,
	BATCH = 5,
	KEPT = 4, /* batches that a handle is kept for */
	EVENTS = PROCESSES * WRITERS * BATCHES * BATCH
};

static char path[FIXTURE_PATH];

/* Shared by the processes. */
static struct shared {
	atomic_int acknowledged[EVENTS];
	atomic_int replayed[EVENTS];
	atomic_int writing; /* threads that still do */
	atomic_int failures;
} * shared;

struct worker {
	unsigned process, number;
};

static void failed(const char *what, const struct err *err)
{
	diag("%s: %s", what, err->text);
	atomic_fetch_add(&shared->failures, 1);
}

static void *append_all(void *argument)
{
	const struct worker *worker = argument;
	unsigned first =
	    (worker->process * WRITERS + worker->number) * BATCHES * BATCH;
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);

	for (unsigned i = 0; spool && i < BATCHES; i++) {
		unsigned number = first + i * BATCH;
		struct spool_found found;
		char session_id[32];

		if (i > 0 && i % KEPT == 0) {
			spool_close(spool);
			spool = spool_open(path, SPOOL_BYTES, &err);
			if (!spool)
				break;
		}
		if (!append_many(spool, number, BATCH, &err)) {
			failed("append", &err);
			continue;
		}
		for (unsigned k = 0; k < BATCH; k++)
			atomic_fetch_add(&shared->acknowledged[number + k], 1);
		snprintf(session_id, sizeof(session_id), "s-%u", number);
		if (!spool_find(spool, text_of("account"), text_of("agent"),
				text_of(session_id), &found, WAIT_MS, &err))
			failed("find", &err);
		free(found.arena);
	}
	if (!spool)
		failed("open", &err);
	spool_close(spool);
	atomic_fetch_sub(&shared->writing, 1);
	return NULL;
}

/* Until nobody writes and nothing is left. */
static void *replay_all(void *argument)
{
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);

	(void)argument;
	for (bool more = spool != NULL; more;) {
		bool last = atomic_load(&shared->writing) == 0;
		struct spool_batch batch = {0};

		if (!spool_claim(spool)) {
			sched_yield();
			more = !last || count_events(spool) > 0;
			continue;
		}
		if (!spool_read(spool, 50, &batch, WAIT_MS, &err))
			failed("read", &err);
		for (size_t i = 0; i < batch.count; i++)
			atomic_fetch_add(
			    &shared->replayed[batch.events[i]->hash], 1);
		if (batch.count > 0 &&
		    !spool_remove(spool, batch.rows, batch.count, WAIT_MS,
				  &err))
			failed("remove", &err);
		more = batch.count > 0 || !last;
		spool_batch_free(&batch);
		spool_release(spool);
	}
	spool_close(spool);
	return NULL;
}

static void run_process(unsigned process)
{
	struct worker workers[THREADS];
	pthread_t threads[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){process, i};
		if (pthread_create(&threads[i], NULL,
				   i < WRITERS ? append_all : replay_all,
				   &workers[i]) != 0)
			_exit(2);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void test_sharing(const char *what, bool deleting)
{
	pid_t pids[PROCESSES];
	int bad = 0, lost = 0, doubled = 0, deleted = 0;

	memset(shared, 0, sizeof(*shared));
	atomic_store(&shared->writing, PROCESSES * WRITERS);
	fflush(stdout);
	for (unsigned i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			run_process(i);
			fflush(stdout);
			_exit(0);
		}
	}
	while (deleting && atomic_load(&shared->writing) > 0) {
		int there = 0;

		for (int i = 0; i < EVENTS; i++)
			there += atomic_load(&shared->acknowledged[i]);
		if (there > (deleted + 1) * EVENTS / 5 && deleted < 4) {
			unlink(path);
			deleted++;
		}
		sched_yield();
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;

		waitpid(pids[i], &status, 0);
		bad += status != 0;
	}
	for (int i = 0; i < EVENTS; i++) {
		int replayed = atomic_load(&shared->replayed[i]);

		if (atomic_load(&shared->acknowledged[i]) > 0 && replayed == 0)
			lost++;
		else if (replayed > 1)
			doubled++;
	}
	diag("%s: %d failures, %d lost, %d twice, %d deletions", what,
	     atomic_load(&shared->failures), lost, doubled, deleted);
	ok(bad == 0 && atomic_load(&shared->failures) == 0,
	   "%s: every call succeeds", what);
	ok(lost == 0, "%s: all that is acknowledged is replayed", what);
	if (!deleting)
		ok(doubled == 0, "%s: nothing twice", what);
	else
		ok(deleted > 0, "%s: it was, while they ran", what);
}

/* A process that is held up in a transaction keeps others waiting for no longer
 * than they want to. */
static void test_waiting(void)
{
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	struct holder holder = fixture_hold(path);
	uint64_t start = clock_ns();
	struct made made;
	const struct event *event = &made.event;
	make_event(&made, 1, 1);
	ok(!spool_append(spool, &event, 1, 100, &err) &&
	       err.kind == ERR_TIMEOUT,
	   "an append gives up when others keep the file for too long");
	uint64_t waited_ms = (clock_ns() - start) / 1000000;
	ok(waited_ms >= 90 && waited_ms < 2000, "neither early nor late");
	figure("spool_busy_wait_ms", "%d", (int)waited_ms);
	fixture_let_go(holder);
	ok(spool_append(spool, &event, 1, WAIT_MS, &err),
	   "and succeeds when they are done");
	spool_close(spool);
}

int main(void)
{
	char *folder = fixture_folder(false);

	snprintf(path, sizeof(path), "%s/spool.db", folder);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 1;
	test_sharing("two processes of eight threads", false);
	test_sharing("the file is deleted", true);
	test_waiting();
	munmap(shared, sizeof(*shared));
	fixture_remove(folder);
	free(folder);
	return tap_done();
}
