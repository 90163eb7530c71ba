/* option - a table of what may stand in one group of the configuration file.
 * See option.h. */
#include "option.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"

enum { MAX_OPTIONS = 256, MAX_NAME = 64 };

static const char *const type_names[] = {"string", "int", "bool", "enum",
					 "strings"};

/* The parts of an option's JSON object. */
enum { NAME, TYPE, REQUIRED, SECRET, PRESET, MIN, MAX, VALUES, EXAMPLE, HELP };
static const char *const members[] = {"name",    "type", "required", "secret",
				      "default", "min",  "max",      "values",
				      "example", "help"};
enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

static char *string_new(struct crm_json value)
{
	ptrdiff_t len = crm_json_string(value, NULL, 0);
	char *text = len < 0 ? NULL : malloc((size_t)len + 1);

	if (text)
		crm_json_string(value, text, (size_t)len + 1);
	return text;
}

/* A list of strings, one a line. */
static char *lines_new(struct crm_json list)
{
	struct crm_json_walk walk = crm_json_walk(list);
	struct crm_json name, value;
	/* Escapes only shrink, and a comma and two quotes pay for a newline. */
	char *lines = malloc(list.len + 1);
	size_t len = 0;

	if (!lines)
		return NULL;
	lines[0] = '\0';
	while (crm_json_next(&walk, &name, &value)) {
		ptrdiff_t part;

		if (len > 0)
			lines[len++] = '\n';
		part = crm_json_string(value, lines + len, list.len + 1 - len);
		if (part < 0) {
			free(lines);
			return NULL;
		}
		len += (size_t)part;
	}
	return lines;
}

/* A default or an example as text, or NULL when it has another type. */
static char *value_new(enum crm_option_type type, struct crm_json value)
{
	enum crm_json_type is = crm_json_type(value);
	int64_t number;

	switch (type) {
	case CRM_OPTION_INT:
		return crm_json_integer(value, &number)
			   ? strndup(value.text, value.len)
			   : NULL;
	case CRM_OPTION_BOOL:
		return is == CRM_JSON_BOOL ? strndup(value.text, value.len)
					   : NULL;
	case CRM_OPTION_STRINGS:
		return is == CRM_JSON_ARRAY ? lines_new(value) : NULL;
	case CRM_OPTION_STRING:
	case CRM_OPTION_ENUM:
		break;
	}
	return string_new(value);
}

static bool type_of(struct crm_json value, enum crm_option_type *type)
{
	char name[MAX_NAME];

	if (crm_json_string(value, name, sizeof(name)) < 0)
		return false;
	for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
		if (strcmp(name, type_names[i]) == 0) {
			*type = (enum crm_option_type)i;
			return true;
		}
	return false;
}

/* An optional member; a wrong one is a mistake in the table. */
static bool take_value(struct crm_json value, enum crm_option_type type,
		       char **text)
{
	if (!value.text)
		return true;
	*text = value_new(type, value);
	return *text != NULL;
}

/* Names the first wrong member, or returns NULL. */
static const char *option_read(struct crm_option *option,
			       const struct crm_json value[MEMBERS])
{
	char secret[8] = "never";

	option->name = string_new(value[NAME]);
	if (!option->name || option->name[0] == '\0' ||
	    strlen(option->name) >= MAX_NAME)
		return "name";
	if (!type_of(value[TYPE], &option->type))
		return "type";
	option->required = crm_json_is_true(value[REQUIRED]);
	if (value[SECRET].text &&
	    (crm_json_string(value[SECRET], secret, sizeof(secret)) < 0 ||
	     (strcmp(secret, "may") != 0 && strcmp(secret, "never") != 0)))
		return "secret";
	option->secret = strcmp(secret, "may") == 0;
	option->has_min = value[MIN].text != NULL;
	option->has_max = value[MAX].text != NULL;
	if (option->has_min && !crm_json_integer(value[MIN], &option->min))
		return "min";
	if (option->has_max && !crm_json_integer(value[MAX], &option->max))
		return "max";
	if (option->type == CRM_OPTION_ENUM) {
		option->values = crm_json_type(value[VALUES]) == CRM_JSON_ARRAY
				     ? lines_new(value[VALUES])
				     : NULL;
		if (!option->values || option->values[0] == '\0')
			return "values";
	}
	if (!take_value(value[PRESET], option->type, &option->preset))
		return "default";
	if (!take_value(value[EXAMPLE], option->type, &option->example))
		return "example";
	option->help = value[HELP].text ? string_new(value[HELP]) : strdup("");
	return option->help ? NULL : "help";
}

static bool table_read(struct crm_options *options, struct crm_json table,
		       char *why, size_t why_cap)
{
	struct crm_json_walk walk = crm_json_walk(table);
	struct crm_json name, element, value[MEMBERS];

	while (crm_json_next(&walk, &name, &element)) {
		struct crm_option *option = &options->list[options->count];
		const char *wrong = "object";

		if (options->count == MAX_OPTIONS) {
			snprintf(why, why_cap, "more than %d options",
				 MAX_OPTIONS);
			return false;
		}
		options->count++;
		if (crm_json_members(element.text, element.len, members, value,
				     MEMBERS))
			wrong = option_read(option, value);
		if (wrong) {
			snprintf(why, why_cap, "option %zu: bad '%s'",
				 options->count, wrong);
			return false;
		}
	}
	return true;
}

struct crm_options *crm_options_new(const char *json, char *why, size_t why_cap)
{
	struct crm_options *options = calloc(1, sizeof(*options));
	struct crm_json table;

	if (!options)
		goto no_memory;
	options->list = calloc(MAX_OPTIONS, sizeof(*options->list));
	if (!options->list)
		goto no_memory;
	if (!crm_json_value(json, strlen(json), &table) ||
	    crm_json_type(table) != CRM_JSON_ARRAY) {
		snprintf(why, why_cap, "not a JSON array");
		goto failed;
	}
	if (table_read(options, table, why, why_cap))
		return options;
	goto failed;

no_memory:
	snprintf(why, why_cap, "out of memory");
failed:
	crm_options_free(options);
	return NULL;
}

void crm_options_free(struct crm_options *options)
{
	if (!options)
		return;
	for (size_t i = 0; i < options->count; i++) {
		struct crm_option *option = &options->list[i];

		free(option->name);
		free(option->values);
		free(option->preset);
		free(option->example);
		free(option->help);
	}
	free(options->list);
	free(options);
}

const struct crm_option *crm_options_find(const struct crm_options *options,
					  const char *name)
{
	for (size_t i = 0; i < options->count; i++)
		if (strcmp(options->list[i].name, name) == 0)
			return &options->list[i];
	return NULL;
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t low = a < b ? a : b;

	return low < c ? low : c;
}

/* How many letters must be changed, added or taken away, ignoring case; two
 * swapped ones count once. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][MAX_NAME + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (a_len > MAX_NAME || b_len > MAX_NAME)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		above[j] = before[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			int x = tolower((unsigned char)a[i - 1]);
			int y = tolower((unsigned char)b[j - 1]);

			row[j] = least(above[j] + 1, row[j - 1] + 1,
				       above[j - 1] + (x != y));
			if (i > 1 && j > 1 && x != y &&
			    x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]))
				row[j] =
				    least(row[j], before[j - 2] + 1, SIZE_MAX);
		}
		before = above;
		above = row;
		row = spare;
	}
	return above[b_len];
}

static void nearer(const char *candidate, const char *name, const char **best,
		   size_t *best_distance)
{
	size_t far = distance(candidate, name);

	if (far < *best_distance) {
		*best = candidate;
		*best_distance = far;
	}
}

const char *crm_options_nearest(const struct crm_options *options,
				const char *name)
{
	/* Up to a third of the letters wrong, but never more than three. */
	size_t close = strlen(name) / 3 + 1;
	size_t best_distance = (close > 3 ? 3 : close) + 1;
	const char *best = NULL;

	for (size_t i = 0; i < options->count; i++)
		nearer(options->list[i].name, name, &best, &best_distance);
	nearer("enabled", name, &best, &best_distance);
	nearer("required", name, &best, &best_distance);
	return best;
}

bool crm_option_has_line(const char *lines, const char *value)
{
	size_t len = strlen(value);

	while (*lines != '\0') {
		size_t line = strcspn(lines, "\n");

		if (line == len && memcmp(lines, value, len) == 0)
			return true;
		lines += line + (lines[line] == '\n');
	}
	return false;
}

static void allowed_values(struct crm_text *text, const char *values)
{
	while (*values != '\0') {
		size_t len = strcspn(values, "\n");
		bool last = values[len] == '\0';

		if (text->len > 0)
			crm_text_add(text, last ? " or " : ", ");
		crm_text_add(text, "\"%.*s\"", (int)len, values);
		values += len + !last;
	}
}

void crm_option_allowed(const struct crm_option *option, char *buf, size_t cap)
{
	struct crm_text text = crm_text_in(buf, cap);

	switch (option->type) {
	case CRM_OPTION_STRING:
		crm_text_add(&text, "a string in quotes");
		break;
	case CRM_OPTION_INT:
		crm_text_add(&text, "an integer");
		if (option->has_min && option->has_max)
			crm_text_add(&text, " from %" PRId64 " to %" PRId64,
				     option->min, option->max);
		else if (option->has_min)
			crm_text_add(&text, " not below %" PRId64, option->min);
		else if (option->has_max)
			crm_text_add(&text, " not above %" PRId64, option->max);
		break;
	case CRM_OPTION_BOOL:
		crm_text_add(&text, "true or false");
		break;
	case CRM_OPTION_ENUM:
		allowed_values(&text, option->values);
		break;
	case CRM_OPTION_STRINGS:
		crm_text_add(&text, "a list of strings, [\"a\", \"b\"]");
		break;
	}
}
