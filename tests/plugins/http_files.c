/* http_files - a plugin for the tests of crm-host: says of its files what its
 * configuration says, and answers a question for file n with line n of it. */
#include <crm_plugin.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct files {
	struct crm_plugin plugin;
	const struct crm_host *host;
	char service[2048], answers[16384];
};

static enum crm_status files_start(struct crm_plugin *self)
{
	(void)self;
	return CRM_OK;
}

/* The n-th line, in the envelope of an answer. */
static void answer_with(const struct files *files, uint64_t id, long n)
{
	const char *line = files->answers;
	char answer[4096];
	int len;

	while (n-- > 1 && line) {
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
	len =
	    snprintf(answer, sizeof answer, "{\"response\":{\"data\":%.*s}}",
		     line ? (int)strcspn(line, "\n") : 4, line ? line : "null");
	files->host->complete(files->host, id, CRM_OK, answer, (size_t)len);
}

static enum crm_status files_submit(struct crm_plugin *self,
				    const struct crm_request *request)
{
	const struct files *files = (const struct files *)self;
	static const char before[] = "\"id\":\"";
	const char *body = request->body, *id = NULL;

	for (size_t i = 0; !id && i + sizeof before < request->body_len; i++)
		if (memcmp(body + i, before, sizeof before - 1) == 0)
			id = body + i + sizeof before - 1;
	if (id && strncmp(id, "busy", 4) == 0)
		return CRM_BUSY;
	answer_with(files, request->id, id ? strtol(id, NULL, 10) : 0);
	return CRM_OK;
}

static enum crm_status files_stop(struct crm_plugin *self, uint64_t deadline_ns)
{
	(void)self;
	(void)deadline_ns;
	return CRM_OK;
}

static void files_destroy(struct crm_plugin *self)
{
	free(self);
}

static const void *files_extension(struct crm_plugin *self, const char *id)
{
	if (strcmp(id, CRM_EXT_OPTIONS) == 0)
		return "[{\"name\":\"service\",\"type\":\"string\","
		       "\"default\":\"{}\",\"help\":\"What it says.\"},"
		       "{\"name\":\"answers\",\"type\":\"strings\","
		       "\"default\":[],\"help\":\"What it answers.\"}]";
	if (strcmp(id, CRM_EXT_WIDGET_SERVICE) == 0)
		return ((struct files *)self)->service;
	return NULL;
}

static struct crm_plugin *files_create(const struct crm_host *host, char *why,
				       size_t why_cap)
{
	struct files *files = calloc(1, sizeof *files);

	if (!files) {
		snprintf(why, why_cap, "out of memory");
		return NULL;
	}
	files->plugin = (struct crm_plugin){.start = files_start,
					    .submit = files_submit,
					    .stop = files_stop,
					    .destroy = files_destroy,
					    .extension = files_extension};
	files->host = host;
	if (host->config(host, "service", files->service,
			 sizeof files->service) < 0)
		snprintf(files->service, sizeof files->service, "{}");
	host->config(host, "answers", files->answers, sizeof files->answers);
	return &files->plugin;
}

CRM_EXPORT const struct crm_entry crm_entry = {
    CRM_ENTRY_INIT, .id = "test.http-files", .version = "1.0",
    .create = files_create};
