/* host_deepbind - a host with functions of its own that are called like those
 * of a library which a plugin is linked with, and a host that runs on another
 * malloc. It runs itself as such a host, once plainly and once with jemalloc
 * preloaded. */
#include "../tap.h"

#include <sys/wait.h>

#include <cjson/cJSON.h>

#include "../../host-api/loader.h"
#include "host_fixture.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#elif defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define INFO_LINE                                                              \
	"info host: plugins are opened without RTLD_DEEPBIND: this process "   \
	"does not use libc's malloc\n"

/* The host's own, which parses nothing. */
CRM_EXPORT cJSON *cJSON_Parse(const char *value)
{
	(void)value;
	return NULL;
}

/* Runs two plugins and prints who answered, then what was logged. */
static int be_host(const char *folder)
{
	static struct lines lines;
	struct crm_host_callbacks callbacks = lines_callbacks(&lines);
	struct crm_runtime *runtime =
	    host_run(folder, "user: { };\nother: { };", &callbacks);
	char answer[512] = "";

	if (!runtime || host_call(runtime, "/parse", 0, answer) != CRM_OK)
		return 1;
	crm_host_close(runtime);
	printf("answered by %s\n%s", answer, lines.text);
	return 0;
}

/* This program as a host, in a process of its own; what it printed. */
static bool run_host(const char *folder, const char *preload, char *out,
		     size_t cap)
{
	int ends[2], status = -1;
	size_t len = 0;
	ssize_t part;
	pid_t child;

	if (pipe(ends) != 0)
		return false;
	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(60);
		dup2(ends[1], 1);
		close(ends[0]);
		if (preload)
			setenv("LD_PRELOAD", preload, 1);
		execl("/proc/self/exe", "host_deepbind", folder, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while (len < cap - 1 &&
	       (part = read(ends[0], out + len, cap - 1 - len)) > 0)
		len += (size_t)part;
	out[len] = '\0';
	close(ends[0]);
	return waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

static size_t count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (const char *p = strstr(text, part); p; p = strstr(p + 1, part))
		count++;
	return count;
}

static void test_plain(const char *folder)
{
	char out[4096];

	ok(cJSON_Parse("[1, 2, 3]") == NULL,
	   "this host has a cJSON_Parse of its own");
	ok(run_host(folder, NULL, out, sizeof(out)), "a host runs");
	diag("%.*s", (int)strcspn(out, "\n"), out);
	ok(crm_loader_may_deepbind() == !SANITIZED,
	   "RTLD_DEEPBIND is used unless a sanitizer brings its own malloc");
	if (SANITIZED) {
		ok(count_of(out, INFO_LINE) == 1,
		   "one line says that plugins are opened without it");
		return;
	}
	ok(strncmp(out, "answered by library\n", 20) == 0,
	   "its plugin calls the function of the library it is linked with");
	ok(count_of(out, "RTLD_DEEPBIND") == 0, "and nothing is logged");
}

/* free() of what libc's strdup() allocated must not meet another malloc. A
 * sanitizer must come first in a process, so there is no jemalloc with one. */
static void test_jemalloc(const char *folder)
{
	char out[4096];

	ok(run_host(folder, "libjemalloc.so.2", out, sizeof(out)),
	   "a host under jemalloc runs");
	ok(strncmp(out, "answered by host\n", 17) == 0,
	   "its plugin is opened without RTLD_DEEPBIND");
	ok(count_of(out, INFO_LINE) == 1,
	   "and one line says so, for two plugins");
}

int main(int argc, char **argv)
{
	char *folder;

	if (argc > 1)
		return be_host(argv[1]);
	folder = folder_new();
	plugin_copy(folder, "cjson_user", "user");
	plugin_copy(folder, "behave", "other");
	test_plain(folder);
	if (!SANITIZED)
		test_jemalloc(folder);
	folder_free(folder);
	return tap_done();
}
