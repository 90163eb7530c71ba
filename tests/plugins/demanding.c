/* demanding - a plugin for the tests of the host library: it cannot be created
 * without the key `conninfo`, and tells so when it is only described. With
 * NAIVE it knows nothing of being described. */
#include "crm_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef NAIVE
#define ID "test.naive"
#define DESCRIBED 0
#else
#define ID "test.demanding"
#define DESCRIBED (host->extension(host, CRM_EXT_DESCRIBE) != NULL)
#endif

static enum crm_status demanding_start(struct crm_plugin *self)
{
	(void)self;
	return CRM_OK;
}

static enum crm_status demanding_submit(struct crm_plugin *self,
					const struct crm_request *request)
{
	(void)self;
	(void)request;
	return CRM_BUSY;
}

static enum crm_status demanding_stop(struct crm_plugin *self,
				      uint64_t deadline_ns)
{
	(void)self;
	(void)deadline_ns;
	return CRM_OK;
}

static void demanding_destroy(struct crm_plugin *self)
{
	free(self);
}

static const void *demanding_extension(struct crm_plugin *self, const char *id)
{
	(void)self;
	if (strcmp(id, CRM_EXT_OPTIONS) != 0)
		return NULL;
	return "[{\"name\": \"conninfo\", \"type\": \"string\","
	       "  \"required\": true, \"secret\": \"may\","
	       "  \"example\": \"host=/run/postgresql dbname=crm\","
	       "  \"help\": \"The database.\"}]";
}

static struct crm_plugin *demanding_create(const struct crm_host *host,
					   char *why, size_t why_cap)
{
	struct crm_plugin *self;
	char value[64];

	if (!DESCRIBED &&
	    host->config(host, "conninfo", value, sizeof(value)) < 0) {
		snprintf(why, why_cap, "'conninfo' is not set");
		return NULL;
	}
	self = calloc(1, sizeof(*self));
	if (self)
		*self = (struct crm_plugin){demanding_start, demanding_submit,
					    demanding_stop, demanding_destroy,
					    demanding_extension};
	return self;
}

CRM_EXPORT const struct crm_entry crm_entry = {CRM_ENTRY_INIT, ID, "2.1", NULL,
					       demanding_create};
