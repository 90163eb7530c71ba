/* config - the configuration file. See config.h. The only user of libconfig. */
#include "config.h"

#include <errno.h>
#include <libconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "notation.h"
#include "secret.h"

struct crm_config {
	config_t tree; /* owned */
	char *path;    /* owned; as the caller wrote it, for messages */
	char *folder;  /* owned; absolute */
};

/* ----------------------------------------------------------------- reading */

/* The folder of a file, absolute; NULL with errno set. */
static char *folder_of(const char *path)
{
	char *real = realpath(path, NULL);
	char *slash = real ? strrchr(real, '/') : NULL;

	if (slash)
		slash[slash == real] = '\0';
	return real;
}

static bool parse(struct crm_config *config, const char *text,
		  struct crm_text *problems)
{
	const char *file;

	if (!crm_notation_check(text, config->path, config->folder, problems))
		return false;
	config_set_include_dir(&config->tree, config->folder);
	if (config_read_string(&config->tree, text) == CONFIG_TRUE)
		return true;
	file = config_error_file(&config->tree);
	crm_text_line(problems);
	crm_text_add(problems, "%s:%d: %s", file ? file : config->path,
		     config_error_line(&config->tree),
		     config_error_text(&config->tree));
	return false;
}

struct crm_config *crm_config_open(const char *path, struct crm_text *problems)
{
	struct crm_config *config = calloc(1, sizeof(*config));
	const char *reason = "out of memory";
	char *text = NULL;
	bool parsed;

	if (!config)
		goto failed;
	config_init(&config->tree);
	config->path = strdup(path);
	config->folder = folder_of(path);
	/* Not config_read_file(): it ends the process when a file cannot be
	 * read to its end, as a directory cannot. */
	text = crm_notation_file(path, &reason);
	if (!text || !config->path || !config->folder)
		goto failed;
	parsed = parse(config, text, problems);
	free(text);
	if (parsed)
		return config;
	crm_config_close(config);
	return NULL;

failed:
	crm_text_line(problems);
	crm_text_add(problems, "%s: cannot read the configuration: %s", path,
		     reason ? reason : strerror(errno));
	free(text);
	crm_config_close(config);
	return NULL;
}

void crm_config_close(struct crm_config *config)
{
	if (!config)
		return;
	config_destroy(&config->tree);
	free(config->path);
	free(config->folder);
	free(config);
}

/* ------------------------------------------------------------------ groups */

static config_setting_t *child(const config_setting_t *group, size_t index)
{
	return config_setting_get_elem(group, (unsigned)index);
}

static size_t length(const config_setting_t *setting)
{
	int len = setting ? config_setting_length(setting) : 0;

	return len > 0 ? (size_t)len : 0;
}

static bool is_plugin(const config_setting_t *setting)
{
	return config_setting_is_group(setting) &&
	       strcmp(config_setting_name(setting), "host") != 0;
}

size_t crm_config_count(const struct crm_config *config)
{
	config_setting_t *root = config_root_setting(&config->tree);
	size_t count = 0;

	for (size_t i = 0; i < length(root); i++)
		count += is_plugin(child(root, i));
	return count;
}

const char *crm_config_group(const struct crm_config *config, size_t index)
{
	config_setting_t *root = config_root_setting(&config->tree);

	for (size_t i = 0; i < length(root); i++)
		if (is_plugin(child(root, i)) && index-- == 0)
			return config_setting_name(child(root, i));
	return NULL;
}

static config_setting_t *find_group(const struct crm_config *config,
				    const char *group)
{
	config_setting_t *setting = config_setting_get_member(
	    config_root_setting(&config->tree), group);

	return setting && config_setting_is_group(setting) ? setting : NULL;
}

static config_setting_t *find(const struct crm_config *config,
			      const char *group, const char *key)
{
	config_setting_t *setting = find_group(config, group);

	return setting ? config_setting_get_member(setting, key) : NULL;
}

/* ---------------------------------------------------------------- problems */

static const char *file_of(const struct crm_config *config,
			   const config_setting_t *setting)
{
	const char *file = config_setting_source_file(setting);

	return file ? file : config->path;
}

/* "file:line: group.key: ", with key NULL for the group itself. */
static void begin(const struct crm_config *config,
		  const config_setting_t *setting, const char *group,
		  const char *key, struct crm_text *problems)
{
	crm_text_line(problems);
	crm_text_add(problems, "%s:%u: %s%s%s: ", file_of(config, setting),
		     config_setting_source_line(setting), group, key ? "." : "",
		     key ? key : "");
}

char *crm_config_place(const struct crm_config *config, const char *group,
		       const char *key)
{
	const config_setting_t *setting = find(config, group, key);
	const char *file = setting ? file_of(config, setting) : config->path;
	size_t cap = strlen(file) + sizeof(":4294967295");
	char *place = malloc(cap);

	if (place)
		snprintf(place, cap, "%s:%u", file,
			 setting ? config_setting_source_line(setting) : 1);
	return place;
}

/* What stands in the file, in its own notation; of a secret only the type. */
static void found(struct crm_text *text, const config_setting_t *setting,
		  bool secret)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		crm_text_add(text, "found %lld",
			     config_setting_get_int64(setting));
		break;
	case CONFIG_TYPE_FLOAT:
		crm_text_add(text, "found %g",
			     config_setting_get_float(setting));
		break;
	case CONFIG_TYPE_BOOL:
		crm_text_add(text, "found %s",
			     config_setting_get_bool(setting) ? "true"
							      : "false");
		break;
	case CONFIG_TYPE_STRING:
		if (secret)
			crm_text_add(text, "found a string");
		else
			crm_text_add(text, "found \"%.100s\"",
				     config_setting_get_string(setting));
		break;
	case CONFIG_TYPE_GROUP:
		crm_text_add(text, "found a group");
		break;
	default:
		crm_text_add(text, "found a list");
	}
}

void crm_config_check_top(const struct crm_config *config,
			  struct crm_text *problems)
{
	config_setting_t *root = config_root_setting(&config->tree);

	for (size_t i = 0; i < length(root); i++) {
		config_setting_t *setting = child(root, i);

		if (config_setting_is_group(setting))
			continue;
		begin(config, setting, config_setting_name(setting), NULL,
		      problems);
		found(problems, setting, true);
		crm_text_add(problems, ", allowed a group: `host: { ... };` or "
				       "one named as a plugin");
	}
	if (!find_group(config, "host")) {
		crm_text_line(problems);
		crm_text_add(problems,
			     "%s:1: host: the group is missing; allowed: "
			     "`host: { plugin_dir = \"...\"; };`",
			     config->path);
	}
}

static void unknown(const struct crm_config *config,
		    const config_setting_t *setting, const char *group,
		    const struct crm_options *options,
		    struct crm_text *problems)
{
	const char *name = config_setting_name(setting);
	const char *nearest = crm_options_nearest(options, name);

	begin(config, setting, group, name, problems);
	crm_text_add(problems, "unknown key; ");
	if (nearest) {
		crm_text_add(problems, "did you mean '%s'?", nearest);
		return;
	}
	crm_text_add(problems, "allowed:");
	for (size_t i = 0; i < options->count; i++)
		crm_text_add(problems, "%s %s", i > 0 ? "," : "",
			     options->list[i].name);
}

static bool is_int(const config_setting_t *setting,
		   const struct crm_option *option)
{
	int type = config_setting_type(setting);
	long long number = config_setting_get_int64(setting);

	return (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64) &&
	       (!option->has_min || number >= option->min) &&
	       (!option->has_max || number <= option->max);
}

/* Elements become lines, so that none may be empty or hold a newline. */
static bool is_strings(const config_setting_t *setting)
{
	int type = config_setting_type(setting);

	if (type != CONFIG_TYPE_ARRAY && type != CONFIG_TYPE_LIST)
		return false;
	for (size_t i = 0; i < length(setting); i++) {
		const char *text = config_setting_get_string(child(setting, i));

		if (!text || text[0] == '\0' || strchr(text, '\n'))
			return false;
	}
	return true;
}

static bool is_allowed(const config_setting_t *setting,
		       const struct crm_option *option)
{
	int type = config_setting_type(setting);

	switch (option->type) {
	case CRM_OPTION_STRING:
		return type == CONFIG_TYPE_STRING;
	case CRM_OPTION_INT:
		return is_int(setting, option);
	case CRM_OPTION_BOOL:
		return type == CONFIG_TYPE_BOOL;
	case CRM_OPTION_ENUM:
		return type == CONFIG_TYPE_STRING &&
		       crm_option_has_line(option->values,
					   config_setting_get_string(setting));
	case CRM_OPTION_STRINGS:
		return is_strings(setting);
	}
	return false;
}

static void check_key(const struct crm_config *config,
		      const config_setting_t *setting, const char *group,
		      const struct crm_options *options,
		      struct crm_text *problems)
{
	const char *key = config_setting_name(setting);
	const struct crm_option *option = crm_options_find(options, key);
	char allowed[256];

	if (!option) {
		unknown(config, setting, group, options, problems);
		return;
	}
	if (is_allowed(setting, option))
		return;
	begin(config, setting, group, key, problems);
	found(problems, setting, option->secret);
	crm_option_allowed(option, allowed, sizeof(allowed));
	crm_text_add(problems, ", allowed %s", allowed);
}

/* The keys that the host itself reads in a plugin's group. */
static bool is_hosts_own(const char *group, const char *key)
{
	return strcmp(group, "host") != 0 &&
	       (strcmp(key, "enabled") == 0 || strcmp(key, "required") == 0);
}

void crm_config_check(const struct crm_config *config, const char *group,
		      const struct crm_options *options,
		      struct crm_text *problems)
{
	config_setting_t *settings = find_group(config, group);
	char allowed[256];

	for (size_t i = 0; i < length(settings); i++) {
		config_setting_t *setting = child(settings, i);

		if (!is_hosts_own(group, config_setting_name(setting)))
			check_key(config, setting, group, options, problems);
	}
	for (size_t i = 0; settings && i < options->count; i++) {
		const struct crm_option *option = &options->list[i];

		if (!option->required ||
		    config_setting_get_member(settings, option->name))
			continue;
		begin(config, settings, group, option->name, problems);
		crm_option_allowed(option, allowed, sizeof(allowed));
		crm_text_add(problems, "required key is missing; allowed: %s",
			     allowed);
	}
}

bool crm_config_flag(const struct crm_config *config, const char *group,
		     const char *key, bool preset, struct crm_text *problems)
{
	const config_setting_t *setting = find(config, group, key);

	if (!setting)
		return preset;
	if (config_setting_type(setting) == CONFIG_TYPE_BOOL)
		return config_setting_get_bool(setting);
	begin(config, setting, group, key, problems);
	found(problems, setting, false);
	crm_text_add(problems, ", allowed true or false");
	return preset;
}

/* ------------------------------------------------------------------ values */

static char *strings_new(const config_setting_t *setting)
{
	size_t size = 1;
	struct crm_text text;
	char *buf;

	if (!is_strings(setting))
		return NULL;
	for (size_t i = 0; i < length(setting); i++)
		size +=
		    strlen(config_setting_get_string(child(setting, i))) + 1;
	buf = malloc(size);
	if (!buf)
		return NULL;
	text = crm_text_in(buf, size);
	for (size_t i = 0; i < length(setting); i++) {
		crm_text_line(&text);
		crm_text_add(&text, "%s",
			     config_setting_get_string(child(setting, i)));
	}
	return buf;
}

char *crm_config_value(const struct crm_config *config, const char *group,
		       const char *key)
{
	const config_setting_t *setting = find(config, group, key);
	char number[32];

	if (!setting)
		return NULL;
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_STRING:
		return strdup(config_setting_get_string(setting));
	case CONFIG_TYPE_BOOL:
		return strdup(config_setting_get_bool(setting) ? "true"
							       : "false");
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		snprintf(number, sizeof(number), "%lld",
			 config_setting_get_int64(setting));
		return strdup(number);
	default:
		return strings_new(setting);
	}
}

char **crm_config_values(const struct crm_config *config, const char *group,
			 const struct crm_options *options)
{
	char **values = calloc(options->count + 1, sizeof(*values));

	for (size_t i = 0; values && i < options->count; i++) {
		const struct crm_option *option = &options->list[i];

		values[i] = crm_config_value(config, group, option->name);
		if (!values[i] && option->preset)
			values[i] = strdup(option->preset);
	}
	return values;
}

void crm_config_values_free(char **values, const struct crm_options *options)
{
	for (size_t i = 0; values && i < options->count; i++)
		free(values[i]);
	free(values);
}

char *crm_config_path(const struct crm_config *config, const char *path)
{
	size_t size = strlen(config->folder) + strlen(path) + 2;
	char *joined;

	if (path[0] == '/')
		return strdup(path);
	/* The folder itself is written as "." or "./". */
	while (path[0] == '.' && (path[1] == '/' || path[1] == '\0'))
		path += path[1] == '/' ? 2 : 1;
	joined = malloc(size);
	if (joined)
		snprintf(joined, size, "%s%s%s", config->folder,
			 path[0] != '\0' ? "/" : "", path);
	return joined;
}

/* --------------------------------------------------------------- passwords */

static bool readable_by_all(const char *file, unsigned *mode)
{
	struct stat status;

	if (stat(file, &status) != 0)
		return false;
	*mode = (unsigned)status.st_mode & 07777;
	return status.st_mode & S_IROTH;
}

void crm_config_warn(const struct crm_config *config, const char *group,
		     const struct crm_options *options,
		     struct crm_text *warnings)
{
	for (size_t i = 0; i < options->count; i++) {
		const struct crm_option *option = &options->list[i];
		const config_setting_t *setting =
		    find(config, group, option->name);
		const char *text =
		    setting ? config_setting_get_string(setting) : NULL;
		unsigned mode = 0;

		if (!option->secret || !text || !crm_secret_in(text) ||
		    !readable_by_all(file_of(config, setting), &mode))
			continue;
		begin(config, setting, group, option->name, warnings);
		crm_text_add(warnings,
			     "holds a password, and everyone can read the file "
			     "(mode %04o); chmod o-r it",
			     mode);
	}
}
