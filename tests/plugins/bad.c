/* bad - a plugin that does one thing wrong: the one that the environment
 * variable CRM_BAD names. Without it, it does nothing wrong: it answers each
 * message from a thread of its own. For the tests of crm-check. */
#include "crm_plugin.h"

#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ANSWER "{\"data\":\"ok\"}"

struct item {
	struct item *next;
	uint64_t id;
	size_t number;
	const struct crm_request *kept; /* NULL unless told to keep it */
};

struct bad {
	struct crm_plugin plugin;
	const struct crm_host *host; /* borrowed */
	const char *fault;           /* borrowed */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct item *first, **last; /* owned */
	size_t count;
	bool stopping, threaded;
	pthread_t thread;
	pthread_mutex_t big; /* the lock that nobody should hold */
	size_t unguarded;
	int file;
};

/* The bug of a plugin that thinks it is alone. */
static struct bad *alone;

static bool does(const struct bad *bad, const char *fault)
{
	return strcmp(bad->fault, fault) == 0;
}

static struct bad *bad_of(struct crm_plugin *self)
{
	return (struct bad *)self;
}

/* ---------------------------------------------------------------------- thread
 */

static void complete(struct bad *bad, uint64_t id, const char *body)
{
	bad->host->complete(bad->host, id, CRM_OK, body, strlen(body));
}

static void answer(struct bad *bad, const struct item *item)
{
	bool tenth = item->number % 10 == 0;
	char text[sizeof(ANSWER)] = ANSWER;

	if (item->kept && item->kept->body_len == SIZE_MAX)
		return;
	if (tenth && does(bad, "never answers"))
		return;
	if (does(bad, "holds a lock"))
		pthread_mutex_lock(&bad->big);
	complete(bad, item->id,
		 tenth && does(bad, "answers text") ? "thanks" : text);
	if (does(bad, "holds a lock"))
		pthread_mutex_unlock(&bad->big);
	if (tenth && does(bad, "answers twice"))
		complete(bad, item->id, ANSWER);
	if (tenth && does(bad, "answers strangers"))
		complete(bad, item->id + 1000000, ANSWER);
}

/* So long, or until stop() when `or_stop`. */
static void wait_seconds(struct bad *bad, time_t seconds, bool or_stop)
{
	struct timespec until;
	int result = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += seconds;
	while (result == 0 && !(or_stop && bad->stopping))
		result =
		    pthread_cond_timedwait(&bad->changed, &bad->mutex, &until);
}

static struct item *take(struct bad *bad)
{
	struct item *taken;

	/* Long enough for some to be there when stop() comes. */
	if (does(bad, "forgets what waits"))
		wait_seconds(bad, 2, true);
	taken = bad->first;
	bad->first = NULL;
	bad->last = &bad->first;
	return taken;
}

static void drop(struct item *item)
{
	while (item) {
		struct item *next = item->next;

		free(item);
		item = next;
	}
}

static void *work(void *context)
{
	struct bad *bad = context;
	bool ended = false;

	while (!ended) {
		struct item *items;

		pthread_mutex_lock(&bad->mutex);
		while (!bad->first && !bad->stopping)
			pthread_cond_wait(&bad->changed, &bad->mutex);
		items = take(bad);
		ended = bad->stopping;
		pthread_mutex_unlock(&bad->mutex);
		for (struct item *item = items; item; item = item->next)
			if (!ended || !does(bad, "forgets what waits"))
				answer(bad, item);
		drop(items);
	}
	return NULL;
}

static void *wait_for_ever(void *context)
{
	(void)context;
	for (;;)
		pause();
	return NULL;
}

static bool start_thread(struct bad *bad, pthread_t *thread,
			 void *(*run)(void *))
{
	sigset_t all, before;
	bool started;

	sigfillset(&all);
	if (does(bad, "lets signals through"))
		sigdelset(&all, SIGTERM);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(thread, NULL, run, bad) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}

/* ------------------------------------------------------------------ life cycle
 */

static void handle(int number)
{
	(void)number;
}

static void disturb(struct bad *bad)
{
	sigset_t one;

	if (does(bad, "prints"))
		printf("bad has started\n");
	if (does(bad, "complains"))
		fprintf(stderr, "bad has started\n");
	if (does(bad, "sets the locale"))
		setlocale(LC_ALL, "C.UTF-8");
	if (does(bad, "changes the directory") && chdir("/usr") != 0)
		abort();
	if (does(bad, "sets the umask"))
		umask(0123);
	if (does(bad, "sets a variable"))
		setenv("CRM_BAD_WAS_HERE", "1", 1);
	if (does(bad, "blocks a signal")) {
		sigemptyset(&one);
		sigaddset(&one, SIGUSR1);
		pthread_sigmask(SIG_BLOCK, &one, NULL);
	}
	if (does(bad, "handles a signal"))
		sigaction(SIGUSR1, &(struct sigaction){.sa_handler = handle},
			  NULL);
	if (does(bad, "asks config too late"))
		bad->host->config(bad->host, "key", NULL, 0);
	if (does(bad, "logs two lines"))
		bad->host->log(bad->host, CRM_INFO, "one\ntwo");
	if (does(bad, "logs bytes"))
		bad->host->log(bad->host, CRM_INFO, "caf\xe9");
}

static enum crm_status bad_start(struct crm_plugin *self)
{
	struct bad *bad = bad_of(self);
	pthread_t lost;

	if (does(bad, "does not start"))
		return CRM_FAILED;
	disturb(bad);
	if (does(bad, "leaves a thread")) {
		start_thread(bad, &lost, wait_for_ever);
		pthread_detach(lost);
	}
	if (does(bad, "leaves a file"))
		open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (does(bad, "has its file inherited"))
		bad->file = open("/dev/null", O_RDONLY);
	if (!bad->threaded)
		bad->threaded = start_thread(bad, &bad->thread, work);
	return bad->threaded ? CRM_OK : CRM_FAILED;
}

static bool push(struct bad *bad, const struct crm_request *request)
{
	struct item *item = calloc(1, sizeof(*item));
	bool stopping;

	if (!item)
		return false;
	item->id = request->id;
	if (does(bad, "keeps a pointer"))
		item->kept = request;
	pthread_mutex_lock(&bad->mutex);
	stopping = bad->stopping;
	if (!stopping) {
		item->number = bad->count++;
		*bad->last = item;
		bad->last = &item->next;
		pthread_cond_signal(&bad->changed);
	}
	pthread_mutex_unlock(&bad->mutex);
	if (stopping)
		free(item);
	return !stopping;
}

static enum crm_status bad_submit(struct crm_plugin *self,
				  const struct crm_request *request)
{
	struct bad *bad = bad_of(self);

	if (does(bad, "thinks it is alone"))
		bad = alone;
	if (does(bad, "races"))
		bad->unguarded++;
	if (does(bad, "crashes"))
		abort();
	if (does(bad, "trusts messages") && request->body[0] != '{')
		abort();
	if (does(bad, "waits in submit"))
		nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
	if (does(bad, "exits"))
		exit(0);
	if (does(bad, "reads past the body") &&
	    *(const volatile char *)(request->body + request->body_len) == 'x')
		return CRM_BAD_REQUEST;
	if (does(bad, "holds a lock")) {
		pthread_mutex_lock(&bad->big);
		pthread_mutex_unlock(&bad->big);
	}
	if (does(bad, "answers what it refuses") && request->id % 2 == 0) {
		complete(bad, request->id, ANSWER);
		return CRM_BUSY;
	}
	if (push(bad, request))
		return CRM_OK;
	if (!does(bad, "goes on after stop"))
		return CRM_STOPPING;
	complete(bad, request->id, ANSWER);
	return CRM_OK;
}

static enum crm_status bad_stop(struct crm_plugin *self, uint64_t deadline_ns)
{
	struct bad *bad = bad_of(self);

	pthread_mutex_lock(&bad->mutex);
	bad->stopping = true;
	pthread_cond_signal(&bad->changed);
	pthread_mutex_unlock(&bad->mutex);
	pthread_join(bad->thread, NULL);
	pthread_mutex_lock(&bad->mutex);
	if (does(bad, "takes its time") && deadline_ns == 0)
		wait_seconds(bad, 4, false);
	while (does(bad, "never stops"))
		pthread_cond_wait(&bad->changed, &bad->mutex);
	pthread_mutex_unlock(&bad->mutex);
	return does(bad, "cannot stop") ? CRM_BUSY : CRM_OK;
}

static void bad_destroy(struct crm_plugin *self)
{
	struct bad *bad = bad_of(self);

	drop(bad->first);
	if (bad->file >= 0)
		close(bad->file);
	pthread_cond_destroy(&bad->changed);
	pthread_mutex_destroy(&bad->mutex);
	pthread_mutex_destroy(&bad->big);
	if (!does(bad, "leaks"))
		free(bad);
}

/* All are bad but the first, and the last only beside it. */
static const struct crm_page pages[] = {
    {"/", "text/html; charset=utf-8", "x", 1, "0a", 0},
    {"page", "text/html", "x", 1, "0a", 0},
    {"/widget/bridge.js", "text/javascript", "x", 1, "0a", 0},
    {"/a", "text/html\r\nSet-Cookie: a=b", "x", 1, "0a", 0},
    {"/a", "text/html", "x", 1, "\"A\"", 0},
    {"/a", "text/html", NULL, 1, "0a", 0},
    {"/a", "text/html", "x", 1, "0a", 8},
};
static const struct crm_page twice[] = {
    {"/", "text/html", "x", 1, "0a", CRM_PAGE_FOREIGN},
    {"/", "text/html", "x", 1, "0a", 0},
};
static const struct crm_pages good = {pages, 1}, repeated = {twice, 2},
			      each[] = {{pages + 1, 1}, {pages + 2, 1},
					{pages + 3, 1}, {pages + 4, 1},
					{pages + 5, 1}, {pages + 6, 1}};

static const void *pages_of(const struct bad *bad)
{
	static const char *const faults[] = {
	    "has a page without a path", "has a page of the host's",
	    "has a page of a bad type",  "has a page with a bad tag",
	    "has a page without a body", "has a page with odd flags"};

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (does(bad, faults[i]))
			return &each[i];
	return does(bad, "has a page twice") ? &repeated : &good;
}

static const void *bad_extension(struct crm_plugin *self, const char *id)
{
	struct bad *bad = bad_of(self);

	if (strcmp(id, CRM_EXT_WIDGET_SERVICE) == 0)
		return "{\"paths\":[\"/bad\"],\"types\":[\"rc-bad-notify\"]}";
	if (strcmp(id, CRM_EXT_PAGES) == 0)
		return pages_of(bad);
	if (strcmp(id, CRM_EXT_OPTIONS) == 0)
		return does(bad, "has bad options") ? "[{}]" : "[]";
	return NULL;
}

/* Says why not, wrongly, or nothing at all. */
static bool refuses(const char *fault, char *why, size_t why_cap)
{
	if (strcmp(fault, "gives no reason") == 0)
		return true;
	if (strcmp(fault, "writes too long a reason") != 0)
		return false;
	memset(why, 'x', why_cap);
	why[why_cap] = '\0';
	return true;
}

static struct crm_plugin *bad_create(const struct crm_host *host, char *why,
				     size_t why_cap)
{
	const char *fault = getenv("CRM_BAD");
	struct bad *bad;

	if (!fault)
		fault = "";
	if (refuses(fault, why, why_cap))
		return NULL;
	bad = calloc(1, sizeof(*bad));
	if (!bad) {
		snprintf(why, why_cap, "out of memory");
		return NULL;
	}
	bad->plugin = (struct crm_plugin){bad_start, bad_submit, bad_stop,
					  bad_destroy, bad_extension};
	bad->host = host;
	bad->fault = fault;
	bad->last = &bad->first;
	bad->file = -1;
	pthread_mutex_init(&bad->mutex, NULL);
	pthread_cond_init(&bad->changed, NULL);
	pthread_mutex_init(&bad->big, NULL);
	alone = bad;
	if (does(bad, "starts in create"))
		bad->threaded = start_thread(bad, &bad->thread, work);
	return &bad->plugin;
}

const struct crm_entry crm_entry = {CRM_ENTRY_INIT, "test.bad", "1.0.0", NULL,
				    bad_create};
