/* option - a table of what may stand in one group of the configuration file:
 * names, types, defaults, ranges, help. It comes as JSON, from a plugin or from
 * the host itself. It is not the values: those are in config. */
#ifndef CRM_OPTION_H
#define CRM_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum crm_option_type {
	CRM_OPTION_STRING,
	CRM_OPTION_INT,
	CRM_OPTION_BOOL,
	CRM_OPTION_ENUM,
	CRM_OPTION_STRINGS
};

/* Values are kept as host.config() gives them: numbers decimal, "true" or
 * "false", lists one element a line. */
struct crm_option {
	char *name; /* owned, as all below */
	enum crm_option_type type;
	bool required, secret;
	bool has_min, has_max;
	int64_t min, max;
	char *values;  /* of an enum, one a line; else NULL */
	char *preset;  /* the default, or NULL */
	char *example; /* or NULL */
	char *help;    /* "" when there is none */
};

struct crm_options {
	struct crm_option *list; /* owned */
	size_t count;
};

/* Reads a table as CRM_EXT_OPTIONS describes it. NULL, with the reason in why,
 * when it is wrong: a plugin's mistake, not a user's. */
struct crm_options *crm_options_new(const char *json, char *why,
				    size_t why_cap);
void crm_options_free(struct crm_options *options);

/* The option of that name, or NULL. */
const struct crm_option *crm_options_find(const struct crm_options *options,
					  const char *name);
/* The name in the table that `name` was probably meant to be, or NULL.
 * `enabled` and `required`, which every plugin's group has, are among them. */
const char *crm_options_nearest(const struct crm_options *options,
				const char *name);
/* "an integer from 1 to 10", "'none' or 'all'", ... into buf. */
void crm_option_allowed(const struct crm_option *option, char *buf, size_t cap);
/* Does one of the lines of `lines` equal `value`? */
bool crm_option_has_line(const char *lines, const char *value);

/* The options of the group `host`, as JSON. */
extern const char crm_option_host_table[];

#endif
