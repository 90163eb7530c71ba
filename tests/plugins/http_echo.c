/* http_echo - a plugin for the tests of crm-host: answers inside submit(), with
 * the message itself, byte for byte. A message without a path gets no answer.
 */
#include <crm_plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct echo {
	struct crm_plugin plugin;
	const struct crm_host *host;
};

static enum crm_status echo_start(struct crm_plugin *self)
{
	(void)self;
	return CRM_OK;
}

static enum crm_status echo_submit(struct crm_plugin *self,
				   const struct crm_request *request)
{
	struct echo *echo = (struct echo *)self;
	size_t len = request->path[0] == '/' ? request->body_len : 0;

	echo->host->complete(echo->host, request->id, CRM_OK, request->body,
			     len);
	return CRM_OK;
}

static enum crm_status echo_stop(struct crm_plugin *self, uint64_t deadline_ns)
{
	(void)self;
	(void)deadline_ns;
	return CRM_OK;
}

static void echo_destroy(struct crm_plugin *self)
{
	free(self);
}

static const void *echo_extension(struct crm_plugin *self, const char *id)
{
	(void)self;
	if (strcmp(id, CRM_EXT_OPTIONS) == 0)
		return "[]";
	if (strcmp(id, CRM_EXT_WIDGET_SERVICE) == 0)
		return "{\"paths\":[\"/echo\"],"
		       "\"types\":[\"rc-login-status-notify\"],"
		       "\"service\":{\"callLoggerPath\":\"/echo\"}}";
	return NULL;
}

static struct crm_plugin *echo_create(const struct crm_host *host, char *why,
				      size_t why_cap)
{
	struct echo *echo = calloc(1, sizeof *echo);

	if (!echo) {
		snprintf(why, why_cap, "out of memory");
		return NULL;
	}
	echo->plugin = (struct crm_plugin){.start = echo_start,
					   .submit = echo_submit,
					   .stop = echo_stop,
					   .destroy = echo_destroy,
					   .extension = echo_extension};
	echo->host = host;
	return &echo->plugin;
}

CRM_EXPORT const struct crm_entry crm_entry = {
    CRM_ENTRY_INIT, .id = "test.http-echo", .version = "1.0",
    .create = echo_create};
