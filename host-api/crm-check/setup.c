/* setup - what the command line says. See setup.h. */
#include "setup.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "config.h"

/* A sanitizer makes everything some ten times slower. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MESSAGES = 1000 };
#else
enum { MESSAGES = 10000 };
#endif
enum {
	SECONDS = 60,
	SUBMIT_MS = 1,
	BODY_MAX = 16 * 1024 * 1024,
	BACKLOG = 128,
	MANY = 1000000
};

const char setup_usage[] =
    "usage: crm-check [option ...] plugin.so\n"
    "\n"
    "Checks that a plugin keeps to the contract of crm_plugin.h, and prints "
    "TAP.\n"
    "\n"
    "  --set KEY=VALUE   a value of the plugin's configuration; repeatable.\n"
    "                    {silent} in it is the number of a port on 127.0.0.1\n"
    "                    where connections are accepted and never answered\n"
    "  --config FILE     its configuration: the group of a host's file that "
    "is\n"
    "                    named like the plugin's file\n"
    "  --body FILE       the message to send, JSON; else one of its own for "
    "each\n"
    "                    path and type that the plugin takes\n"
    "  --include REGEX   only the checks whose names match\n"
    "  --messages N      how many messages to send, at most 1000000\n"
    "  --seed N          what chances depend on; else the time\n"
    "  --seconds N       how long a check may take (60)\n"
    "  --submit-ms N     how long submit() may take, in milliseconds, in 999\n"
    "                    of 1000 messages (1)\n"
    "  --bodies FOLDER   messages to send as well, each file one, however "
    "wrong\n"
    "  --in-process      no process for each check: for a debugger\n"
    "\n"
    "Exit status: 0 when all checks pass, 1 when one does not, 64 wrong "
    "usage.\n";

__attribute__((format(printf, 3, 4))) static bool
refuse(char *why, size_t cap, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(why, cap, format, ap);
	va_end(ap);
	return false;
}

/* Takes both texts over, also when it fails. */
static bool add_value(struct setup *setup, char *key, char *value)
{
	if (key && value && setup->value_count < SETUP_VALUES) {
		setup->values[setup->value_count++] =
		    (struct setup_value){key, value};
		return true;
	}
	free(key);
	free(value);
	return false;
}

static bool add_setting(struct setup *setup, const char *text, char *why,
			size_t cap)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return refuse(why, cap, "--set wants KEY=VALUE, not '%s'",
			      text);
	if (!add_value(setup, strndup(text, (size_t)(equals - text)),
		       strdup(equals + 1)))
		return refuse(why, cap, "--set: at most %d values",
			      SETUP_VALUES);
	return true;
}

static bool read_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end = NULL;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' && text[0] != '-' &&
	       *number <= max;
}

static bool read_body(struct setup *setup, const char *path, char *why,
		      size_t cap)
{
	FILE *file = fopen(path, "re");
	bool good = false;

	free(setup->body);
	setup->body = malloc(BODY_MAX);
	setup->body_len = 0;
	if (file && setup->body) {
		setup->body_len = fread(setup->body, 1, BODY_MAX, file);
		good = setup->body_len > 0 && !ferror(file) && feof(file);
	}
	if (file)
		fclose(file);
	return good || refuse(why, cap,
			      "cannot read '%s', or it is empty or larger than "
			      "%d MB",
			      path, BODY_MAX / 1024 / 1024);
}

static bool copy_text(char **to, const char *text, char *why, size_t cap)
{
	free(*to);
	*to = strdup(text);
	return *to || refuse(why, cap, "out of memory");
}

enum {
	SET = 1,
	CONFIG,
	BODY,
	INCLUDE,
	MESSAGE_COUNT,
	SEED,
	LIMIT,
	SUBMIT,
	BODIES,
	INSIDE,
	HELP
};

static bool read_option(struct setup *setup, int option, const char *text,
			char *why, size_t cap)
{
	uint64_t number = 0;

	switch (option) {
	case SET:
		return add_setting(setup, text, why, cap);
	case BODY:
		return read_body(setup, text, why, cap);
	case INCLUDE:
		return copy_text(&setup->include, text, why, cap);
	case INSIDE:
		return setup->in_process = true;
	case HELP:
		return setup->help = true;
	case SEED:
		if (!read_number(text, UINT64_MAX, &setup->seed))
			break;
		return true;
	case MESSAGE_COUNT:
		if (!read_number(text, MANY, &number) || number == 0)
			break;
		setup->messages = (size_t)number;
		return true;
	case LIMIT:
		if (!read_number(text, 86400, &number) || number == 0)
			break;
		setup->seconds = (unsigned)number;
		return true;
	case SUBMIT:
		if (!read_number(text, 60000, &number) || number == 0)
			break;
		setup->submit_ms = (unsigned)number;
		return true;
	case BODIES:
		return copy_text(&setup->bodies, text, why, cap);
	default:
		return refuse(why, cap, "wrong option");
	}
	return refuse(why, cap, "'%s' is not a number in range", text);
}

/* `/x/call_log.so` has the group `call_log`. */
static bool name_group(struct setup *setup, char *why, size_t cap)
{
	const char *slash = strrchr(setup->path, '/');
	size_t len;

	setup->group = strdup(slash ? slash + 1 : setup->path);
	if (!setup->group)
		return refuse(why, cap, "out of memory");
	len = strlen(setup->group);
	if (len > 3 && strcmp(setup->group + len - 3, ".so") == 0)
		setup->group[len - 3] = '\0';
	return true;
}

static bool open_config(struct setup *setup, const char *path, char *why,
			size_t cap)
{
	struct crm_text problems = crm_text_in(why, cap);

	setup->config = crm_config_open(path, &problems);
	if (!setup->config)
		return false;
	for (size_t i = 0; i < crm_config_count(setup->config); i++)
		if (strcmp(crm_config_group(setup->config, i), setup->group) ==
		    0)
			return true;
	return refuse(why, cap, "'%s' has no group '%s'", path, setup->group);
}

/* The name of a file that is not there is kept: the loader says what is wrong.
 */
static char *full_path(const char *path)
{
	char *full = realpath(path, NULL);

	return full ? full : strdup(path);
}

/* The kernel takes connections, and nobody ever does. */
static bool listen_silently(struct setup *setup, char *why, size_t cap)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setup->silent = fd;
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 ||
	    listen(fd, BACKLOG) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)
		return refuse(why, cap, "cannot listen on 127.0.0.1: %s",
			      strerror(errno));
	setup->silent_port = ntohs(address.sin_port);
	return true;
}

static const struct option options[] = {
    {"set", required_argument, NULL, SET},
    {"config", required_argument, NULL, CONFIG},
    {"body", required_argument, NULL, BODY},
    {"include", required_argument, NULL, INCLUDE},
    {"messages", required_argument, NULL, MESSAGE_COUNT},
    {"seed", required_argument, NULL, SEED},
    {"seconds", required_argument, NULL, LIMIT},
    {"submit-ms", required_argument, NULL, SUBMIT},
    {"bodies", required_argument, NULL, BODIES},
    {"in-process", no_argument, NULL, INSIDE},
    {"help", no_argument, NULL, HELP},
    {NULL, 0, NULL, 0},
};

bool setup_read(struct setup *setup, int count, char **arguments, char *why,
		size_t cap)
{
	const char *config_path = NULL;
	int option;

	*setup = (struct setup){.messages = MESSAGES,
				.seconds = SECONDS,
				.submit_ms = SUBMIT_MS,
				.silent = -1,
				.seed = (uint64_t)time(NULL)};
	opterr = 0;
	while ((option = getopt_long(count, arguments, "", options, NULL)) !=
	       -1) {
		if (option == CONFIG)
			config_path = optarg;
		else if (option == '?' || option == ':')
			return refuse(why, cap,
				      "'%s': no such option, or its "
				      "value is missing",
				      arguments[optind - 1]);
		else if (!read_option(setup, option, optarg, why, cap))
			return false;
	}
	if (setup->help)
		return true;
	if (optind != count - 1)
		return refuse(why, cap, "one plugin file is needed");
	setup->path = full_path(arguments[optind]);
	if (!setup->path)
		return refuse(why, cap, "out of memory");
	return listen_silently(setup, why, cap) &&
	       name_group(setup, why, cap) &&
	       (!config_path || open_config(setup, config_path, why, cap));
}

void setup_free(struct setup *setup)
{
	for (size_t i = 0; i < setup->value_count; i++) {
		free(setup->values[i].key);
		free(setup->values[i].value);
	}
	crm_config_close(setup->config);
	free(setup->path);
	free(setup->group);
	free(setup->include);
	free(setup->body);
	free(setup->bodies);
	if (setup->silent >= 0)
		close(setup->silent);
}

static char *fill_in(const struct setup *setup, const char *value)
{
	static const char name[] = "{silent}";
	const char *at = strstr(value, name);
	char *text = NULL;

	if (!at)
		return strdup(value);
	if (asprintf(&text, "%.*s%u%s", (int)(at - value), value,
		     setup->silent_port, at + strlen(name)) < 0)
		return NULL;
	return text;
}

/* The command line wins over the file, and its last value over the others. */
char *setup_value(const struct setup *setup, const char *key)
{
	for (size_t i = setup->value_count; i > 0; i--)
		if (strcmp(setup->values[i - 1].key, key) == 0)
			return fill_in(setup, setup->values[i - 1].value);
	return setup->config
		   ? crm_config_value(setup->config, setup->group, key)
		   : NULL;
}
