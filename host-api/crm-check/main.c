/* crm-check - checks that a plugin keeps to the contract of crm_plugin.h, for
 * those who write one. This file is its list of checks, and prints what they
 * found as TAP. */
#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cage.h"
#include "check.h"
#include "setup.h"
#include "verdict.h"

enum { EXIT_USAGE = 64, WHY = 1024, OUTPUT_SHOWN = 4096 };

static const struct check *const lists[] = {
    checks_of_file,    checks_of_life,    checks_of_traffic,
    checks_of_trouble, checks_of_manners,
};

/* The checks to run; include is NULL for all. */
struct chosen {
	const struct check *checks[64];
	size_t count;
};

static bool choose(struct chosen *chosen, const char *include)
{
	regex_t pattern;

	chosen->count = 0;
	if (include &&
	    regcomp(&pattern, include, REG_EXTENDED | REG_NOSUB) != 0)
		return false;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		for (const struct check *check = lists[i]; check->name; check++)
			if (!include ||
			    regexec(&pattern, check->name, 0, NULL, 0) == 0)
				chosen->checks[chosen->count++] = check;
	if (include)
		regfree(&pattern);
	return chosen->count > 0;
}

/* From here on stdout and stderr are a file in memory, so that a plugin which
 * writes there tears no line of ours. Returns where our own lines go, and that
 * file. */
static FILE *redirect(int *output)
{
	FILE *tap;
	int out = dup(STDOUT_FILENO);

	*output = memfd_create("crm-check output", MFD_CLOEXEC);
	tap = out < 0 ? NULL : fdopen(out, "w");
	if (!tap || *output < 0 || dup2(*output, STDOUT_FILENO) < 0 ||
	    dup2(*output, STDERR_FILENO) < 0)
		return NULL;
	return tap;
}

static void print_lines(FILE *tap, const char *prefix, char *text)
{
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			fprintf(tap, "# %s%s\n", prefix, line);
}

/* The beginning of what the plugin wrote. */
static void read_output(int output, char text[OUTPUT_SHOWN + 1])
{
	ssize_t len = pread(output, text, OUTPUT_SHOWN, 0);

	text[len > 0 ? len : 0] = '\0';
	for (ssize_t i = 0; i < len; i++)
		if (text[i] == '\0' || text[i] == '\r')
			text[i] = ' ';
}

static bool run_check(FILE *tap, size_t number, const struct trial *trial)
{
	char text[OUTPUT_SHOWN + 1];
	bool passed;

	if (ftruncate(trial->output, 0) != 0 ||
	    lseek(trial->output, 0, SEEK_SET) != 0)
		return false;
	passed = cage_run(trial);
	read_output(trial->output, text);
	/* A race, say, that a sanitizer saw and that ended nothing. */
	if (passed && strstr(text, "Sanitizer: "))
		passed = verdict_fail(trial->verdict, "a sanitizer objects");
	fprintf(tap, "%sok %zu - %s\n", passed ? "" : "not ", number,
		trial->check->name);
	trial->verdict->text[VERDICT_TEXT - 1] = '\0';
	print_lines(tap, "  ", trial->verdict->text);
	if (!passed)
		print_lines(tap, "output: ", text);
	fflush(tap);
	return passed;
}

static int run_checks(const struct setup *setup, const struct chosen *chosen)
{
	struct verdict *verdict = verdict_new();
	size_t failed = 0;
	int output = -1;
	FILE *tap = redirect(&output);

	if (!verdict || !tap)
		return EXIT_FAILURE;
	fprintf(tap, "1..%zu\n# %s, seed %llu\n", chosen->count, setup->path,
		(unsigned long long)setup->seed);
	fflush(tap);
	for (size_t i = 0; i < chosen->count; i++) {
		struct trial trial = {.check = chosen->checks[i],
				      .setup = setup,
				      .verdict = verdict,
				      .output = output};

		failed += !run_check(tap, i + 1, &trial);
	}
	if (failed > 0)
		fprintf(tap, "# %zu of %zu checks failed\n", failed,
			chosen->count);
	verdict_free(verdict);
	if (fclose(tap) != 0)
		return EXIT_FAILURE;
	return failed > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int count, char **arguments)
{
	struct setup setup;
	struct chosen chosen;
	char why[WHY] = "";
	int status = EXIT_USAGE;

	if (!setup_read(&setup, count, arguments, why, sizeof(why))) {
		fprintf(stderr, "crm-check: %s\n", why);
		fputs(setup_usage, stderr);
	} else if (setup.help) {
		status = fputs(setup_usage, stdout) < 0 ? EXIT_FAILURE : 0;
	} else if (!choose(&chosen, setup.include)) {
		fprintf(stderr, "crm-check: no check matches '%s'\n",
			setup.include);
	} else {
		status = run_checks(&setup, &chosen);
	}
	setup_free(&setup);
	return status;
}
