/* command - see command.h. */
#include "command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\n", stderr);
	exit(2);
}

bool command_read(struct command *command)
{
	ssize_t len = getline(&command->line, &command->cap, stdin);
	char *rest = command->line;

	if (len <= 0)
		return false;
	if (rest[len - 1] == '\n')
		rest[len - 1] = '\0';
	command->verb = strsep(&rest, " ");
	command->count = 0;
	while (rest && command->count < COMMAND_PAIRS)
		command->keys[command->count++] = strsep(&rest, " ");
	return true;
}

bool command_is(const struct command *command, const char *verb)
{
	return strcmp(command->verb, verb) == 0;
}

void command_free(struct command *command)
{
	free(command->line);
}

const char *command_text(const struct command *command, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < command->count; i++)
		if (strncmp(command->keys[i], key, len) == 0 &&
		    command->keys[i][len] == '=')
			return command->keys[i] + len + 1;
	die("%s: no %s=", command->verb, key);
}

long command_number(const struct command *command, const char *key)
{
	return strtol(command_text(command, key), NULL, 10);
}
