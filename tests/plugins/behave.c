/* behave - a plugin for the tests of the host library. What it does with a
 * message is in the message's path, and how it lives in its group of the
 * configuration: every way in which a plugin can be right or wrong. */
#include "crm_plugin.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUEUE = 4096 };

struct behave {
	struct crm_plugin plugin;
	const struct crm_host *host;
	bool fail_start, stubborn, forget;
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t queued[QUEUE], held[QUEUE];
	size_t queued_count, held_count;
	bool ending;
};

static struct behave *behave_of(struct crm_plugin *self)
{
	return (struct behave *)self;
}

static void answer(struct behave *self, uint64_t id, const char *body)
{
	self->host->complete(self->host, id, CRM_OK, body, strlen(body));
}

static void answer_queued_locked(struct behave *self)
{
	while (self->queued_count > 0) {
		uint64_t id = self->queued[--self->queued_count];

		pthread_mutex_unlock(&self->mutex);
		answer(self, id, "\"thread\"");
		pthread_mutex_lock(&self->mutex);
	}
}

static void *work(void *argument)
{
	struct behave *self = argument;

	pthread_mutex_lock(&self->mutex);
	while (!self->ending) {
		answer_queued_locked(self);
		if (!self->ending && self->queued_count == 0)
			pthread_cond_wait(&self->changed, &self->mutex);
	}
	answer_queued_locked(self);
	pthread_mutex_unlock(&self->mutex);
	/* The thread that will not end, and goes on talking to the host. */
	while (self->stubborn) {
		const struct timespec pause = {0, 1000000};

		self->host->log(self->host, CRM_INFO, "still here");
		self->host->complete(self->host, 2, CRM_OK, "", 0);
		self->host->post(self->host, "", "bob", "{}", 2);
		nanosleep(&pause, NULL);
	}
	return NULL;
}

static enum crm_status behave_start(struct crm_plugin *plugin)
{
	struct behave *self = behave_of(plugin);
	sigset_t all, before;

	if (self->fail_start) {
		self->host->log(self->host, CRM_ERROR,
				"cannot create its thread: Resource "
				"temporarily unavailable");
		return CRM_FAILED;
	}
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	self->has_thread = pthread_create(&self->thread, NULL, work, self) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return self->has_thread ? CRM_OK : CRM_FAILED;
}

static enum crm_status keep(struct behave *self, uint64_t *list, size_t *count,
			    uint64_t id)
{
	enum crm_status status = CRM_BUSY;

	pthread_mutex_lock(&self->mutex);
	if (self->ending) {
		status = CRM_STOPPING;
	} else if (*count < QUEUE) {
		list[(*count)++] = id;
		pthread_cond_signal(&self->changed);
		status = CRM_OK;
	}
	pthread_mutex_unlock(&self->mutex);
	return status;
}

static size_t release(struct behave *self, enum crm_status status)
{
	uint64_t held[QUEUE];
	size_t count;

	pthread_mutex_lock(&self->mutex);
	count = self->held_count;
	memcpy(held, self->held, count * sizeof(held[0]));
	self->held_count = 0;
	pthread_mutex_unlock(&self->mutex);
	for (size_t i = 0; i < count; i++)
		self->host->complete(self->host, held[i], status, "released",
				     8);
	return count;
}

/* What the request says, as the plugin sees it. */
static void tell(struct behave *self, const struct crm_request *request)
{
	char body[512];

	snprintf(body, sizeof(body), "%s|%s|%s|%lld|%.*s", request->account,
		 request->agent, request->path, (long long)request->sent_at_ms,
		 (int)request->body_len, request->body);
	answer(self, request->id, body);
}

static enum crm_status behave_submit(struct crm_plugin *plugin,
				     const struct crm_request *request)
{
	struct behave *self = behave_of(plugin);
	const char *path = request->path;

	if (strcmp(path, "/thread") == 0)
		return keep(self, self->queued, &self->queued_count,
			    request->id);
	if (strcmp(path, "/hold") == 0)
		return keep(self, self->held, &self->held_count, request->id);
	if (strcmp(path, "/lose") == 0)
		return CRM_OK;
	if (strcmp(path, "/refuse") == 0)
		return CRM_BUSY;
	if (strcmp(path, "/nonsense") == 0)
		return (enum crm_status)77;
	if (strcmp(path, "/stranger") == 0)
		self->host->complete(self->host, 987654, CRM_OK, "", 0);
	if (strcmp(path, "/strange-status") == 0) {
		self->host->complete(self->host, request->id,
				     (enum crm_status) - 5, NULL, 99);
		return CRM_OK;
	}
	if (strcmp(path, "/release") == 0)
		release(self, CRM_OK);
	if (strcmp(path, "/post") == 0)
		self->host->post(self->host, "acme", "bob", request->body,
				 request->body_len);
	if (strcmp(path, "/log") == 0)
		self->host->log(self->host, CRM_INFO, "one\nline\x1b[0m");
	if (strcmp(path, "/config") == 0) {
		char value[8];

		answer(self, request->id,
		       self->host->config(self->host, "name", value, 8) == -1
			   ? "closed"
			   : "open");
		return CRM_OK;
	}
	tell(self, request);
	if (strcmp(path, "/twice") == 0)
		answer(self, request->id, "again");
	return strcmp(path, "/both") == 0 ? CRM_BUSY : CRM_OK;
}

static enum crm_status behave_stop(struct crm_plugin *plugin,
				   uint64_t deadline_ns)
{
	struct behave *self = behave_of(plugin);
	size_t given_up = 0;

	(void)deadline_ns;
	pthread_mutex_lock(&self->mutex);
	self->ending = true;
	pthread_cond_signal(&self->changed);
	pthread_mutex_unlock(&self->mutex);
	if (self->stubborn)
		return CRM_BUSY;
	pthread_join(self->thread, NULL);
	if (!self->forget)
		given_up = release(self, CRM_STOPPING);
	return given_up > 0 ? CRM_TIMEOUT : CRM_OK;
}

static void behave_destroy(struct crm_plugin *plugin)
{
	struct behave *self = behave_of(plugin);

	pthread_mutex_destroy(&self->mutex);
	pthread_cond_destroy(&self->changed);
	free(self);
}

static size_t snapshot(struct crm_plugin *plugin, char *buf, size_t cap)
{
	struct behave *self = behave_of(plugin);
	int len;

	pthread_mutex_lock(&self->mutex);
	len = snprintf(buf, cap, "{\"held\":%zu}", self->held_count);
	pthread_mutex_unlock(&self->mutex);
	return (size_t)len;
}

static const char options[] =
    "[{\"name\": \"name\", \"type\": \"string\", \"secret\": \"may\","
    "  \"example\": \"a \\\"b\\\" \\\\c\","
    "  \"help\": \"Who \\\"it\\\" is.\\nA \\\\ and a .dot\"},"
    " {\"name\": \"size\", \"type\": \"int\", \"min\": 1, \"max\": 10,"
    "  \"default\": 5, \"help\": \"How much.\"},"
    " {\"name\": \"mode\", \"type\": \"enum\", \"values\": [\"none\","
    "  \"final\", \"all\"], \"default\": \"final\", \"help\": \"Which.\"},"
    " {\"name\": \"list\", \"type\": \"strings\", \"default\": [\"a\", \"b\"],"
    "  \"help\": \"Several.\"},"
    " {\"name\": \"fail_create\", \"type\": \"bool\", \"default\": false},"
    " {\"name\": \"half\", \"type\": \"bool\", \"default\": false},"
    " {\"name\": \"fail_start\", \"type\": \"bool\", \"default\": false},"
    " {\"name\": \"stubborn\", \"type\": \"bool\", \"default\": false},"
    " {\"name\": \"forget\", \"type\": \"bool\", \"default\": false}]";

static const char service[] =
    "{\"paths\": [\"/inside\", \"/thread\", \"/hold\", \"/refuse\","
    " \"/nonsense\", \"/stranger\", \"/release\", \"/post\", \"/twice\","
    " \"/both\", \"/lose\", \"/log\", \"/config\", \"/strange-status\"],"
    " \"types\": [\"rc-login-status-notify\"],"
    " \"service\": {\"name\": \"Behave\", \"callLoggerPath\": \"/inside\"}}";

static const struct crm_health health = {snapshot};

static const void *behave_extension(struct crm_plugin *plugin, const char *id)
{
	(void)plugin;
	if (strcmp(id, CRM_EXT_OPTIONS) == 0)
		return options;
	if (strcmp(id, CRM_EXT_WIDGET_SERVICE) == 0)
		return service;
	return strcmp(id, CRM_EXT_HEALTH) == 0 ? &health : NULL;
}

static bool is_set(const struct crm_host *host, const char *key)
{
	char value[8];

	return host->config(host, key, value, sizeof(value)) == 4 &&
	       strcmp(value, "true") == 0;
}

static struct crm_plugin *behave_create(const struct crm_host *host, char *why,
					size_t why_cap)
{
	struct behave *self = calloc(1, sizeof(*self));

	if (!self || is_set(host, "fail_create")) {
		snprintf(why, why_cap, "'db.conninfo' is not set");
		free(self);
		return NULL;
	}
	self->plugin =
	    (struct crm_plugin){behave_start, behave_submit, behave_stop,
				behave_destroy, behave_extension};
	self->host = host;
	self->fail_start = is_set(host, "fail_start");
	self->stubborn = is_set(host, "stubborn");
	self->forget = is_set(host, "forget");
	if (is_set(host, "half"))
		self->plugin.stop = NULL;
	pthread_mutex_init(&self->mutex, NULL);
	pthread_cond_init(&self->changed, NULL);
	return &self->plugin;
}

CRM_EXPORT const struct crm_entry crm_entry = {
    CRM_ENTRY_INIT, "org.example.demo", "1.0", NULL, behave_create};
