/* threads - see threads.h. */
#include "threads.h"

#include "clock.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

void threads_init(struct threads *threads)
{
	pthread_condattr_t monotonic;

	threads->count = threads->running = 0;
	pthread_mutex_init(&threads->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&threads->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

void threads_free(struct threads *threads)
{
	pthread_mutex_destroy(&threads->mutex);
	pthread_cond_destroy(&threads->ended);
}

static void count(struct threads *threads, bool started)
{
	pthread_mutex_lock(&threads->mutex);
	threads->running += started ? 1 : (size_t)-1;
	pthread_cond_signal(&threads->ended);
	pthread_mutex_unlock(&threads->mutex);
}

static void *thread_main(void *argument)
{
	struct thread *thread = argument;

	thread->run(thread->argument);
	count(thread->threads, false);
	return NULL;
}

bool threads_start(struct threads *threads, const char *name,
		   void *(*run)(void *), void *argument, struct err *err)
{
	struct thread *thread = &threads->list[threads->count];
	sigset_t all, before;

	if (threads->count == THREADS_MAX)
		return err_set(err, ERR_INTERNAL,
			       "cannot create the thread %s: there are %d",
			       name, THREADS_MAX);
	*thread = (struct thread){threads, run, argument, 0};
	count(threads, true);
	sigfillset(&all);
	int failure = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (failure == 0) {
		failure =
		    pthread_create(&thread->id, NULL, thread_main, thread);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (failure != 0) {
		count(threads, false);
		return err_set(err, ERR_INTERNAL,
			       "cannot create the thread %s: %s", name,
			       strerror(failure));
	}
	pthread_setname_np(thread->id, name);
	/* As batch work it waits for an idle processor or for its turn: woken
	 * by a host's thread that submits, it does not push that one off. */
	pthread_setschedparam(thread->id, SCHED_BATCH,
			      &(struct sched_param){.sched_priority = 0});
	threads->count++;
	return true;
}

bool threads_join(struct threads *threads, uint64_t until_ns)
{
	struct timespec until = clock_timespec(until_ns);
	bool ended = true;

	pthread_mutex_lock(&threads->mutex);
	while (threads->running > 0 && ended)
		ended = pthread_cond_timedwait(&threads->ended, &threads->mutex,
					       &until) == 0;
	ended = threads->running == 0;
	pthread_mutex_unlock(&threads->mutex);
	while (ended && threads->count > 0)
		pthread_join(threads->list[--threads->count].id, NULL);
	return ended;
}
