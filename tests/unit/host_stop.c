/* host_stop - the end of a host: drained, given up, or with a plugin that will
 * not end; a process that forked; and two hosts in one process. */
#include "../tap.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "host_fixture.h"

static char *folder;

/* What became of a message that was submitted. */
struct fate {
	atomic_int count;
	atomic_int status;
};

static void fate_done(void *context, enum crm_status status, const char *body,
		      size_t body_len)
{
	struct fate *fate = context;

	(void)body;
	(void)body_len;
	fate->status = (int)status;
	fate->count++;
}

static enum crm_status submit(struct crm_runtime *runtime, const char *path,
			      struct fate *fate)
{
	char body[100], why[200];
	struct crm_message message = {"", "bob", 0, body, 0, 0};

	message.body_len =
	    (size_t)snprintf(body, sizeof(body), "{\"path\":\"%s\"}", path);
	fate->count = 0;
	return crm_host_submit(runtime, &message, fate_done, fate, why,
			       sizeof(why));
}

static void test_clean(void)
{
	struct crm_runtime *runtime = host_run(folder, "demo: { };", NULL);
	char answer[512], why[200];
	struct fate fate;

	ok(submit(runtime, "/thread", &fate) == CRM_OK,
	   "a message is accepted before the stop");
	ok(crm_host_stop(runtime, 5000) == CRM_OK, "a host stops");
	ok(fate.count == 1 && fate.status == CRM_OK,
	   "what was accepted was answered");
	ok(host_call(runtime, "/inside", 0, answer) == CRM_STOPPING,
	   "a message after the stop is refused");
	is(answer, "the host is stopping", "in a sentence");
	ok(host_call(runtime, "/nobody", 0, answer) == CRM_STOPPING,
	   "whoever would have taken it");
	ok(crm_host_stop(runtime, 5000) == CRM_OK,
	   "a second stop does nothing");
	ok(crm_host_start(runtime, why, sizeof(why)) == CRM_FAILED,
	   "and a host does not start again");
	crm_host_close(runtime);
	crm_host_close(NULL);
	ok(true, "closing nothing is allowed");
}

static void test_unstarted(void)
{
	char path[PATH_MAX], why[500], answer[512];
	struct crm_runtime *runtime;

	write_text(folder, "host.conf",
		   "host: { plugin_dir = \".\"; };\ndemo: { };\n");
	runtime = crm_host_open(inside(folder, "host.conf", path), NULL, why,
				sizeof(why));
	ok(host_call(runtime, "/inside", 0, answer) == CRM_FAILED,
	   "a host that was not started takes no message");
	is(answer, "the host was not started", "and says why");
	ok(crm_host_stop(runtime, 100) == CRM_OK, "it can be stopped");
	crm_host_close(runtime);
}

static void test_given_up(void)
{
	struct lines lines;
	struct crm_host_callbacks callbacks = lines_callbacks(&lines);
	struct crm_runtime *runtime =
	    host_run(folder, "demo: { };", &callbacks);
	struct fate fates[3];

	for (int i = 0; i < 3; i++)
		submit(runtime, "/hold", &fates[i]);
	ok(crm_host_stop(runtime, 1000) == CRM_TIMEOUT,
	   "a plugin that gives up work says so");
	ok(fates[0].status == CRM_STOPPING && fates[0].count == 1 &&
	       fates[2].status == CRM_STOPPING && fates[2].count == 1,
	   "and answers it");
	crm_host_close(runtime);

	runtime = host_run(folder, "demo: { forget = true; };", &callbacks);
	for (int i = 0; i < 3; i++)
		submit(runtime, "/hold", &fates[i]);
	ok(crm_host_stop(runtime, 1000) == CRM_TIMEOUT,
	   "a plugin that forgets its work is found out");
	ok(fates[0].status == CRM_STOPPING && fates[0].count == 1 &&
	       fates[1].count == 1 && fates[2].count == 1,
	   "and answered for");
	ok(lines_have(&lines, "warn demo: plugin left 3 requests unanswered "
			      "when it stopped\n"),
	   "with one line in the log");
	crm_host_close(runtime);
}

static bool is_mapped(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[PATH_MAX + 200];
	bool found = false;

	while (maps && fgets(line, sizeof(line), maps))
		found = found || strstr(line, name) != NULL;
	if (maps)
		fclose(maps);
	return found;
}

/* The thread goes on calling the host; that the process lives is the test. */
static void test_stubborn(void)
{
	static struct lines lines;
	struct crm_host_callbacks callbacks = lines_callbacks(&lines);
	struct crm_runtime *runtime;
	struct fate fate;
	uint64_t start;

	plugin_copy(folder, "behave", "stubborn");
	plugin_copy(folder, "cjson_user", "other");
	runtime = host_run(
	    folder, "stubborn: { stubborn = true; };\nother: { };", &callbacks);
	submit(runtime, "/hold", &fate);
	ok(crm_host_stop(runtime, 50) == CRM_BUSY,
	   "a plugin whose thread will not end is told of");
	ok(lines_have(&lines, "error stubborn: plugin has 1 thread that will "
			      "not end; leaving it loaded\n"),
	   "in the log");
	ok(fate.count == 1 && fate.status == CRM_STOPPING,
	   "what it had accepted is answered for it");
	/* From here on its thread talks to the host all the time. */
	start = now_ms();
	while (lines_count(&lines, "still here") < 3 &&
	       now_ms() - start < 20000)
		sched_yield();
	ok(lines_have(&lines, "still here"), "its thread lives on");
	crm_host_close(runtime);
	ok(is_mapped("/stubborn.so"), "it stays loaded when the host closes");
	ok(!is_mapped("/other.so"), "the other plugin does not");
	pthread_mutex_lock(&lines.mutex);
	lines.len = 0;
	lines.text[0] = '\0';
	pthread_mutex_unlock(&lines.mutex);
	start = now_ms();
	while (now_ms() - start < 100)
		sched_yield();
	ok(lines_count(&lines, "still here") == 0,
	   "and the closed host's callbacks are called no more");
}

/* -------------------------------------------------------------------- fork */

static int child_of_fork(struct crm_runtime *runtime)
{
	char answer[512];
	struct fate fate;

	alarm(20); /* a child that hangs dies of it */
	if (host_call(runtime, "/inside", 0, answer) != CRM_UNSUPPORTED)
		return 2;
	if (strcmp(answer, "the host was started in another process, before a "
			   "fork") != 0)
		return 3;
	if (submit(runtime, "/thread", &fate) != CRM_UNSUPPORTED)
		return 4;
	if (crm_host_next_post(runtime))
		return 5;
	if (crm_host_status(runtime, answer, sizeof(answer)) == 0)
		return 7;
	if (crm_host_stop(runtime, 1000) != CRM_UNSUPPORTED)
		return 6;
	crm_host_close(runtime);
	return 0;
}

static int in_child(int (*run)(struct crm_runtime *runtime),
		    struct crm_runtime *runtime)
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		_exit(run(runtime));
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + status;
}

/* Started in the child, as a preforking server does. */
static int start_in_child(struct crm_runtime *runtime)
{
	char why[500], answer[512];

	alarm(20);
	if (crm_host_start(runtime, why, sizeof(why)) != CRM_OK)
		return 2;
	if (host_call(runtime, "/thread", 0, answer) != CRM_OK)
		return 3;
	if (crm_host_stop(runtime, 1000) != CRM_OK)
		return 4;
	crm_host_close(runtime);
	return 0;
}

static void test_fork(void)
{
	struct crm_runtime *runtime = host_run(folder, "demo: { };", NULL);
	char path[PATH_MAX], why[500], answer[512];
	int code = in_child(child_of_fork, runtime);

	ok(code == 0, "a forked process is refused, and does not hang (%d)",
	   code);
	ok(host_call(runtime, "/thread", 0, answer) == CRM_OK,
	   "the process that started the host goes on");
	crm_host_close(runtime);

	runtime = crm_host_open(inside(folder, "host.conf", path), NULL, why,
				sizeof(why));
	code = in_child(start_in_child, runtime);
	ok(code == 0, "a host opened before a fork starts after it (%d)", code);
	code = in_child(start_in_child, runtime);
	ok(code == 0, "in each child (%d)", code);
	crm_host_close(runtime);
}

/* --------------------------------------------------------------------- two */

static void test_two(void)
{
	struct lines lines[2];
	struct crm_host_callbacks callbacks[2] = {lines_callbacks(&lines[0]),
						  lines_callbacks(&lines[1])};
	struct crm_runtime *one, *two;
	char answer[512];

	one = host_run(folder, "demo: { size = 1; };", &callbacks[0]);
	two = host_run(folder, "demo: { size = 2; };", &callbacks[1]);
	ok(one && two, "two hosts run in one process");
	is(crm_host_setting(one, "demo", "size"), "1", "with settings each");
	host_call(one, "/twice", 0, answer);
	ok(lines_count(&lines[0], " twice") == 1 &&
	       lines_count(&lines[1], " twice") == 0,
	   "and a log each");
	ok(host_call(two, "/post", 0, answer) == CRM_OK &&
	       !crm_host_next_post(one),
	   "and posts each");
	ok(crm_host_stop(one, 1000) == CRM_OK &&
	       host_call(one, "/thread", 0, answer) == CRM_STOPPING &&
	       host_call(two, "/thread", 0, answer) == CRM_OK,
	   "one stops and the other goes on");
	crm_host_close(one);
	ok(host_call(two, "/thread", 0, answer) == CRM_OK,
	   "also when the first is closed");
	crm_host_close(two);
}

/* ------------------------------------------------------------------- storm */

enum { THREADS = 4, ROUNDS = 50 };

struct storm {
	struct crm_runtime *runtime;
	atomic_long accepted, answered;
	atomic_bool end;
};

static void storm_done(void *context, enum crm_status status, const char *body,
		       size_t body_len)
{
	struct storm *storm = context;

	(void)status;
	(void)body;
	(void)body_len;
	storm->answered++;
}

static void *storm_thread(void *argument)
{
	struct storm *storm = argument;
	static const char *const bodies[] = {"{\"path\":\"/inside\"}",
					     "{\"path\":\"/thread\"}",
					     "{\"path\":\"/hold\"}"};
	enum crm_status status = CRM_OK;

	for (unsigned i = 0; status != CRM_STOPPING; i++) {
		const char *body = bodies[i % 3];
		const struct crm_message message = {"",   "bob",        0,
						    body, strlen(body), 0};
		char why[100];

		status = crm_host_submit(storm->runtime, &message, storm_done,
					 storm, why, sizeof(why));
		if (status == CRM_OK)
			storm->accepted++;
	}
	return NULL;
}

/* Stopped in the middle of it, as soon as some were answered. */
static void test_stop_under_load(void)
{
	int unanswered = 0, busy = 0, left = 0;
	struct lines *lines = calloc(1, sizeof(*lines));

	for (int round = 0; round < ROUNDS; round++) {
		struct crm_host_callbacks callbacks = lines_callbacks(lines);
		struct storm storm = {.accepted = 0};
		pthread_t threads[THREADS];
		enum crm_status status;

		storm.runtime = host_run(
		    folder,
		    round % 2 ? "demo: { };" : "demo: { forget = true; };",
		    &callbacks);
		for (int i = 0; i < THREADS; i++)
			pthread_create(&threads[i], NULL, storm_thread, &storm);
		while (storm.answered < 100)
			sched_yield();
		status = crm_host_stop(storm.runtime, 10000);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		busy += status != CRM_OK && status != CRM_TIMEOUT;
		crm_host_close(storm.runtime);
		unanswered += storm.accepted != storm.answered;
		left += round % 2 && lines_count(lines, "unanswered") > 0;
	}
	ok(unanswered == 0,
	   "stopped %d times under load, each accepted message was answered "
	   "once",
	   ROUNDS);
	ok(busy == 0 && left == 0,
	   "and the plugin itself answered all, where it does not forget");
	free(lines);
}

int main(void)
{
	folder = folder_new();
	plugin_copy(folder, "behave", "demo");
	test_clean();
	test_unstarted();
	test_given_up();
	test_fork();
	test_two();
	test_stop_under_load();
	test_stubborn();
	folder_free(folder);
	return tap_done();
}
