/* files - what a plugin says of files that it has (`files` of
 * CRM_EXT_WIDGET_SERVICE). It opens none. */
#ifndef CRM_FILES_H
#define CRM_FILES_H

#include <limits.h>
#include <stdbool.h>

#include "json.h"
#include "route.h"
#include "runtime.h"

enum { CRM_FILES_PATH = 64, CRM_FILES_ID = 64 };

struct crm_files {
	struct crm_instance *instance; /* borrowed */
	char path[CRM_FILES_PATH];     /* "/recordings/" */
	char ask[CRM_ROUTE_NAME];      /* the path of the question */
	char folder[PATH_MAX];         /* absolute */
};

/* False with the reason in `why` when the member says none, or nonsense. */
bool crm_files_read(struct crm_files *files, struct crm_json member, char *why,
		    size_t why_cap);

/* Whose file the path of a request names, if it can be one; *id is its end,
 * borrowed: 1 to CRM_FILES_ID of [0-9A-Za-z_-]. */
bool crm_files_find(struct crm_files *files, struct crm_runtime *runtime,
		    const char *path, const char **id);

#endif
