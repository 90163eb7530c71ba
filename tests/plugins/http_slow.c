/* http_slow - a plugin for the tests of crm-host: answers from a thread of its
 * own, in the way that the message's path names. What is held or never answered
 * waits inside it, and its health counts that. */
#include <crm_plugin.h>

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct job {
	struct job *next;
	uint64_t id;
	const struct kind *kind; /* borrowed constant */
	char text[512];
};

struct slow {
	struct crm_plugin plugin;
	const struct crm_host *host;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct job *jobs; /* owned: to be answered, oldest first */
	struct job *held; /* owned: until released, or stopped */
	unsigned held_count;
	bool release, stopping;
	bool fail_start, fail_stop; /* as configured */
};

/* How each path is answered. */
static const struct kind {
	const char *path;
	enum crm_status status;
	const char *text; /* NULL: who asked, as JSON */
	enum { ANSWER, HOLD, RELEASE, NEVER, REFUSE, BIG, LOG, POST } way;
} kinds[] = {
    {"/slow/who", CRM_OK, NULL, ANSWER},
    {"/slow/hold", CRM_OK, NULL, HOLD},
    {"/slow/release", CRM_OK, "{\"released\":true}", RELEASE},
    {"/slow/never", CRM_STOPPING, "", NEVER},
    {"/slow/refuse", CRM_BUSY, "", REFUSE},
    {"/slow/empty", CRM_OK, "", ANSWER},
    {"/slow/big", CRM_OK, "", BIG},
    {"/slow/log", CRM_OK, "{\"logged\":true}", LOG},
    {"/slow/post", CRM_OK, NULL, POST},
    {"/slow/events", CRM_OK,
     "{\"response\":{\"data\":{\"cursor\":\"c2\",\"gap\":false,"
     "\"messages\":[]}}}",
     ANSWER},
    {"/slow/bad", CRM_BAD_REQUEST, "call.sessionId is missing", ANSWER},
    {"/slow/busy", CRM_BUSY, "the database is away", ANSWER},
    {"/slow/timeout", CRM_TIMEOUT, "", ANSWER},
    {"/slow/stopping", CRM_STOPPING, "", ANSWER},
    {"/slow/unsupported", CRM_UNSUPPORTED, "", ANSWER},
    {"/slow/failed", CRM_FAILED, "", ANSWER},
    {"/slow/garbled", CRM_FAILED,
     "a \"quote\", a \\, a\nline, \xff\xc0\xaf end", ANSWER},
};

static void answer(struct slow *slow, const struct job *job)
{
	size_t len = strlen(job->text);
	const struct crm_host *host = slow->host;

	if (job->kind->way == BIG) {
		size_t big = 24000000;
		char *body = malloc(big);

		if (body)
			memset(body, 'x', big);
		host->complete(host, job->id, body ? CRM_OK : CRM_FAILED, body,
			       body ? big : 0);
		free(body);
		return;
	}
	if (job->kind->way == LOG)
		host->log(host, CRM_WARN, "a line\nand \x1b[31mmore\x7f \xff");
	host->complete(host, job->id, job->kind->status, job->text, len);
}

/* The number that follows a name in the message. */
static unsigned long number(const char *message, const char *name)
{
	const char *at = strstr(message, name);

	return at ? strtoul(at + strlen(name), NULL, 10) : 0;
}

/* Posts "count" messages, numbered from "from", with "pad" more bytes each, to
 * who asks; the answer says what became of the last. */
static enum crm_status post(struct slow *slow,
			    const struct crm_request *request)
{
	const struct crm_host *host = slow->host;
	char *asked = strndup(request->body, request->body_len);
	unsigned long count = number(asked, "\"count\":");
	unsigned long from = number(asked, "\"from\":");
	int pad = (int)number(asked, "\"pad\":");
	enum crm_status status = CRM_OK;
	char text[32];

	for (unsigned long i = 0; i < count; i++) {
		char *body;
		int len = asprintf(&body, "{\"n\":%lu,\n\"pad\":\"%*s\"}",
				   from + i, pad, "");

		status = host->post(host, request->account, request->agent,
				    body, (size_t)len);
		free(body);
	}
	free(asked);
	snprintf(text, sizeof text, "{\"status\":%d}", (int)status);
	host->complete(host, request->id, CRM_OK, text, strlen(text));
	return CRM_OK;
}

static void answer_all(struct slow *slow, struct job *jobs)
{
	while (jobs) {
		struct job *job = jobs;

		jobs = job->next;
		answer(slow, job);
		free(job);
	}
}

static void append(struct job **list, struct job *job)
{
	while (*list)
		list = &(*list)->next;
	*list = job;
}

/* Moves out of the held ones those that may be answered now. */
static struct job *take_held_locked(struct slow *slow)
{
	struct job *taken = NULL, **at = &slow->held;

	while (*at && (slow->release || slow->stopping)) {
		struct job *job = *at;

		if (job->kind->way == NEVER && !slow->stopping) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		job->next = NULL;
		append(&taken, job);
		slow->held_count--;
	}
	slow->release = false;
	return taken;
}

static void *slow_run(void *context)
{
	struct slow *slow = context;
	bool stopping;

	do {
		struct job *jobs, *held;

		pthread_mutex_lock(&slow->lock);
		while (!slow->jobs && !slow->release && !slow->stopping)
			pthread_cond_wait(&slow->changed, &slow->lock);
		stopping = slow->stopping;
		jobs = slow->jobs;
		slow->jobs = NULL;
		held = take_held_locked(slow);
		pthread_mutex_unlock(&slow->lock);
		answer_all(slow, held);
		answer_all(slow, jobs);
	} while (!stopping);
	return NULL;
}

static enum crm_status slow_start(struct crm_plugin *self)
{
	struct slow *slow = (struct slow *)self;
	sigset_t all, before;
	int error;

	if (slow->fail_start)
		return CRM_FAILED;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&slow->thread, NULL, slow_run, slow);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error ? CRM_FAILED : CRM_OK;
}

static struct job *job_new(const struct crm_request *request,
			   const struct kind *kind)
{
	struct job *job = calloc(1, sizeof *job);

	if (!job)
		return NULL;
	job->id = request->id;
	job->kind = kind;
	if (kind->text)
		snprintf(job->text, sizeof job->text, "%s", kind->text);
	else
		snprintf(job->text, sizeof job->text,
			 "{\"agent\":\"%s\",\"account\":\"%s\","
			 "\"sent_at\":%lld,\"body_len\":%zu}",
			 request->agent, request->account,
			 (long long)request->sent_at_ms, request->body_len);
	return job;
}

static enum crm_status slow_submit(struct crm_plugin *self,
				   const struct crm_request *request)
{
	struct slow *slow = (struct slow *)self;
	const struct kind *kind = kinds;
	enum crm_status status = CRM_OK;
	struct job *job;

	while (strcmp(kind->path, request->path) != 0)
		kind++;
	if (kind->way == REFUSE)
		return CRM_BUSY;
	if (kind->way == POST)
		return post(slow, request);
	job = job_new(request, kind);
	if (!job)
		return CRM_BUSY;
	pthread_mutex_lock(&slow->lock);
	if (slow->stopping) {
		status = CRM_STOPPING;
	} else if (kind->way == HOLD || kind->way == NEVER) {
		append(&slow->held, job);
		slow->held_count++;
	} else {
		append(&slow->jobs, job);
		slow->release = slow->release || kind->way == RELEASE;
		pthread_cond_signal(&slow->changed);
	}
	pthread_mutex_unlock(&slow->lock);
	if (status != CRM_OK)
		free(job);
	return status;
}

static enum crm_status slow_stop(struct crm_plugin *self, uint64_t deadline_ns)
{
	struct slow *slow = (struct slow *)self;

	(void)deadline_ns;
	if (slow->fail_stop)
		return CRM_BUSY;
	pthread_mutex_lock(&slow->lock);
	slow->stopping = true;
	pthread_cond_signal(&slow->changed);
	pthread_mutex_unlock(&slow->lock);
	pthread_join(slow->thread, NULL);
	return CRM_OK;
}

static void slow_destroy(struct crm_plugin *self)
{
	struct slow *slow = (struct slow *)self;

	pthread_cond_destroy(&slow->changed);
	pthread_mutex_destroy(&slow->lock);
	free(slow);
}

static size_t slow_health(struct crm_plugin *self, char *buf, size_t cap)
{
	struct slow *slow = (struct slow *)self;
	unsigned held;

	pthread_mutex_lock(&slow->lock);
	held = slow->held_count;
	pthread_mutex_unlock(&slow->lock);
	return (size_t)snprintf(buf, cap, "{\"held\":%u}", held);
}

static const void *slow_extension(struct crm_plugin *self, const char *id)
{
	static const struct crm_health health = {slow_health};

	(void)self;
	if (strcmp(id, CRM_EXT_HEALTH) == 0)
		return &health;
	if (strcmp(id, CRM_EXT_OPTIONS) == 0)
		return "[{\"name\":\"fail_start\",\"type\":\"bool\","
		       "\"help\":\"Do not start.\"},"
		       "{\"name\":\"fail_stop\",\"type\":\"bool\","
		       "\"help\":\"Do not stop.\"}]";
	if (strcmp(id, CRM_EXT_WIDGET_SERVICE) == 0)
		return "{\"paths\":[\"/slow/who\",\"/slow/hold\","
		       "\"/slow/release\",\"/slow/never\",\"/slow/refuse\","
		       "\"/slow/post\",\"/slow/events\","
		       "\"/slow/empty\",\"/slow/big\",\"/slow/log\","
		       "\"/slow/bad\",\"/slow/busy\",\"/slow/timeout\","
		       "\"/slow/stopping\",\"/slow/unsupported\","
		       "\"/slow/failed\",\"/slow/garbled\"],"
		       "\"events\":\"/slow/events\","
		       "\"service\":{\"contactMatchPath\":\"/slow/who\"}}";
	return NULL;
}

static bool is_set(const struct crm_host *host, const char *key)
{
	char value[8] = "";

	host->config(host, key, value, sizeof value);
	return strcmp(value, "true") == 0;
}

static struct crm_plugin *slow_create(const struct crm_host *host, char *why,
				      size_t why_cap)
{
	struct slow *slow = calloc(1, sizeof *slow);

	if (!slow) {
		snprintf(why, why_cap, "out of memory");
		return NULL;
	}
	slow->plugin = (struct crm_plugin){.start = slow_start,
					   .submit = slow_submit,
					   .stop = slow_stop,
					   .destroy = slow_destroy,
					   .extension = slow_extension};
	slow->host = host;
	slow->fail_start = is_set(host, "fail_start");
	slow->fail_stop = is_set(host, "fail_stop");
	pthread_mutex_init(&slow->lock, NULL);
	pthread_cond_init(&slow->changed, NULL);
	return &slow->plugin;
}

CRM_EXPORT const struct crm_entry crm_entry = {
    CRM_ENTRY_INIT, .id = "test.http-slow", .version = "1.0",
    .create = slow_create};
