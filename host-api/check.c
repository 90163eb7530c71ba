/* check - the calls of crm_host.h that look and start nothing: check a file,
 * list plugins, print the sample configuration and the manual page. */
#include <dirent.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manual.h"
#include "runtime.h"
#include "text.h"

enum { MAX_PROBLEMS = 64 * 1024, MAX_PLUGINS = 32 };

/* Where the lines of a check go. */
struct lines {
	crm_host_line *line; /* borrowed, with its context */
	void *context;
};

/* What a plugin says while it is created, and the host's own warnings. */
static void log_line(void *context, enum crm_level level, const char *source,
		     const char *line)
{
	const struct lines *lines = context;
	char whole[1200];

	if (strcmp(source, "host") == 0)
		snprintf(whole, sizeof(whole), "%s", line);
	else
		snprintf(whole, sizeof(whole), "%s: %s", source, line);
	lines->line(lines->context, level == CRM_DEBUG ? CRM_INFO : level,
		    whole);
}

/* One call a line. */
static void tell_problems(const struct lines *lines, char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");
		bool last = text[len] == '\0';

		text[len] = '\0';
		lines->line(lines->context, CRM_ERROR, text);
		text += len + !last;
	}
}

/* Reads the file into a runtime whose log goes to `lines`. *good tells whether
 * the file is right; NULL when not even its plugins are known. */
static struct crm_runtime *read_quietly(const char *config_path,
					struct lines *lines, bool *good)
{
	const struct crm_host_callbacks callbacks = {lines, log_line, NULL};
	struct crm_runtime *runtime = crm_runtime_new(&callbacks);
	char *buf = malloc(MAX_PROBLEMS);
	struct crm_text problems = crm_text_in(buf, buf ? MAX_PROBLEMS : 0);
	bool known = false;

	*good = false;
	if (runtime && buf) {
		known = crm_runtime_read(runtime, config_path, &problems);
		*good = problems.len == 0;
		tell_problems(lines, buf);
	} else {
		lines->line(lines->context, CRM_ERROR, "out of memory");
	}
	free(buf);
	if (known)
		return runtime;
	crm_runtime_free(runtime);
	return NULL;
}

enum crm_status crm_host_check(const char *config_path, crm_host_line *line,
			       void *context)
{
	struct lines lines = {line, context};
	bool good;
	struct crm_runtime *runtime = read_quietly(config_path, &lines, &good);

	if (!runtime)
		return CRM_FAILED;
	crm_runtime_create(runtime);
	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct crm_instance *instance = runtime->instances[i];

		if (crm_instance_state(instance) != CRM_STATE_REFUSED)
			continue;
		good = false;
		if (instance->reason[0] != '\0')
			line(context, CRM_ERROR, instance->reason);
	}
	crm_runtime_free(runtime);
	return good ? CRM_OK : CRM_FAILED;
}

/* -------------------------------------------------------------------- list */

static void list_one(const struct lines *lines, struct crm_instance *instance,
		     const char *state)
{
	const struct crm_entry *entry = instance->file.entry;
	const char *reason = instance->reason;
	char text[4096];

	if (crm_instance_state(instance) != CRM_STATE_REFUSED)
		reason = "";
	else if (reason[0] == '\0')
		reason = "its group in the configuration is wrong";
	snprintf(text, sizeof(text), "%s\t%s\t%s %s\t%s%s%s", instance->name,
		 state, entry ? entry->id : "-", entry ? entry->version : "-",
		 instance->path, reason[0] != '\0' ? "\t" : "", reason);
	lines->line(lines->context, CRM_INFO, text);
}

static bool is_known(const struct crm_runtime *runtime, const char *name)
{
	for (size_t i = 0; i < runtime->instance_count; i++)
		if (strcmp(runtime->instances[i]->name, name) == 0)
			return true;
	return false;
}

/* A file of plugin_dir: is it a plugin that the configuration does not name? */
static void list_file(struct crm_runtime *runtime, const struct lines *lines,
		      const char *folder, const char *file)
{
	size_t len = strlen(file), size = strlen(folder) + len + 2;
	struct crm_instance *instance;
	char *name, *path;
	bool loaded;

	if (len < 4 || strcmp(file + len - 3, ".so") != 0)
		return;
	name = strndup(file, len - 3);
	path = malloc(size);
	if (path)
		snprintf(path, size, "%s/%s", folder, file);
	if (name && is_known(runtime, name)) {
		free(name);
		free(path);
		return;
	}
	instance = crm_instance_new(runtime, name, path);
	if (!instance)
		return;
	loaded = crm_instance_load(instance, NULL, 0);
	list_one(lines, instance, loaded ? "unused" : "refused");
	crm_instance_close(instance);
}

static void list_folder(struct crm_runtime *runtime, const struct lines *lines)
{
	const char *folder = crm_host_setting(runtime, "host", "plugin_dir");
	struct dirent **files = NULL;
	int count = scandir(folder, &files, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		list_file(runtime, lines, folder, files[i]->d_name);
		free(files[i]);
	}
	free(files);
}

enum crm_status crm_host_list(const char *config_path, crm_host_line *line,
			      void *context)
{
	struct lines lines = {line, context};
	bool good;
	struct crm_runtime *runtime = read_quietly(config_path, &lines, &good);

	if (!runtime)
		return CRM_FAILED;
	crm_runtime_create(runtime);
	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct crm_instance *instance = runtime->instances[i];

		list_one(&lines, instance,
			 crm_state_name(crm_instance_state(instance)));
	}
	list_folder(runtime, &lines);
	crm_runtime_free(runtime);
	return good ? CRM_OK : CRM_FAILED;
}

/* ----------------------------------------------------------- documentation */

/* Loads a plugin file for its options, under the name it would have. */
static bool add_plugin(struct crm_runtime *runtime, const char *path, char *why,
		       size_t why_cap)
{
	char *absolute = realpath(path, NULL);
	char *copy = strdup(path);
	char *name = copy ? strdup(basename(copy)) : NULL;
	struct crm_instance *instance;

	free(copy);
	if (name && strrchr(name, '.'))
		*strrchr(name, '.') = '\0';
	instance =
	    crm_instance_new(runtime, name, absolute ? absolute : strdup(path));
	if (!instance) {
		snprintf(why, why_cap, "out of memory");
		return false;
	}
	runtime->instances[runtime->instance_count++] = instance;
	if (crm_instance_load(instance, NULL, 0))
		return true;
	snprintf(why, why_cap, "%s", instance->reason);
	return false;
}

typedef void printer(struct crm_text *text, const struct crm_group *groups,
		     size_t count);

static size_t document(printer *print, const char *const *paths, size_t count,
		       char *buf, size_t cap, char *why, size_t why_cap)
{
	struct crm_group groups[MAX_PLUGINS + 1];
	struct crm_runtime *runtime = crm_runtime_new(NULL);
	struct crm_text text = crm_text_in(buf, cap);
	bool good = runtime != NULL && count <= MAX_PLUGINS;

	if (good)
		runtime->instances =
		    calloc(count + 1, sizeof(*runtime->instances));
	good = good && runtime->instances;
	snprintf(why, why_cap, "%s", good ? "" : "out of memory");
	for (size_t i = 0; good && i < count; i++) {
		good = add_plugin(runtime, paths[i], why, why_cap);
		if (good)
			groups[i + 1] =
			    (struct crm_group){runtime->instances[i]->name,
					       runtime->instances[i]->options};
	}
	if (good) {
		groups[0] = (struct crm_group){"host", runtime->options};
		print(&text, groups, count + 1);
	}
	crm_runtime_free(runtime);
	return good ? text.len : 0;
}

size_t crm_host_sample(const char *const *plugin_paths, size_t plugin_count,
		       char *buf, size_t cap, char *why, size_t why_cap)
{
	return document(crm_manual_sample, plugin_paths, plugin_count, buf, cap,
			why, why_cap);
}

size_t crm_host_manual(const char *const *plugin_paths, size_t plugin_count,
		       char *buf, size_t cap, char *why, size_t why_cap)
{
	return document(crm_manual_page, plugin_paths, plugin_count, buf, cap,
			why, why_cap);
}
