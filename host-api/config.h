/* config - the configuration file: one group `host` and one group a plugin. It
 * checks groups against option tables and says file, line, key, what was found
 * and what is allowed. It does not know what any value means. */
#ifndef CRM_CONFIG_H
#define CRM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "option.h"
#include "text.h"

struct crm_config;

/* [main] Reads a file. NULL, with one line in problems, when it cannot be read
 * or is not in libconfig's syntax. */
struct crm_config *crm_config_open(const char *path, struct crm_text *problems);
void crm_config_close(struct crm_config *config);

/* The groups of plugins, in the order of the file. */
size_t crm_config_count(const struct crm_config *config);
const char *crm_config_group(const struct crm_config *config, size_t index);

/* Adds a line for everything at the top of the file that is not a group, and
 * when there is no group `host`. */
void crm_config_check_top(const struct crm_config *config,
			  struct crm_text *problems);
/* Adds a line for each unknown key, wrong value and missing required key of a
 * group. Secrets are not repeated in these lines. */
void crm_config_check(const struct crm_config *config, const char *group,
		      const struct crm_options *options,
		      struct crm_text *problems);
/* A bool of the host's own in a plugin's group; adds a line for another type.
 */
bool crm_config_flag(const struct crm_config *config, const char *group,
		     const char *key, bool preset, struct crm_text *problems);
/* Adds a line for each password in a file that everyone can read. */
void crm_config_warn(const struct crm_config *config, const char *group,
		     const struct crm_options *options,
		     struct crm_text *warnings);

/* The value as host.config() gives it; NULL when it is not set. Free it. */
char *crm_config_value(const struct crm_config *config, const char *group,
		       const char *key);
/* "file:line" of a key, or of the file's first line when it is not set. Free
 * it; NULL without memory. */
char *crm_config_place(const struct crm_config *config, const char *group,
		       const char *key);
/* The values of a table's options, in its order: from the file, else the
 * default, else NULL. NULL without memory. Free with crm_config_values_free().
 */
char **crm_config_values(const struct crm_config *config, const char *group,
			 const struct crm_options *options);
void crm_config_values_free(char **values, const struct crm_options *options);
/* A path of the file made absolute: relative ones are relative to the file's
 * folder. Free it; NULL without memory. */
char *crm_config_path(const struct crm_config *config, const char *path);

#endif
