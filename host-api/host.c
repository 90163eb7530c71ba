/* host - the calls of crm_host.h that run plugins: open, start, submit, call,
 * stop, close. It holds no lock around a plugin's function or a host's
 * callback. What only reads (service, status, check) is in report.c and
 * check.c. */
#include "crm_host.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "runtime.h"
#include "text.h"

enum { CLOSE_MS = 5000, MAX_TIMEOUT_MS = 600000 };

static const char *const status_names[] = {
    "ok",       "bad request", "busy",  "timeout",
    "stopping", "unsupported", "failed"};

const char *crm_status_name(enum crm_status status)
{
	return status >= CRM_OK && status <= CRM_FAILED ? status_names[status]
							: "unknown status";
}

/* -------------------------------------------------------------------- open */

/* What did not get ready: a problem when required, else only worth a line. */
static void judge(struct crm_runtime *runtime, struct crm_text *problems)
{
	for (size_t i = 0; i < runtime->instance_count; i++) {
		const struct crm_instance *instance = runtime->instances[i];

		if (instance->reason[0] == '\0' ||
		    crm_instance_state(runtime->instances[i]) !=
			CRM_STATE_REFUSED)
			continue;
		if (!instance->required) {
			crm_runtime_log(runtime, CRM_ERROR, instance->name,
					instance->reason);
			continue;
		}
		crm_text_line(problems);
		crm_text_add(problems, "%s", instance->reason);
	}
}

struct crm_runtime *crm_host_open(const char *config_path,
				  const struct crm_host_callbacks *callbacks,
				  char *why, size_t why_cap)
{
	struct crm_text problems = crm_text_in(why, why_cap);
	struct crm_runtime *runtime = crm_runtime_new(callbacks);

	if (!runtime) {
		crm_text_add(&problems, "out of memory");
		return NULL;
	}
	if (crm_runtime_read(runtime, config_path, &problems) &&
	    problems.len == 0) {
		crm_runtime_create(runtime);
		judge(runtime, &problems);
		if (problems.len == 0)
			return runtime;
	}
	crm_runtime_free(runtime);
	return NULL;
}

/* ------------------------------------------------------------------- start */

enum crm_status crm_host_start(struct crm_runtime *runtime, char *why,
			       size_t why_cap)
{
	struct crm_text problems = crm_text_in(why, why_cap);

	if (atomic_load(&runtime->pid) != 0 || runtime->stopped) {
		crm_text_add(&problems, "the host was started before");
		return CRM_FAILED;
	}
	if (!crm_requests_start(runtime->requests)) {
		crm_text_add(&problems,
			     "cannot create the thread of the deadlines");
		return CRM_FAILED;
	}
	atomic_store(&runtime->pid, (int)getpid());
	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct crm_instance *instance = runtime->instances[i];

		if (crm_instance_state(instance) != CRM_STATE_READY ||
		    crm_instance_start(instance))
			continue;
		if (!instance->required) {
			crm_runtime_log(runtime, CRM_ERROR, instance->name,
					instance->reason);
			continue;
		}
		crm_text_line(&problems);
		crm_text_add(&problems, "%s", instance->reason);
	}
	return problems.len == 0 ? CRM_OK : CRM_FAILED;
}

/* ------------------------------------------------------------------ submit */

struct say {
	char *why;
	size_t cap;
};

static enum crm_status refuse(const struct say *say, enum crm_status status,
			      const char *sentence)
{
	crm_text_copy(say->why, say->cap, sentence);
	return status;
}

static enum crm_status check_process(struct crm_runtime *runtime,
				     const struct say *say)
{
	if (atomic_load(&runtime->pid) == 0)
		return refuse(say, CRM_FAILED, "the host was not started");
	if (crm_runtime_is_foreign(runtime))
		return refuse(say, CRM_UNSUPPORTED,
			      "the host was started in another process, "
			      "before a fork");
	if (atomic_load(&runtime->stopping))
		return refuse(say, CRM_STOPPING, "the host is stopping");
	return CRM_OK;
}

static enum crm_status check_message(const struct crm_runtime *runtime,
				     const struct crm_message *message,
				     const struct say *say)
{
	char sentence[100];

	if (!message->agent || message->agent[0] == '\0')
		return refuse(say, CRM_BAD_REQUEST, "there is no agent");
	if (!message->body || message->body_len == 0)
		return refuse(say, CRM_BAD_REQUEST, "the message is empty");
	if (message->body_len <= runtime->max_message)
		return CRM_OK;
	snprintf(sentence, sizeof(sentence),
		 "the message is %zu bytes long, allowed are %zu",
		 message->body_len, runtime->max_message);
	return refuse(say, CRM_BAD_REQUEST, sentence);
}

/* The plugin refused. Should it have answered as well, the answer counts. */
static enum crm_status take_back(struct crm_instance *instance, uint64_t id,
				 enum crm_status status, const struct say *say)
{
	struct crm_runtime *runtime = instance->runtime;
	char line[160];

	if (status < CRM_OK || status > CRM_FAILED)
		status = CRM_FAILED;
	if (crm_requests_withdraw(runtime->requests, id)) {
		snprintf(line, sizeof(line),
			 "the plugin '%.60s' refused the message: %s",
			 instance->name, crm_status_name(status));
		return refuse(say, status, line);
	}
	snprintf(line, sizeof(line),
		 "plugin refused request %llu, which was answered already",
		 (unsigned long long)id);
	crm_runtime_log(runtime, CRM_WARN, instance->name, line);
	return CRM_OK;
}

static enum crm_status pass_on(struct crm_instance *instance,
			       const struct crm_message *message,
			       const char *path, crm_host_done *done,
			       void *context, const struct say *say)
{
	struct crm_runtime *runtime = instance->runtime;
	uint32_t timeout_ms = message->timeout_ms;
	enum crm_status status;
	struct crm_request request;

	if (timeout_ms == 0 || timeout_ms > MAX_TIMEOUT_MS)
		timeout_ms = runtime->timeout_ms;
	request = (struct crm_request){
	    .deadline_ns = crm_clock_after(timeout_ms),
	    .sent_at_ms = message->sent_at_ms,
	    .account = message->account ? message->account : "",
	    .agent = message->agent,
	    .path = path,
	    .body = message->body,
	    .body_len = message->body_len,
	};
	request.id =
	    crm_requests_add(runtime->requests, instance, request.deadline_ns,
			     done, context, &status);
	if (request.id == 0)
		return refuse(say, status,
			      status == CRM_BUSY ? "too many messages wait"
						 : "out of memory");
	status = instance->plugin->submit(instance->plugin, &request);
	return status == CRM_OK ? CRM_OK
				: take_back(instance, request.id, status, say);
}

enum crm_status crm_host_submit(struct crm_runtime *runtime,
				const struct crm_message *message,
				crm_host_done *done, void *context, char *why,
				size_t why_cap)
{
	const struct say say = {why, why_cap};
	char path[CRM_ROUTE_NAME];
	struct crm_instance *instance;
	enum crm_status status = check_process(runtime, &say);

	if (status == CRM_OK)
		status = check_message(runtime, message, &say);
	if (status != CRM_OK)
		return status;
	instance =
	    crm_routes_find(&runtime->routes, message->body, message->body_len,
			    path, &status, why, why_cap);
	if (!instance && status == CRM_OK)
		done(context, CRM_OK, "", 0);
	if (!instance)
		return status;
	if (crm_instance_state(instance) == CRM_STATE_REFUSED)
		return refuse(&say, CRM_FAILED, "the plugin did not start");
	if (!crm_gate_enter(&instance->gate))
		return refuse(&say, CRM_STOPPING, "the host is stopping");
	status = pass_on(instance, message, path, done, context, &say);
	crm_gate_leave(&instance->gate);
	return status;
}

/* -------------------------------------------------------------------- call */

/* Where the caller of crm_host_call() waits. */
struct waiter {
	pthread_mutex_t mutex;
	pthread_cond_t answered;
	bool done;
	enum crm_status status;
	char *answer; /* borrowed from the caller */
	size_t cap, len;
};

/* Signals under the mutex: the waiter's stack is gone right after it. */
static void wake(void *context, enum crm_status status, const char *body,
		 size_t body_len)
{
	struct waiter *waiter = context;
	struct crm_text text;

	pthread_mutex_lock(&waiter->mutex);
	text = crm_text_in(waiter->answer, waiter->cap);
	crm_text_bytes(&text, body, body_len);
	waiter->len = body_len;
	waiter->status = status;
	waiter->done = true;
	pthread_cond_signal(&waiter->answered);
	pthread_mutex_unlock(&waiter->mutex);
}

enum crm_status crm_host_call(struct crm_runtime *runtime, const char *account,
			      const char *agent, const char *message,
			      size_t message_len, int64_t sent_at_ms,
			      uint32_t timeout_ms, char *answer,
			      size_t answer_cap, size_t *answer_len)
{
	const struct crm_message whole = {account, agent,       sent_at_ms,
					  message, message_len, timeout_ms};
	struct waiter waiter = {.mutex = PTHREAD_MUTEX_INITIALIZER,
				.answered = PTHREAD_COND_INITIALIZER,
				.answer = answer,
				.cap = answer_cap};
	enum crm_status status;
	char why[400] = "";

	status =
	    crm_host_submit(runtime, &whole, wake, &waiter, why, sizeof(why));
	if (status == CRM_OK) {
		pthread_mutex_lock(&waiter.mutex);
		while (!waiter.done)
			pthread_cond_wait(&waiter.answered, &waiter.mutex);
		pthread_mutex_unlock(&waiter.mutex);
		status = waiter.status;
	} else {
		crm_text_copy(answer, answer_cap, why);
		waiter.len = strlen(why);
	}
	if (answer_len)
		*answer_len = waiter.len;
	pthread_cond_destroy(&waiter.answered);
	pthread_mutex_destroy(&waiter.mutex);
	return status;
}

enum crm_status crm_host_no_post(void *context, const char *account,
				 const char *agent, const char *body,
				 size_t body_len)
{
	(void)context;
	(void)account;
	(void)agent;
	(void)body;
	(void)body_len;
	return CRM_UNSUPPORTED;
}

struct crm_post *crm_host_next_post(struct crm_runtime *runtime)
{
	return crm_runtime_is_foreign(runtime)
		   ? NULL
		   : crm_posts_take(&runtime->posts);
}

/* -------------------------------------------------------------------- stop */

enum crm_status crm_host_stop(struct crm_runtime *runtime, uint32_t timeout_ms)
{
	uint64_t deadline_ns = crm_clock_after(timeout_ms);

	if (crm_runtime_is_foreign(runtime))
		return CRM_UNSUPPORTED;
	if (runtime->stopped)
		return runtime->stop_status;
	runtime->stopped = true;
	atomic_store(&runtime->stopping, true);
	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct crm_instance *instance = runtime->instances[i];
		enum crm_status status = CRM_OK;

		if (crm_instance_state(instance) == CRM_STATE_RUNNING)
			status = crm_instance_stop(instance, deadline_ns);
		if (status == CRM_BUSY || runtime->stop_status == CRM_OK)
			runtime->stop_status = status;
	}
	crm_requests_end(runtime->requests);
	return runtime->stop_status;
}

/* A stuck plugin may still call us and finds everything in place, for ever;
 * only the host's own callbacks are not called any more. */
static bool is_stuck(struct crm_runtime *runtime)
{
	for (size_t i = 0; i < runtime->instance_count; i++)
		if (crm_instance_state(runtime->instances[i]) ==
		    CRM_STATE_STUCK)
			return true;
	return false;
}

/* Its neighbours are not kept for its sake. */
static void close_others(struct crm_runtime *runtime)
{
	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct crm_instance *instance = runtime->instances[i];

		if (crm_instance_state(instance) == CRM_STATE_STUCK)
			continue;
		crm_instance_close(instance);
		runtime->instances[i] = NULL;
	}
}

void crm_host_close(struct crm_runtime *runtime)
{
	if (!runtime || crm_runtime_is_foreign(runtime))
		return;
	crm_host_stop(runtime, CLOSE_MS);
	if (!is_stuck(runtime)) {
		crm_runtime_free(runtime);
		return;
	}
	close_others(runtime);
	crm_gate_shut(&runtime->callouts);
	crm_gate_wait(&runtime->callouts, crm_clock_after(CLOSE_MS));
}
