/* http_timer - a plugin for the tests of crm-host: answers each message a tenth of
 * a second before its deadline and does nothing else, so that one sees how late a
 * timer in that process is. */
#include <crm_plugin.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SOONER_NS = 100000000, JOBS = 4096 };

struct timer {
	struct crm_plugin plugin;
	const struct crm_host *host;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct job {
		uint64_t id, at_ns;
	} jobs[JOBS]; /* a ring; deadlines come in order */
	size_t first, end;
	bool stopping;
};

static void *plugin_run(void *context)
{
	struct timer *timer = context;

	pthread_mutex_lock(&timer->lock);
	for (;;) {
		while (timer->first == timer->end && !timer->stopping)
			pthread_cond_wait(&timer->more, &timer->lock);
		if (timer->first == timer->end)
			break;
		struct job job = timer->jobs[timer->first++ % JOBS];
		struct timespec at = {
		    .tv_sec = (time_t)(job.at_ns / 1000000000),
		    .tv_nsec = (long)(job.at_ns % 1000000000)};

		pthread_mutex_unlock(&timer->lock);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		timer->host->complete(timer->host, job.id, CRM_OK, "{}", 2);
		pthread_mutex_lock(&timer->lock);
	}
	pthread_mutex_unlock(&timer->lock);
	return NULL;
}

static enum crm_status plugin_start(struct crm_plugin *self)
{
	struct timer *timer = (struct timer *)self;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int error = pthread_create(&timer->thread, NULL, plugin_run, timer);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error ? CRM_FAILED : CRM_OK;
}

static enum crm_status plugin_submit(struct crm_plugin *self,
				     const struct crm_request *request)
{
	struct timer *timer = (struct timer *)self;
	enum crm_status status = CRM_BUSY;

	pthread_mutex_lock(&timer->lock);
	if (timer->end - timer->first < JOBS) {
		timer->jobs[timer->end++ % JOBS] =
		    (struct job){request->id, request->deadline_ns - SOONER_NS};
		pthread_cond_signal(&timer->more);
		status = CRM_OK;
	}
	pthread_mutex_unlock(&timer->lock);
	return status;
}

static enum crm_status plugin_stop(struct crm_plugin *self,
				   uint64_t deadline_ns)
{
	struct timer *timer = (struct timer *)self;

	(void)deadline_ns;
	pthread_mutex_lock(&timer->lock);
	timer->stopping = true;
	pthread_cond_signal(&timer->more);
	pthread_mutex_unlock(&timer->lock);
	pthread_join(timer->thread, NULL);
	return CRM_OK;
}

static void plugin_destroy(struct crm_plugin *self)
{
	free(self);
}

static const void *plugin_extension(struct crm_plugin *self, const char *id)
{
	(void)self;
	return strcmp(id, CRM_EXT_WIDGET_SERVICE) == 0
		   ? "{\"paths\":[\"/timer\"]}"
		   : NULL;
}

static struct crm_plugin *plugin_create(const struct crm_host *host, char *why,
					size_t why_cap)
{
	struct timer *timer = calloc(1, sizeof *timer);

	(void)why;
	(void)why_cap;
	if (!timer)
		return NULL;
	timer->host = host;
	timer->plugin = (struct crm_plugin){
	    .start = plugin_start,
	    .submit = plugin_submit,
	    .stop = plugin_stop,
	    .destroy = plugin_destroy,
	    .extension = plugin_extension,
	};
	pthread_mutex_init(&timer->lock, NULL);
	pthread_cond_init(&timer->more, NULL);
	return &timer->plugin;
}

CRM_EXPORT const struct crm_entry crm_entry = {
    CRM_ENTRY_INIT, "test.http-timer", "1.0", NULL, plugin_create};
