/* prompt - accepts every message and answers it at once, inside submit(): what
 * submit() takes when there is nothing to do, as a measure of the machine. */
#include "crm_plugin.h"

#include <stdlib.h>

struct prompt {
	struct crm_plugin plugin;
	const struct crm_host *host;
};

static enum crm_status prompt_start(struct crm_plugin *self)
{
	(void)self;
	return CRM_OK;
}

static enum crm_status prompt_submit(struct crm_plugin *self,
				     const struct crm_request *request)
{
	const struct crm_host *host = ((struct prompt *)self)->host;

	host->complete(host, request->id, CRM_OK, "{}", 2);
	return CRM_OK;
}

static enum crm_status prompt_stop(struct crm_plugin *self, uint64_t deadline)
{
	(void)self;
	(void)deadline;
	return CRM_OK;
}

static void prompt_destroy(struct crm_plugin *self)
{
	free(self);
}

static const void *prompt_extension(struct crm_plugin *self, const char *id)
{
	(void)self;
	(void)id;
	return NULL;
}

static struct crm_plugin *create(const struct crm_host *host, char *why,
				 size_t why_cap)
{
	struct prompt *prompt = calloc(1, sizeof(*prompt));

	(void)why;
	(void)why_cap;
	if (!prompt)
		return NULL;
	prompt->host = host;
	prompt->plugin = (struct crm_plugin){
	    .start = prompt_start,
	    .submit = prompt_submit,
	    .stop = prompt_stop,
	    .destroy = prompt_destroy,
	    .extension = prompt_extension,
	};
	return &prompt->plugin;
}

CRM_EXPORT const struct crm_entry crm_entry = {
    CRM_ENTRY_INIT,
    .id = "org.example.prompt",
    .version = "1",
    .create = create,
};
