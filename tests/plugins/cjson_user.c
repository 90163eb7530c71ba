/* cjson_user - a plugin for the tests of symbol interposition: linked with a
 * library that the host has a function of its own for, and freeing what libc
 * allocated. */
#include "crm_plugin.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

struct user {
	struct crm_plugin plugin;
	const struct crm_host *host;
};

static enum crm_status user_start(struct crm_plugin *self)
{
	(void)self;
	return CRM_OK;
}

static enum crm_status user_submit(struct crm_plugin *self,
				   const struct crm_request *request)
{
	const struct crm_host *host = ((struct user *)self)->host;
	char *copy = strdup("[1, 2, 3]");
	cJSON *list = cJSON_Parse(copy);
	const char *answer = cJSON_GetArraySize(list) == 3 ? "library" : "host";

	cJSON_Delete(list);
	free(copy);
	host->complete(host, request->id, CRM_OK, answer, strlen(answer));
	return CRM_OK;
}

static enum crm_status user_stop(struct crm_plugin *self, uint64_t deadline_ns)
{
	(void)self;
	(void)deadline_ns;
	return CRM_OK;
}

static void user_destroy(struct crm_plugin *self)
{
	free(self);
}

static const void *user_extension(struct crm_plugin *self, const char *id)
{
	(void)self;
	return strcmp(id, CRM_EXT_WIDGET_SERVICE) == 0
		   ? "{\"paths\": [\"/parse\"]}"
		   : NULL;
}

static struct crm_plugin *user_create(const struct crm_host *host, char *why,
				      size_t why_cap)
{
	struct user *user = calloc(1, sizeof(*user));

	(void)why;
	(void)why_cap;
	if (!user)
		return NULL;
	user->plugin = (struct crm_plugin){user_start, user_submit, user_stop,
					   user_destroy, user_extension};
	user->host = host;
	return &user->plugin;
}

CRM_EXPORT const struct crm_entry crm_entry = {
    CRM_ENTRY_INIT, "test.cjson-user", "1.0", NULL, user_create};
