/* manual - the sample configuration and the manual page. See manual.h. */
#include "manual.h"

#include <stdbool.h>
#include <string.h>

#include "crm_host.h"

/* ------------------------------------------------------------------ values */

static void add_quoted(struct crm_text *text, const char *value, size_t len)
{
	crm_text_add(text, "\"");
	for (size_t i = 0; i < len; i++)
		crm_text_add(
		    text, value[i] == '"' || value[i] == '\\' ? "\\%c" : "%c",
		    value[i]);
	crm_text_add(text, "\"");
}

/* A value as it is written in the file. */
static void add_value(struct crm_text *text, enum crm_option_type type,
		      const char *value)
{
	const char *separator = "";

	switch (type) {
	case CRM_OPTION_INT:
	case CRM_OPTION_BOOL:
		crm_text_add(text, "%s", value);
		return;
	case CRM_OPTION_STRING:
	case CRM_OPTION_ENUM:
		add_quoted(text, value, strlen(value));
		return;
	case CRM_OPTION_STRINGS:
		break;
	}
	crm_text_add(text, "[");
	while (*value != '\0') {
		size_t len = strcspn(value, "\n");

		crm_text_add(text, "%s", separator);
		add_quoted(text, value, len);
		separator = ", ";
		value += len + (value[len] == '\n');
	}
	crm_text_add(text, "]");
}

/* "an integer from 1 to 10; default 5", "a string in quotes; required" */
static void add_facts(struct crm_text *text, const struct crm_option *option)
{
	char allowed[256];

	crm_option_allowed(option, allowed, sizeof(allowed));
	crm_text_add(text, "%s; ", allowed);
	if (option->required) {
		crm_text_add(text, "required");
	} else if (option->preset) {
		crm_text_add(text, "default ");
		add_value(text, option->type, option->preset);
	} else {
		crm_text_add(text, "no default");
	}
}

/* ------------------------------------------------------------------ sample */

/* Words of a help text as comment lines of at most 78 columns. */
static void add_comment(struct crm_text *text, const char *words)
{
	size_t column = 0;

	while (*words != '\0') {
		size_t len = strcspn(words, " \n");

		if (column > 0 && column + 1 + len > 68) {
			crm_text_add(text, "\n");
			column = 0;
		}
		if (len > 0) {
			crm_text_add(text, "%s%.*s", column > 0 ? " " : "\t# ",
				     (int)len, words);
			column += len + 1;
		}
		words += len + (words[len] != '\0');
	}
	if (column > 0)
		crm_text_add(text, "\n");
}

/* What is required stands there, everything else is commented out. */
static void sample_option(struct crm_text *text,
			  const struct crm_option *option)
{
	const char *value = option->example ? option->example : option->preset;
	char facts[512];
	struct crm_text facts_text = crm_text_in(facts, sizeof(facts));

	crm_text_add(text, "\n");
	add_comment(text, option->help);
	add_facts(&facts_text, option);
	crm_text_add(text, "\t# (%s)\n", facts);
	crm_text_add(text, "\t%s%s = ", option->required ? "" : "#",
		     option->name);
	if (!value)
		value = option->type == CRM_OPTION_INT    ? "0"
			: option->type == CRM_OPTION_BOOL ? "false"
			: option->type == CRM_OPTION_ENUM ? option->values
							  : "";
	if (option->type == CRM_OPTION_ENUM)
		add_quoted(text, value, strcspn(value, "\n"));
	else
		add_value(text, option->type, value);
	crm_text_add(text, ";\n");
}

void crm_manual_sample(struct crm_text *text, const struct crm_group *groups,
		       size_t count)
{
	crm_text_add(text,
		     "# Configuration of crm-host and its plugins: a group "
		     "`host`, and one group\n# for each plugin. Lines with a "
		     "bare # show what holds when they are left out,\n"
		     "# or an example. `crm-host --config FILE --check` "
		     "checks a file.\n");
	for (size_t i = 0; i < count; i++) {
		const struct crm_options *options = groups[i].options;

		crm_text_add(text, "\n%s: {\n", groups[i].name);
		if (i > 0)
			crm_text_add(text,
				     "\t# Whether the host loads the plugin.\n"
				     "\t# (true or false; default true)\n"
				     "\tenabled = true;\n\n"
				     "\t# Whether the host refuses to start "
				     "without the plugin.\n"
				     "\t# (true or false; default false)\n"
				     "\t#required = false;\n");
		for (size_t j = 0; options && j < options->count; j++)
			sample_option(text, &options->list[j]);
		crm_text_add(text, "};\n");
	}
}

/* -------------------------------------------------------------------- page */

/* Text that roff prints as it is: no escape, no request, no typographic dash.
 */
static void add_roff(struct crm_text *text, const char *words)
{
	bool line_start = true;

	for (; *words != '\0'; words++) {
		if (line_start && (*words == '.' || *words == '\''))
			crm_text_add(text, "\\&");
		line_start = *words == '\n';
		if (*words == '\\')
			crm_text_add(text, "\\e");
		else if (*words == '-')
			crm_text_add(text, "\\-");
		else if (*words == '"')
			crm_text_add(text, "\\(dq");
		else
			crm_text_bytes(text, words, 1);
	}
}

static void page_key(struct crm_text *text, const char *name, const char *facts,
		     const char *help)
{
	crm_text_add(text, ".TP\n.B ");
	add_roff(text, name);
	crm_text_add(text, "\n(");
	add_roff(text, facts);
	crm_text_add(text, ")\n.br\n");
	add_roff(text, help);
	crm_text_add(text, "\n");
}

static void page_options(struct crm_text *text,
			 const struct crm_options *options)
{
	for (size_t i = 0; options && i < options->count; i++) {
		const struct crm_option *option = &options->list[i];
		char facts[512], help[2048];
		struct crm_text facts_text = crm_text_in(facts, sizeof(facts));
		struct crm_text help_text = crm_text_in(help, sizeof(help));

		add_facts(&facts_text, option);
		crm_text_add(&help_text, "%s", option->help);
		if (option->example) {
			crm_text_add(&help_text,
				     "\nExample: %s = ", option->name);
			add_value(&help_text, option->type, option->example);
			crm_text_add(&help_text, ";");
		}
		page_key(text, option->name, facts, help);
	}
}

void crm_manual_page(struct crm_text *text, const struct crm_group *groups,
		     size_t count)
{
	const char *name = count > 1 ? groups[1].name : "crm\\-host";

	crm_text_add(
	    text,
	    ".TH %s.conf 5 \"\" \"crm\\-host " CRM_HOST_VERSION
	    "\" \"File formats\"\n"
	    ".SH NAME\n%s.conf \\- configuration of crm\\-host and its "
	    "plugins\n"
	    ".SH DESCRIPTION\nThe file consists of a group\n.B host\nand one "
	    "group for each plugin, in the notation of libconfig:\n.PP\n.nf\n"
	    "host: { plugin_dir = \\(dq/usr/local/lib/crm/plugins\\(dq; };\n"
	    "%s: { enabled = true; };\n.fi\n.PP\n"
	    "A group of the name X loads X.so from\n.BR plugin_dir .\n"
	    "An unknown key, a wrong value or a missing required key keeps the "
	    "host from starting.\nTo check a file:\n"
	    ".B crm\\-host \\-\\-config\n.I FILE\n.B \\-\\-check\n",
	    name, name, count > 1 ? groups[1].name : "call_log");
	for (size_t i = 0; i < count; i++) {
		crm_text_add(text, ".SH GROUP %s\n", groups[i].name);
		if (i > 0) {
			page_key(text, "enabled", "true or false; default true",
				 "Whether the host loads the plugin.");
			page_key(
			    text, "required", "true or false; default false",
			    "Whether the host refuses to start without the "
			    "plugin.");
		}
		page_options(text, groups[i].options);
	}
}
