/* runtime - the plugins of one configuration, from the file to being created;
 * and the log. See runtime.h. What happens while they run is in host.c. */
#include "runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

static const char *const level_names[] = {"debug", "info", "warn", "error"};

bool crm_runtime_is_foreign(struct crm_runtime *runtime)
{
	int pid = atomic_load(&runtime->pid);

	return pid != 0 && pid != (int)getpid();
}

/* A line of a plugin's must stay one line of the log. */
void crm_runtime_log(struct crm_runtime *runtime, enum crm_level level,
		     const char *source, const char *line)
{
	const struct crm_host_callbacks *callbacks = &runtime->callbacks;
	char clean[1024];

	if (!crm_gate_enter(&runtime->callouts))
		return;
	crm_text_copy(clean, sizeof(clean), line);
	for (char *p = clean; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	if (callbacks->log)
		callbacks->log(callbacks->context, level, source, clean);
	else
		fprintf(stderr, "%s %s: %s\n", level_names[level], source,
			clean);
	crm_gate_leave(&runtime->callouts);
}

struct crm_runtime *crm_runtime_new(const struct crm_host_callbacks *callbacks)
{
	struct crm_runtime *runtime = calloc(1, sizeof(*runtime));
	char why[100];

	if (!runtime)
		return NULL;
	if (callbacks)
		runtime->callbacks = *callbacks;
	crm_posts_init(&runtime->posts);
	runtime->options =
	    crm_options_new(crm_option_host_table, why, sizeof(why));
	runtime->requests = crm_requests_new();
	if (runtime->options && runtime->requests)
		return runtime;
	crm_runtime_free(runtime);
	return NULL;
}

void crm_runtime_free(struct crm_runtime *runtime)
{
	if (!runtime)
		return;
	for (size_t i = 0; i < runtime->instance_count; i++)
		crm_instance_close(runtime->instances[i]);
	free(runtime->instances);
	crm_routes_clear(&runtime->routes);
	crm_requests_free(runtime->requests);
	crm_posts_clear(&runtime->posts);
	crm_config_close(runtime->config);
	if (runtime->options) {
		crm_config_values_free(runtime->values, runtime->options);
		crm_config_values_free(runtime->places, runtime->options);
	}
	crm_options_free(runtime->options);
	free(runtime);
}

/* A number of the group `host`; 0 when the file is wrong there. */
static uint64_t number_of(struct crm_runtime *runtime, const char *key)
{
	const char *text = crm_host_setting(runtime, "host", key);

	return text ? strtoull(text, NULL, 10) : 0;
}

/* Kept for crm_host_place(), after the file and its secrets were let go. */
static bool read_places(struct crm_runtime *runtime)
{
	const struct crm_options *options = runtime->options;
	bool complete;

	runtime->places = calloc(options->count, sizeof(*runtime->places));
	complete = runtime->places != NULL;
	for (size_t i = 0; complete && i < options->count; i++) {
		runtime->places[i] = crm_config_place(runtime->config, "host",
						      options->list[i].name);
		complete = runtime->places[i] != NULL;
	}
	return complete;
}

static bool read_host(struct crm_runtime *runtime, struct crm_text *problems)
{
	size_t i;
	char *folder;

	crm_config_check_top(runtime->config, problems);
	crm_config_check(runtime->config, "host", runtime->options, problems);
	runtime->values =
	    crm_config_values(runtime->config, "host", runtime->options);
	if (!runtime->values || !read_places(runtime))
		return false;
	i = (size_t)(crm_options_find(runtime->options, "plugin_dir") -
		     runtime->options->list);
	folder = runtime->values[i]
		     ? crm_config_path(runtime->config, runtime->values[i])
		     : NULL;
	if (!folder)
		return false;
	free(runtime->values[i]);
	runtime->values[i] = folder;
	runtime->max_message =
	    (size_t)number_of(runtime, "max_message_kb") * 1024;
	runtime->timeout_ms =
	    (uint32_t)number_of(runtime, "request_timeout_ms");
	return true;
}

static char *plugin_path(struct crm_runtime *runtime, const char *group)
{
	const char *folder = crm_host_setting(runtime, "host", "plugin_dir");
	size_t size = strlen(folder) + strlen(group) + sizeof("/.so");
	char *path = malloc(size);

	if (path)
		snprintf(path, size, "%s/%s.so", folder, group);
	return path;
}

/* Opens one plugin and checks its group. */
static void load(struct crm_runtime *runtime, struct crm_instance *instance,
		 struct crm_text *problems)
{
	size_t before = problems->len, count = 0;
	struct crm_file_name *loaded =
	    calloc(runtime->instance_count + 1, sizeof(*loaded));

	for (size_t i = 0; loaded && i < runtime->instance_count; i++) {
		const struct crm_instance *other = runtime->instances[i];

		if (other->file.entry)
			loaded[count++] = (struct crm_file_name){
			    other->file.entry->id, other->path};
	}
	if (!crm_instance_load(instance, loaded, count) || !instance->options)
		goto out;
	crm_config_check(runtime->config, instance->name, instance->options,
			 problems);
	if (problems->len > before)
		atomic_store(&instance->state, CRM_STATE_REFUSED);
out:
	free(loaded);
}

static bool add_group(struct crm_runtime *runtime, const char *group,
		      struct crm_text *problems)
{
	struct crm_config *config = runtime->config;
	bool enabled =
	    crm_config_flag(config, group, "enabled", true, problems);
	struct crm_instance *instance = crm_instance_new(
	    runtime, strdup(group), plugin_path(runtime, group));

	if (!instance)
		return false;
	instance->required =
	    crm_config_flag(config, group, "required", false, problems);
	if (enabled)
		load(runtime, instance, problems);
	runtime->instances[runtime->instance_count++] = instance;
	return true;
}

bool crm_runtime_read(struct crm_runtime *runtime, const char *config_path,
		      struct crm_text *problems)
{
	size_t count;

	runtime->config = crm_config_open(config_path, problems);
	if (!runtime->config)
		return false;
	if (!read_host(runtime, problems)) {
		if (problems->len == 0)
			crm_text_add(problems, "out of memory");
		return false;
	}
	count = crm_config_count(runtime->config);
	runtime->instances = calloc(count + 1, sizeof(*runtime->instances));
	for (size_t i = 0; runtime->instances && i < count; i++)
		if (!add_group(runtime, crm_config_group(runtime->config, i),
			       problems))
			break;
	if (runtime->instance_count == count)
		return true;
	crm_text_line(problems);
	crm_text_add(problems, "out of memory");
	return false;
}

static void warn(struct crm_runtime *runtime,
		 const struct crm_instance *instance)
{
	char lines[2048];
	struct crm_text text = crm_text_in(lines, sizeof(lines));

	if (!instance->options)
		return;
	crm_config_warn(runtime->config, instance->name, instance->options,
			&text);
	for (char *line = lines; *line != '\0';) {
		size_t len = strcspn(line, "\n");
		bool last = line[len] == '\0';

		line[len] = '\0';
		crm_runtime_log(runtime, CRM_WARN, "host", line);
		line += len + !last;
	}
}

/* What a plugin offers, and we cannot make use of. */
static void complain(struct crm_instance *instance, const char *what,
		     const char *why)
{
	char line[500];

	snprintf(line, sizeof(line), "%s: %s", what, why);
	crm_runtime_log(instance->runtime, CRM_ERROR, instance->name, line);
}

static void add_routes(struct crm_runtime *runtime,
		       struct crm_instance *instance)
{
	const char *service =
	    crm_instance_extension(instance, CRM_EXT_WIDGET_SERVICE);
	struct crm_json files;
	struct crm_files read;
	char why[400];

	if (!service)
		return;
	if (!crm_routes_add(&runtime->routes, instance, service, why,
			    sizeof(why)))
		complain(instance, "cannot route to the plugin", why);
	files = crm_instance_widget_member(instance, "files");
	if (files.text && !crm_files_read(&read, files, why, sizeof(why)))
		complain(instance, "cannot serve files of the plugin", why);
}

void crm_runtime_create(struct crm_runtime *runtime)
{
	bool shallow = false;

	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct crm_instance *instance = runtime->instances[i];

		if (crm_instance_state(instance) != CRM_STATE_LOADED)
			continue;
		shallow = shallow || !instance->file.deepbind;
		warn(runtime, instance);
		if (crm_instance_create(instance, runtime->config))
			add_routes(runtime, instance);
	}
	if (shallow)
		crm_runtime_log(runtime, CRM_INFO, "host",
				"plugins are opened without RTLD_DEEPBIND: "
				"this process does not use libc's malloc");
	crm_config_close(runtime->config);
	runtime->config = NULL;
}
