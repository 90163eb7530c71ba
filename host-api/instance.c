/* instance - one plugin of a runtime, from its file to its end. See instance.h.
 */
#include "instance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

static const char *const state_names[] = {
    "disabled", "refused", "loaded", "ready", "running", "stopped", "stuck"};

const char *crm_state_name(enum crm_state state)
{
	return state_names[state];
}

enum crm_state crm_instance_state(struct crm_instance *instance)
{
	return (enum crm_state)atomic_load(&instance->state);
}

static void set_state(struct crm_instance *instance, enum crm_state state)
{
	atomic_store(&instance->state, (int)state);
}

/* ------------------------------------------------ what the plugin may call */

static void host_log(const struct crm_host *host, enum crm_level level,
		     const char *line)
{
	struct crm_instance *instance = host->host_data;

	if (!line || instance->describing)
		return;
	if (level < CRM_DEBUG || level > CRM_ERROR)
		level = CRM_ERROR;
	if (level >= CRM_WARN) {
		pthread_mutex_lock(&instance->mutex);
		crm_text_copy(instance->complaint, sizeof(instance->complaint),
			      line);
		pthread_mutex_unlock(&instance->mutex);
	}
	crm_runtime_log(instance->runtime, level, instance->name, line);
}

static ptrdiff_t host_config(const struct crm_host *host, const char *key,
			     char *buf, size_t cap)
{
	const struct crm_instance *instance = host->host_data;
	ptrdiff_t len;
	char *value;

	if (!instance->config || !key)
		return -1;
	value = crm_config_value(instance->config, instance->name, key);
	if (!value)
		return -1;
	len = (ptrdiff_t)strlen(value);
	crm_text_copy(buf, cap, value);
	free(value);
	return len;
}

static void host_complete(const struct crm_host *host, uint64_t id,
			  enum crm_status status, const char *body,
			  size_t body_len)
{
	struct crm_instance *instance = host->host_data;
	enum crm_answer answer;
	const char *problem = "";
	char line[128];

	if (status < CRM_OK || status > CRM_FAILED)
		status = CRM_FAILED;
	if (!body) {
		body = "";
		body_len = 0;
	}
	answer = crm_requests_answer(instance->runtime->requests, instance, id,
				     status, body, body_len);
	switch (answer) {
	case CRM_ANSWER_TAKEN:
		return;
	case CRM_ANSWER_TWICE:
		problem = " twice";
		break;
	case CRM_ANSWER_LATE:
		problem = " after its deadline";
		break;
	case CRM_ANSWER_FOREIGN:
		problem = ", which is another plugin's";
		break;
	case CRM_ANSWER_UNKNOWN:
		problem = ", which does not wait";
		break;
	}
	snprintf(line, sizeof(line), "plugin answered request %llu%s",
		 (unsigned long long)id, problem);
	crm_runtime_log(instance->runtime, CRM_WARN, instance->name, line);
}

static enum crm_status keep_post(struct crm_instance *instance,
				 const char *account, const char *agent,
				 const char *body, size_t body_len)
{
	struct crm_runtime *runtime = instance->runtime;
	bool dropped = false;

	if (!crm_posts_add(&runtime->posts, account, agent, body, body_len,
			   &dropped))
		return CRM_BUSY;
	if (dropped)
		crm_runtime_log(runtime, CRM_DEBUG, instance->name,
				"the oldest post was dropped: nobody fetches");
	return CRM_OK;
}

static enum crm_status host_post(const struct crm_host *host,
				 const char *account, const char *agent,
				 const char *body, size_t body_len)
{
	struct crm_instance *instance = host->host_data;
	struct crm_runtime *runtime = instance->runtime;
	const struct crm_host_callbacks *callbacks = &runtime->callbacks;
	enum crm_status status = CRM_STOPPING;

	if (!agent || agent[0] == '\0' || !body || body_len == 0 ||
	    body_len > runtime->max_message)
		return CRM_BAD_REQUEST;
	if (atomic_load(&runtime->pid) == 0 ||
	    !crm_gate_enter(&runtime->callouts))
		return CRM_STOPPING;
	if (!account)
		account = "";
	if (callbacks->post)
		status = callbacks->post(callbacks->context, account, agent,
					 body, body_len);
	else
		status = keep_post(instance, account, agent, body, body_len);
	crm_gate_leave(&runtime->callouts);
	return status;
}

static const void *host_extension(const struct crm_host *host, const char *id)
{
	struct crm_instance *instance = host->host_data;

	return id && strcmp(id, CRM_EXT_DESCRIBE) == 0 && instance->describing
		   ? ""
		   : NULL;
}

/* -------------------------------------------------------------- life cycle */

struct crm_instance *crm_instance_new(struct crm_runtime *runtime, char *name,
				      char *path)
{
	struct crm_instance *instance = calloc(1, sizeof(*instance));

	if (!instance || !name || !path) {
		free(instance);
		free(name);
		free(path);
		return NULL;
	}
	pthread_mutex_init(&instance->mutex, NULL);
	instance->runtime = runtime;
	instance->name = name;
	instance->path = path;
	instance->host = (struct crm_host){
	    .size = sizeof(struct crm_host),
	    .abi_major = CRM_ABI_MAJOR,
	    .abi_minor = CRM_ABI_MINOR,
	    .host_data = instance,
	    .name = "crm-host",
	    .version = CRM_HOST_VERSION,
	    .log = host_log,
	    .config = host_config,
	    .complete = host_complete,
	    .post = host_post,
	    .extension = host_extension,
	};
	return instance;
}

const void *crm_instance_extension(struct crm_instance *instance,
				   const char *id)
{
	struct crm_plugin *plugin = instance->plugin;

	return plugin && plugin->extension ? plugin->extension(plugin, id)
					   : NULL;
}

bool crm_instance_is_alive(struct crm_instance *instance)
{
	enum crm_state state = crm_instance_state(instance);

	if (crm_runtime_is_foreign(instance->runtime))
		return false;
	return state == CRM_STATE_READY || state == CRM_STATE_RUNNING ||
	       state == CRM_STATE_STOPPED;
}

struct crm_json crm_instance_widget_member(struct crm_instance *instance,
					   const char *name)
{
	struct crm_json member = {NULL, 0};
	const char *json =
	    crm_instance_is_alive(instance)
		? crm_instance_extension(instance, CRM_EXT_WIDGET_SERVICE)
		: NULL;

	if (json)
		crm_json_members(json, strlen(json), &name, &member, 1);
	return member;
}

/* `plugin '<path>' (<id> <version>) <what>: <why>` */
static bool refuse(struct crm_instance *instance, const char *what,
		   const char *why)
{
	const struct crm_entry *entry = instance->file.entry;

	snprintf(instance->reason, sizeof(instance->reason),
		 "plugin '%s' (%.60s %.30s) %s: %s", instance->path, entry->id,
		 entry->version, what, why);
	set_state(instance, CRM_STATE_REFUSED);
	return false;
}

static void destroy(struct crm_instance *instance)
{
	if (instance->plugin)
		instance->plugin->destroy(instance->plugin);
	instance->plugin = NULL;
}

/* Takes the options over that the plugin offers; true when it offers none. */
static bool read_options(struct crm_instance *instance)
{
	const char *json = crm_instance_extension(instance, CRM_EXT_OPTIONS);
	char why[200];

	if (!json)
		return true;
	instance->options = crm_options_new(json, why, sizeof(why));
	return instance->options ||
	       refuse(instance, "offers a bad " CRM_EXT_OPTIONS, why);
}

static const char *missing_function(const struct crm_plugin *plugin)
{
	if (!plugin->start)
		return "start is not set";
	if (!plugin->submit)
		return "submit is not set";
	if (!plugin->stop)
		return "stop is not set";
	return plugin->destroy ? NULL : "destroy is not set";
}

/* Runs create(). What the plugin says when it only describes itself is of no
 * interest: it may well refuse. */
static bool run_create(struct crm_instance *instance)
{
	char why[512] = "";
	const char *missing;

	instance->plugin =
	    instance->file.entry->create(&instance->host, why, sizeof(why));
	why[sizeof(why) - 1] = '\0';
	if (!instance->plugin)
		return refuse(instance, "did not initialise",
			      why[0] != '\0' ? why : "it gave no reason");
	missing = missing_function(instance->plugin);
	if (!missing)
		return true;
	if (instance->plugin->destroy)
		destroy(instance);
	instance->plugin = NULL;
	return refuse(instance, "did not initialise", missing);
}

static bool describe(struct crm_instance *instance)
{
	bool good = true;

	instance->describing = true;
	if (run_create(instance)) {
		good = read_options(instance);
		destroy(instance);
	}
	instance->describing = false;
	if (good)
		set_state(instance, CRM_STATE_LOADED);
	return good;
}

bool crm_instance_load(struct crm_instance *instance,
		       const struct crm_file_name *loaded, size_t loaded_count)
{
	set_state(instance, CRM_STATE_REFUSED);
	return crm_loader_open(instance->path, loaded, loaded_count,
			       &instance->file, instance->reason,
			       sizeof(instance->reason)) &&
	       describe(instance);
}

/* The file's group against options that were not known before create(). */
static bool check_after(struct crm_instance *instance,
			const struct crm_config *config)
{
	struct crm_text problems;
	char lines[512];

	if (instance->options)
		return true;
	if (!read_options(instance))
		return false;
	if (!instance->options)
		return true;
	problems = crm_text_in(lines, sizeof(lines));
	crm_config_check(config, instance->name, instance->options, &problems);
	lines[strcspn(lines, "\n")] = '\0';
	return problems.len == 0 ||
	       refuse(instance, "is configured wrongly", lines);
}

bool crm_instance_create(struct crm_instance *instance,
			 const struct crm_config *config)
{
	bool created;

	instance->config = config;
	created = run_create(instance);
	instance->config = NULL;
	if (!created)
		return false;
	if (!check_after(instance, config)) {
		destroy(instance);
		return false;
	}
	if (instance->options)
		instance->values = crm_config_values(config, instance->name,
						     instance->options);
	set_state(instance, CRM_STATE_READY);
	return true;
}

bool crm_instance_start(struct crm_instance *instance)
{
	enum crm_status status;
	char why[300];

	instance->complaint[0] = '\0';
	status = instance->plugin->start(instance->plugin);
	if (status == CRM_OK) {
		set_state(instance, CRM_STATE_RUNNING);
		return true;
	}
	/* start() has no place for a reason; what it logged last is the reason.
	 */
	pthread_mutex_lock(&instance->mutex);
	crm_text_copy(why, sizeof(why), instance->complaint);
	pthread_mutex_unlock(&instance->mutex);
	refuse(instance, "did not start",
	       why[0] != '\0' ? why : crm_status_name(status));
	destroy(instance);
	return false;
}

enum crm_status crm_instance_stop(struct crm_instance *instance,
				  uint64_t deadline_ns)
{
	struct crm_runtime *runtime = instance->runtime;
	enum crm_status status;
	size_t left;
	char line[128];

	crm_gate_shut(&instance->gate);
	status = instance->plugin->stop(instance->plugin, deadline_ns);
	/* A thread that is still inside submit() must find the plugin there. */
	if (!crm_gate_wait(&instance->gate, deadline_ns) ||
	    (status != CRM_OK && status != CRM_TIMEOUT))
		status = CRM_BUSY;
	set_state(instance,
		  status == CRM_BUSY ? CRM_STATE_STUCK : CRM_STATE_STOPPED);
	if (status == CRM_BUSY)
		crm_runtime_log(runtime, CRM_ERROR, instance->name,
				"plugin has 1 thread that will not end; "
				"leaving it loaded");
	left = crm_requests_give_up(runtime->requests, instance);
	if (left == 0)
		return status;
	snprintf(line, sizeof(line),
		 "plugin left %zu requests unanswered when it stopped", left);
	crm_runtime_log(runtime, CRM_WARN, instance->name, line);
	return status == CRM_BUSY ? CRM_BUSY : CRM_TIMEOUT;
}

void crm_instance_close(struct crm_instance *instance)
{
	if (!instance)
		return;
	destroy(instance);
	crm_config_values_free(instance->values, instance->options);
	crm_options_free(instance->options);
	crm_loader_close(&instance->file);
	pthread_mutex_destroy(&instance->mutex);
	free(instance->name);
	free(instance->path);
	free(instance);
}
