/* messages - see messages.h. */
#include "messages.h"

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPOTS = 32, TEMPLATES = 8 * MESSAGE_STAGES };

enum field { CALL, ALONE, CALLER, START, REQUEST, FIELDS };

static const char *const marks[FIELDS] = {"@call@", "@alone@", "@caller@",
					  "@start@", "@request@"};
static const size_t widths[FIELDS] = {10, 10, 7, 13, 12};

struct spot {
	enum field field;
	size_t at;
};

struct template
{
	char *text; /* owned */
	size_t len;
	struct spot spots[SPOTS];
	size_t count;
};

struct messages {
	struct template templates[TEMPLATES];
	uint32_t kinds;
};

/* The first mark in the text, or NULL. */
static const char *find_mark(const char *text, enum field *field)
{
	for (; (text = strchr(text, '@')); text++)
		for (int i = 0; i < FIELDS; i++)
			if (strncmp(text, marks[i], strlen(marks[i])) == 0) {
				*field = (enum field)i;
				return text;
			}
	return NULL;
}

static void read_template(struct template *template, const char *line,
			  bool alone)
{
	const char *mark;
	enum field field;

	template->text = malloc(2 * strlen(line) + 1);
	if (!template->text)
		die("out of memory");
	while ((mark = find_mark(line, &field))) {
		size_t before = (size_t)(mark - line);
		size_t width = field == ALONE && !alone ? 0 : widths[field];

		memcpy(template->text + template->len, line, before);
		template->len += before;
		if (template->count == SPOTS)
			die("too many marks in a message");
		if (width > 0)
			template->spots[template->count++] =
			    (struct spot){field, template->len};
		template->len += width;
		line = mark + strlen(marks[field]);
	}
	memcpy(template->text + template->len, line, strlen(line) + 1);
	template->len += strlen(line);
}

struct messages *messages_open(const char *path, bool alone)
{
	struct messages *messages = calloc(1, sizeof(*messages));
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0, count = 0;
	ssize_t len;

	if (!messages || !file)
		die("cannot open %s", path);
	while ((len = getline(&line, &cap, file)) > 0 && count < TEMPLATES) {
		line[strcspn(line, "\n")] = '\0';
		read_template(&messages->templates[count++], line, alone);
	}
	free(line);
	fclose(file);
	messages->kinds = (uint32_t)(count / MESSAGE_STAGES);
	if (count == 0 || count % MESSAGE_STAGES)
		die("%s: %zu messages are no whole calls", path, count);
	return messages;
}

void messages_free(struct messages *messages)
{
	for (int i = 0; messages && i < TEMPLATES; i++)
		free(messages->templates[i].text);
	free(messages);
}

static void put_digits(char *at, size_t width, uint64_t number)
{
	while (width-- > 0) {
		at[width] = (char)('0' + number % 10);
		number /= 10;
	}
}

const char *messages_fill(struct messages *messages, uint32_t call, int stage,
			  uint32_t serial, int64_t start_ms, size_t *len)
{
	const struct template *template =
	    &messages->templates[call / 2 % messages->kinds * MESSAGE_STAGES +
				 (uint32_t)stage];
	uint64_t numbers[FIELDS] = {
	    [CALL] = UINT64_C(5000000000) + call,
	    [ALONE] = serial,
	    [CALLER] = call % 9999991,
	    [START] = (uint64_t)start_ms,
	    [REQUEST] = (uint64_t)call * MESSAGE_STAGES + (uint64_t)stage,
	};

	for (size_t i = 0; i < template->count; i++) {
		const struct spot *spot = &template->spots[i];
		char *at = template->text + spot->at;

		put_digits(at, widths[spot->field], numbers[spot->field]);
		if (spot->field == ALONE)
			*at = '.';
	}
	*len = template->len;
	return template->text;
}
