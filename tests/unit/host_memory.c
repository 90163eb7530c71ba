/* host_memory - every allocation of the host library fails once, in turn, and
 * all from there on: what cannot be done is said, every message that was
 * accepted is answered, nothing leaks, and it works once there is memory. */
#include "../tap.h"

#include "../allocations.h"
#include "host_fixture.h"

#include <dlfcn.h>
#include <libconfig.h>

/* libconfig does not ask whether it got memory, and crashes: there it is spared.
 * That happens only while a host starts. */
void __real_config_init(config_t *file);
int __real_config_read_string(config_t *file, const char *string);
void __real_config_set_include_dir(config_t *file, const char *path);
void __wrap_config_init(config_t *file);
int __wrap_config_read_string(config_t *file, const char *string);
void __wrap_config_set_include_dir(config_t *file, const char *path);

void __wrap_config_init(config_t *file)
{
	allocations_exempt = true;
	__real_config_init(file);
	allocations_exempt = false;
}

int __wrap_config_read_string(config_t *file, const char *string)
{
	allocations_exempt = true;
	int done = __real_config_read_string(file, string);
	allocations_exempt = false;
	return done;
}

void __wrap_config_set_include_dir(config_t *file, const char *path)
{
	allocations_exempt = true;
	__real_config_set_include_dir(file, path);
	allocations_exempt = false;
}

enum { LARGE = 64 * 1024 };

static char *folder, config[PATH_MAX];
static char text[LARGE];
static struct lines lines;
static atomic_int answered;

static void on_answer(void *context, enum crm_status status, const char *body,
		      size_t len)
{
	(void)context;
	(void)status;
	(void)body;
	(void)len;
	atomic_fetch_add(&answered, 1);
}

static bool said(bool good, const char *why)
{
	return good || why[0] != '\0';
}

/* ------------------------------------------------------ what is to be done */

/* Whether the message was answered well; *once: it was accepted and is answered
 * once, or it was not. */
static bool talk(struct crm_runtime *runtime, const char *path, bool *once)
{
	char body[64], why[200] = "";
	int before = atomic_load(&answered);

	snprintf(body, sizeof(body), "{\"path\":\"%s\"}", path);
	struct crm_message message = {.account = "acme",
				      .agent = "bob",
				      .body = body,
				      .body_len = strlen(body)};
	enum crm_status status = crm_host_submit(runtime, &message, on_answer,
						 NULL, why, sizeof(why));
	uint64_t end = now_ms() + 30000;
	while (status == CRM_OK && atomic_load(&answered) == before &&
	       now_ms() < end)
		nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
	*once = *once && said(status == CRM_OK, why) &&
		atomic_load(&answered) == before + (status == CRM_OK);
	return status == CRM_OK;
}

/* A host's whole life. False: something could not be done; *ordinary: it was
 * said. */
static bool live(bool *ordinary)
{
	struct crm_host_callbacks callbacks = {&lines, lines_log, NULL};
	char why[2048] = "";
	struct crm_runtime *runtime =
	    crm_host_open(config, &callbacks, why, sizeof(why));

	*ordinary = said(runtime != NULL, why);
	if (!runtime)
		return false;
	bool done = crm_host_start(runtime, why, sizeof(why)) == CRM_OK;
	*ordinary = said(done, why);
	if (done) {
		done &= talk(runtime, "/inside", ordinary);
		done &= talk(runtime, "/thread", ordinary);
		done &= talk(runtime, "/post", ordinary);
		struct crm_post *post = crm_host_next_post(runtime);
		done &= post != NULL;
		crm_host_post_free(post);
		done &= crm_host_service(runtime, text, sizeof(text)) > 2;
		done &= crm_host_status(runtime, text, sizeof(text)) > 2;
		done &= crm_host_setting(runtime, "demo", "colour") != NULL ||
			crm_host_setting(runtime, "host", "listen") != NULL;
		*ordinary &= crm_host_stop(runtime, 5000) == CRM_OK;
	}
	crm_host_close(runtime);
	return done;
}

static void on_line(void *context, enum crm_level level, const char *line)
{
	(void)level;
	(void)line;
	(*(int *)context)++;
}

static bool check(bool *ordinary)
{
	int said_lines = 0;
	bool good = crm_host_check(config, on_line, &said_lines) == CRM_OK;

	*ordinary = good || said_lines > 0;
	said_lines = 0;
	bool listed = crm_host_list(config, on_line, &said_lines) == CRM_OK;
	*ordinary = *ordinary && said_lines > 0;
	return good && listed;
}

static bool print(bool *ordinary)
{
	char path[PATH_MAX], why[2048] = "";
	const char *plugins[] = {inside(folder, "demo.so", path)};

	bool done = crm_host_sample(plugins, 1, text, sizeof(text), why,
				    sizeof(why)) > 0;
	*ordinary = said(done, why);
	why[0] = '\0';
	bool more = crm_host_manual(plugins, 1, text, sizeof(text), why,
				    sizeof(why)) > 0;
	*ordinary = *ordinary && said(more, why);
	return done && more;
}

/* ---------------------------------------------------------------- failing */

static long more_than(long before)
{
#ifdef ALLOCATIONS_SANITIZED
	(void)before;
	return 0;
#else
	return atomic_load(&allocations.live) - before;
#endif
}

static void fail_each(bool (*once)(bool *), bool on, const char *what)
{
	bool ordinary = true, leaked = false, works = true;
	long number;

	for (number = 1;; number++) {
		bool good;

		long before = atomic_load(&allocations.live);

		allocations_fail(number, on);
		bool done = once(&good);
		long failed = allocations_give_back();
		dlerror(); /* keeps its last text */
		dlerror();
		long more = more_than(before);
		if (more != 0)
			diag("%s %ld: %ld blocks leak", what, number, more);
		if (!good && ordinary)
			diag("%s %ld: not said: %s", what, number, lines.text);
		leaked = leaked || more != 0;
		ordinary = ordinary && good;
		lines.len = 0;
		if (failed == 0) {
			works = done && good;
			break;
		}
	}
	const char *way = on ? "all from one on fail" : "one fails";
	ok(number > 10, "%s: of %ld allocations %s", what, number - 1, way);
	ok(ordinary, "%s: what cannot be done is said, when %s", what, way);
	ok(!leaked, "%s: nothing leaks, when %s", what, way);
	ok(works, "%s: it works once there is memory, after %s", what, way);
	char name[64];
	snprintf(name, sizeof(name), "host_memory_%s_%s", what,
		 on ? "on" : "once");
	figure(name, "%ld", number - 1);
}

int main(void)
{
	bool good;

	folder = folder_new();
	plugin_copy(folder, "behave", "demo");
	write_text(folder, "host.conf",
		   "host: { plugin_dir = \".\"; demo_agents = [\"bob\"]; };\n"
		   "demo: { required = true; };\n");
	inside(folder, "host.conf", config);
	lines_callbacks(&lines);
	/* what libraries keep for ever */
	live(&good);
	check(&good);
	print(&good);
	for (int on = 0; on < 2; on++) {
		fail_each(live, on, "life");
		fail_each(check, on, "check");
		fail_each(print, on, "print");
	}
	folder_free(folder);
	return tap_done();
}
