/* hello - the smallest complete plugin, to start another one from. It takes the
 * messages with the path /hello and answers each at once with a greeting, so it
 * needs no thread. Build it as a shared object that exports `crm_entry` alone:
 *
 *   cc -std=c11 -shared -fPIC -fvisibility=hidden -I<host-api> hello.c \
 *      -o hello.so -lcjson
 *
 * and enable it with the group `hello: { greeting = "Hi"; };`. */
#include "crm_plugin.h"

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Our instance: the host's view of it comes first. */
struct hello {
	struct crm_plugin plugin;
	const struct crm_host *host; /* borrowed, valid until destroy() */
	char greeting[64];
	atomic_bool stopping;
};

static struct hello *hello_of(struct crm_plugin *self)
{
	return (struct hello *)self;
}

static enum crm_status hello_start(struct crm_plugin *self)
{
	struct hello *hello = hello_of(self);

	hello->host->log(hello->host, CRM_INFO, "hello is ready");
	return CRM_OK;
}

/* The whole answer message: a response to the request of that id. The caller
 * frees it; NULL for a message that is none, or without memory. */
static char *answer_new(const struct hello *hello,
			const struct crm_request *request)
{
	cJSON *message =
	    cJSON_ParseWithLength(request->body, request->body_len);
	const char *id = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(message, "requestId"));
	cJSON *answer = cJSON_CreateObject();
	char *text = NULL;

	cJSON_AddStringToObject(answer, "type", "rc-post-message-response");
	if (id && cJSON_AddStringToObject(answer, "responseId", id) &&
	    cJSON_AddStringToObject(answer, "response", hello->greeting))
		text = cJSON_PrintUnformatted(answer);
	cJSON_Delete(answer);
	cJSON_Delete(message);
	return text;
}

/* A plugin that needs longer copies what it keeps, queues it, returns CRM_OK,
 * and completes the request from a thread of its own. */
static enum crm_status hello_submit(struct crm_plugin *self,
				    const struct crm_request *request)
{
	struct hello *hello = hello_of(self);
	char *answer;

	if (atomic_load(&hello->stopping))
		return CRM_STOPPING;
	answer = answer_new(hello, request);
	if (!answer)
		return CRM_BAD_REQUEST;
	hello->host->complete(hello->host, request->id, CRM_OK, answer,
			      strlen(answer));
	free(answer);
	return CRM_OK;
}

/* New messages are refused from now on. Everything before was answered inside
 * submit(), and there is no thread to end. */
static enum crm_status hello_stop(struct crm_plugin *self, uint64_t deadline_ns)
{
	atomic_store(&hello_of(self)->stopping, true);
	(void)deadline_ns;
	return CRM_OK;
}

static void hello_destroy(struct crm_plugin *self)
{
	free(hello_of(self));
}

static const void *hello_extension(struct crm_plugin *self, const char *id)
{
	(void)self;
	if (strcmp(id, CRM_EXT_WIDGET_SERVICE) == 0)
		return "{\"paths\": [\"/hello\"]}";
	if (strcmp(id, CRM_EXT_OPTIONS) == 0)
		return "[{\"name\": \"greeting\", \"type\": \"string\","
		       "  \"default\": \"Hello\","
		       "  \"help\": \"What to answer.\"}]";
	return NULL;
}

static struct crm_plugin *hello_create(const struct crm_host *host, char *why,
				       size_t why_cap)
{
	struct hello *hello = calloc(1, sizeof(*hello));

	if (!hello) {
		snprintf(why, why_cap, "out of memory");
		return NULL;
	}
	hello->plugin =
	    (struct crm_plugin){hello_start, hello_submit, hello_stop,
				hello_destroy, hello_extension};
	hello->host = host;
	if (host->config(host, "greeting", hello->greeting,
			 sizeof(hello->greeting)) < 0)
		snprintf(hello->greeting, sizeof(hello->greeting), "Hello");
	return &hello->plugin;
}

const struct crm_entry crm_entry = {CRM_ENTRY_INIT, "example.hello", "1.0.0",
				    NULL, hello_create};
