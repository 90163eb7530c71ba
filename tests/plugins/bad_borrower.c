/* bad_borrower - a plugin that uses cJSON and is not linked with it: it takes what
 * the host happens to have. For the tests of crm-check. */
#include "crm_plugin.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

struct borrower {
	struct crm_plugin plugin;
	const struct crm_host *host; /* borrowed */
};

static enum crm_status start(struct crm_plugin *self)
{
	(void)self;
	return CRM_OK;
}

static enum crm_status submit(struct crm_plugin *self,
			      const struct crm_request *request)
{
	struct borrower *borrower = (struct borrower *)self;

	cJSON_Delete(cJSON_ParseWithLength(request->body, request->body_len));
	borrower->host->complete(borrower->host, request->id, CRM_OK, "", 0);
	return CRM_OK;
}

static enum crm_status stop(struct crm_plugin *self, uint64_t deadline_ns)
{
	(void)self;
	(void)deadline_ns;
	return CRM_OK;
}

static void destroy(struct crm_plugin *self)
{
	free(self);
}

static const void *extension(struct crm_plugin *self, const char *id)
{
	(void)self;
	return strcmp(id, CRM_EXT_WIDGET_SERVICE) == 0
		   ? "{\"paths\":[\"/borrower\"]}"
		   : NULL;
}

static struct crm_plugin *create(const struct crm_host *host, char *why,
				 size_t why_cap)
{
	struct borrower *borrower = calloc(1, sizeof(*borrower));

	(void)why;
	(void)why_cap;
	if (!borrower)
		return NULL;
	borrower->plugin =
	    (struct crm_plugin){start, submit, stop, destroy, extension};
	borrower->host = host;
	return &borrower->plugin;
}

const struct crm_entry crm_entry = {CRM_ENTRY_INIT, "test.bad-borrower", "1.0",
				    NULL, create};
