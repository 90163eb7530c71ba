/* runtime - what crm_host.h calls a runtime, as the files of the host library
 * see it: the plugins of one configuration, their routes, the requests in
 * flight. */
#ifndef CRM_RUNTIME_H
#define CRM_RUNTIME_H

#include <stdatomic.h>
#include <sys/types.h>

#include "crm_host.h"
#include "gate.h"
#include "instance.h"
#include "post.h"
#include "request.h"
#include "route.h"

struct crm_runtime {
	struct crm_host_callbacks callbacks;
	struct crm_gate callouts;        /* threads inside log() or post() */
	struct crm_options *options;     /* owned; of the group `host` */
	char **values;                   /* owned; of those */
	char **places;                   /* owned; where those stand */
	struct crm_config *config;       /* owned; until all are created */
	struct crm_instance **instances; /* owned */
	size_t instance_count;
	struct crm_routes routes;
	struct crm_requests *requests; /* owned */
	struct crm_posts posts;
	size_t max_message; /* bytes */
	uint32_t timeout_ms;
	atomic_int pid; /* the serving process, 0 before start */
	atomic_bool stopping;
	bool stopped;
	enum crm_status stop_status;
};

/* [main] An empty runtime; NULL without memory. `callbacks` may be NULL. */
struct crm_runtime *crm_runtime_new(const struct crm_host_callbacks *callbacks);
/* [main] Reads the file, loads its enabled plugins and checks all groups; adds
 * a line for each problem of the file. False when it could not get so far as to
 * know the plugins. A plugin that did not load has its reason. */
bool crm_runtime_read(struct crm_runtime *runtime, const char *config_path,
		      struct crm_text *problems);
/* [main] Creates the plugins that were loaded, and closes the file. */
void crm_runtime_create(struct crm_runtime *runtime);
/* [main] Frees everything; the plugins must not run any more. */
void crm_runtime_free(struct crm_runtime *runtime);

/* [any] Is this a process forked from the one that started the host? Then a lock
 * may be held for ever, by a thread that is not here. */
bool crm_runtime_is_foreign(struct crm_runtime *runtime);

/* [any] One line, made printable, to the host's log. */
void crm_runtime_log(struct crm_runtime *runtime, enum crm_level level,
		     const char *source, const char *line);

#endif
