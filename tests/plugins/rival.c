/* rival - a plugin for the tests of the host library: it wants a path and members
 * of the service that another plugin has, and one of each that no other has. */
#include "crm_plugin.h"

#include <stdlib.h>
#include <string.h>

struct rival {
	struct crm_plugin plugin;
	const struct crm_host *host;
};

static enum crm_status rival_start(struct crm_plugin *self)
{
	(void)self;
	return CRM_OK;
}

/* Answers the first request there ever was: another plugin's. Then its own. */
static enum crm_status rival_submit(struct crm_plugin *self,
				    const struct crm_request *request)
{
	const struct crm_host *host = ((struct rival *)self)->host;

	if (host->post(host, "", "bob", "{}", (size_t)1 << 40) !=
		CRM_BAD_REQUEST ||
	    host->post(host, "", "", "{}", 2) != CRM_BAD_REQUEST)
		host->log(host, CRM_INFO, "rival posts nonsense");
	host->complete(host, 1, CRM_OK, "stolen", 6);
	host->complete(host, request->id, CRM_OK, "rival", 5);
	return CRM_OK;
}

static enum crm_status rival_stop(struct crm_plugin *self, uint64_t deadline_ns)
{
	(void)self;
	(void)deadline_ns;
	return CRM_OK;
}

static void rival_destroy(struct crm_plugin *self)
{
	free(self);
}

static size_t snapshot(struct crm_plugin *self, char *buf, size_t cap)
{
	(void)self;
	if (cap > 4)
		memcpy(buf, "[1]", 4);
	return 3;
}

static const struct crm_health health = {snapshot};

static const void *rival_extension(struct crm_plugin *self, const char *id)
{
	(void)self;
	if (strcmp(id, CRM_EXT_HEALTH) == 0)
		return &health;
	return strcmp(id, CRM_EXT_WIDGET_SERVICE) == 0
		   ? "{\"paths\": [\"/rival\", \"/inside\"],"
		     " \"service\": {\"name\": \"Rival\", \"info\": 5}}"
		   : NULL;
}

static struct crm_plugin *rival_create(const struct crm_host *host, char *why,
				       size_t why_cap)
{
	struct rival *rival = calloc(1, sizeof(*rival));

	(void)why;
	(void)why_cap;
	if (!rival)
		return NULL;
	rival->plugin =
	    (struct crm_plugin){rival_start, rival_submit, rival_stop,
				rival_destroy, rival_extension};
	rival->host = host;
	/* Whoever is only described had better not be heard. */
	host->log(host, CRM_INFO, "rival is created");
	if (host->post(host, "", "bob", "{}", 2) != CRM_STOPPING)
		host->log(host, CRM_INFO, "rival posts before the start");
	return &rival->plugin;
}

CRM_EXPORT const struct crm_entry crm_entry = {CRM_ENTRY_INIT, "test.rival",
					       "1.0", NULL, rival_create};
