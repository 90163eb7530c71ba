/* report - what a host can ask a runtime about itself: settings, the widget's
 * service, health. It changes nothing. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crm_host.h"
#include "runtime.h"
#include "text.h"

static const char *value_of(const struct crm_options *options,
			    char *const *values, const char *key)
{
	for (size_t i = 0; options && values && i < options->count; i++)
		if (strcmp(options->list[i].name, key) == 0)
			return values[i];
	return NULL;
}

const char *crm_host_setting(struct crm_runtime *runtime, const char *group,
			     const char *key)
{
	if (strcmp(group, "host") == 0)
		return value_of(runtime->options, runtime->values, key);
	for (size_t i = 0; i < runtime->instance_count; i++) {
		const struct crm_instance *instance = runtime->instances[i];

		if (strcmp(instance->name, group) == 0)
			return value_of(instance->options, instance->values,
					key);
	}
	return NULL;
}

const char *crm_host_place(struct crm_runtime *runtime, const char *key)
{
	return value_of(runtime->options, runtime->places, key);
}

/* Does a plugin before this one set that member of the object `of`? */
static bool is_set_before(struct crm_runtime *runtime, size_t index,
			  const char *of, struct crm_json name)
{
	for (size_t i = 0; i < index; i++) {
		struct crm_json_walk walk = crm_json_walk(
		    crm_instance_widget_member(runtime->instances[i], of));
		struct crm_json other, value;

		while (crm_json_next(&walk, &other, &value))
			if (other.len == name.len &&
			    memcmp(other.text, name.text, name.len) == 0)
				return true;
	}
	return false;
}

/* The union of the plugins' objects of that name; the first plugin counts. */
static size_t print_union(struct crm_runtime *runtime, const char *of,
			  char *buf, size_t cap)
{
	struct crm_text text = crm_text_in(buf, cap);
	const char *separator = "";

	crm_text_add(&text, "{");
	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct crm_json_walk walk = crm_json_walk(
		    crm_instance_widget_member(runtime->instances[i], of));
		struct crm_json name, value;

		while (crm_json_next(&walk, &name, &value)) {
			if (!name.text || is_set_before(runtime, i, of, name))
				continue;
			crm_text_add(&text, "%s", separator);
			crm_text_bytes(&text, name.text, name.len);
			crm_text_add(&text, ":");
			crm_text_bytes(&text, value.text, value.len);
			separator = ",";
		}
	}
	crm_text_add(&text, "}");
	return text.len;
}

size_t crm_host_service(struct crm_runtime *runtime, char *buf, size_t cap)
{
	return print_union(runtime, "service", buf, cap);
}

size_t crm_host_page_settings(struct crm_runtime *runtime, char *buf,
			      size_t cap)
{
	return print_union(runtime, "page", buf, cap);
}

bool crm_host_events_path(struct crm_runtime *runtime, char *buf, size_t cap)
{
	for (size_t i = 0; i < runtime->instance_count; i++) {
		ptrdiff_t len = crm_json_string(
		    crm_instance_widget_member(runtime->instances[i], "events"),
		    buf, cap);

		if (len > 0 && (size_t)len < cap)
			return true;
	}
	return false;
}

const struct crm_page *crm_host_page(struct crm_runtime *runtime,
				     const char *path)
{
	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct crm_instance *instance = runtime->instances[i];
		const struct crm_pages *pages =
		    crm_instance_is_alive(instance)
			? crm_instance_extension(instance, CRM_EXT_PAGES)
			: NULL;

		for (size_t j = 0; pages && j < pages->count; j++)
			if (strcmp(pages->pages[j].path, path) == 0)
				return &pages->pages[j];
	}
	return NULL;
}

/* The plugin's own JSON object, or null when it gives none or a wrong one. */
static void add_health(struct crm_text *text, struct crm_instance *instance)
{
	const struct crm_health *health =
	    crm_instance_is_alive(instance)
		? crm_instance_extension(instance, CRM_EXT_HEALTH)
		: NULL;
	struct crm_json value = {NULL, 0};
	size_t cap = 16384, len;
	char *buf;

	crm_text_add(text, ",\"health\":");
	buf = health && health->snapshot ? malloc(cap) : NULL;
	if (buf) {
		len = health->snapshot(instance->plugin, buf, cap);
		if (len >= cap || !crm_json_value(buf, len, &value) ||
		    crm_json_type(value) != CRM_JSON_OBJECT)
			value.text = NULL;
	}
	if (value.text)
		crm_text_bytes(text, value.text, value.len);
	else
		crm_text_add(text, "null");
	free(buf);
}

static void add_string(struct crm_text *text, const char *name,
		       const char *value)
{
	crm_text_add(text, ",\"%s\":", name);
	crm_text_json(text, value);
}

static void add_plugin(struct crm_text *text, struct crm_instance *instance)
{
	const struct crm_entry *entry = instance->file.entry;
	enum crm_state state = crm_instance_state(instance);

	crm_text_add(text, "{\"name\":");
	crm_text_json(text, instance->name);
	add_string(text, "state", crm_state_name(state));
	if (entry) {
		add_string(text, "id", entry->id);
		add_string(text, "version", entry->version);
	}
	if (state == CRM_STATE_REFUSED)
		add_string(text, "reason", instance->reason);
	add_health(text, instance);
	crm_text_add(text, "}");
}

size_t crm_host_status(struct crm_runtime *runtime, char *buf, size_t cap)
{
	struct crm_text text = crm_text_in(buf, cap);
	struct crm_request_counts counts = {0, 0, 0, 0, 0, 0};

	if (!crm_runtime_is_foreign(runtime))
		counts = crm_requests_counts(runtime->requests);
	crm_text_add(&text,
		     "{\"requests\":{\"waiting\":%" PRIu64
		     ",\"accepted\":%" PRIu64 ",\"answered\":%" PRIu64
		     ",\"timed_out\":%" PRIu64 ",\"given_up\":%" PRIu64
		     ",\"dropped\":%" PRIu64,
		     counts.waiting, counts.accepted, counts.answered,
		     counts.timed_out, counts.given_up, counts.dropped);
	crm_text_add(&text, "},\"plugins\":[");
	for (size_t i = 0; i < runtime->instance_count; i++) {
		if (i > 0)
			crm_text_add(&text, ",");
		add_plugin(&text, runtime->instances[i]);
	}
	crm_text_add(&text, "]}");
	return text.len;
}
