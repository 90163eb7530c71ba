/* tap - just enough of the Test Anything Protocol for the C tests: one program a
 * file, `ok(condition, "a sentence of behaviour")`, `return tap_done();` at the
 * end of main. */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_run, tap_failed;

__attribute__((format(printf, 4, 5))) static inline bool
tap_ok(bool pass, const char *file, int line, const char *format, ...)
{
	va_list ap;

	printf("%sok %d - ", pass ? "" : "not ", ++tap_run);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	if (!pass) {
		tap_failed++;
		printf("#   failed at %s line %d\n", file, line);
	}
	fflush(stdout);
	return pass;
}

static inline bool tap_is(const char *got, const char *want, const char *file,
			  int line, const char *name)
{
	bool same = got && want ? strcmp(got, want) == 0 : got == want;

	if (!tap_ok(same, file, line, "%s", name)) {
		printf("#        got: %s\n", got ? got : "(null)");
		printf("#   expected: %s\n", want ? want : "(null)");
	}
	return same;
}

#define ok(...) tap_ok_(__VA_ARGS__)
#define tap_ok_(condition, ...)                                                \
	tap_ok((condition), __FILE__, __LINE__, __VA_ARGS__)
#define is(got, want, name) tap_is((got), (want), __FILE__, __LINE__, (name))
#define diag(...) (printf("# " __VA_ARGS__), printf("\n"))
/* A figure for the tables: `# figure: <name> <value>`. */
#define figure(name, format, value)                                            \
	printf("# figure: %s " format "\n", (name), (value))

static inline int tap_done(void)
{
	printf("1..%d\n", tap_run);
	return tap_failed > 0 || tap_run == 0;
}

#endif
