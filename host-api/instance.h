/* instance - one plugin of a runtime, from its file to its end: loaded,
 * described, created, started, stopped, destroyed; and the host functions that
 * it calls. It does not decide what the host does about a plugin that fails. */
#ifndef CRM_INSTANCE_H
#define CRM_INSTANCE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "config.h"
#include "crm_plugin.h"
#include "gate.h"
#include "json.h"
#include "loader.h"

struct crm_runtime;

enum crm_state {
	CRM_STATE_DISABLED, /* by the configuration */
	CRM_STATE_REFUSED,  /* did not load, initialise or start: see reason */
	CRM_STATE_LOADED,   /* the file is open */
	CRM_STATE_READY,    /* created */
	CRM_STATE_RUNNING,
	CRM_STATE_STOPPED,
	CRM_STATE_STUCK /* a thread would not end: stays loaded for ever */
};

struct crm_instance {
	struct crm_runtime *runtime; /* borrowed */
	char *name;                  /* owned; its group in the file */
	char *path;                  /* owned; absolute */
	bool required;
	atomic_int state; /* enum crm_state */
	char reason[1024];
	struct crm_file file;
	struct crm_options *options; /* owned; NULL when it offers none */
	char **values; /* owned; of the options, file or default */
	const struct crm_config *config; /* borrowed, during create() only */
	bool describing;
	struct crm_host host; /* what the plugin gets to see of us */
	struct crm_plugin *plugin;
	struct crm_gate gate; /* threads inside submit() */
	pthread_mutex_t mutex;
	char complaint[256]; /* its last line at WARN or ERROR; under the mutex
			      */
};

/* [main] All below. Takes name and path over, also when it fails (NULL). */
struct crm_instance *crm_instance_new(struct crm_runtime *runtime, char *name,
				      char *path);
/* Opens the file, and asks the plugin for its options. False with the reason.
 */
bool crm_instance_load(struct crm_instance *instance,
		       const struct crm_file_name *loaded, size_t loaded_count);
/* Creates the plugin with its group of the file, which is then checked where
 * that was not possible before. */
bool crm_instance_create(struct crm_instance *instance,
			 const struct crm_config *config);
bool crm_instance_start(struct crm_instance *instance);
/* CRM_OK, CRM_TIMEOUT, or CRM_BUSY when it is stuck. */
enum crm_status crm_instance_stop(struct crm_instance *instance,
				  uint64_t deadline_ns);
/* Destroys, unloads and frees; not to be called for one that is stuck. */
void crm_instance_close(struct crm_instance *instance);

/* [any] What the plugin offers under that id, or NULL. */
const void *crm_instance_extension(struct crm_instance *instance,
				   const char *id);
/* [any] Whether it was created here, and is not refused since: it can be asked. */
bool crm_instance_is_alive(struct crm_instance *instance);
/* [any] A member of what it says of the widget's conversation, or nothing. */
struct crm_json crm_instance_widget_member(struct crm_instance *instance,
					   const char *name);
enum crm_state crm_instance_state(struct crm_instance *instance);
const char *crm_state_name(enum crm_state state);

#endif
