/* host_run - messages through a running host: routing, answers on any thread,
 * deadlines, and everything a plugin can do wrong with them. */
#include "../tap.h"

#include <dirent.h>
#include <signal.h>
#include <stdatomic.h>

#include "host_fixture.h"

static char *folder;

/* ------------------------------------------------------------------- calls */

static enum crm_status call(struct crm_runtime *runtime, const char *message,
			    char answer[512], size_t *len)
{
	return crm_host_call(runtime, "acme", "bob", message, strlen(message),
			     1700000000123, 0, answer, 512, len);
}

static void test_routing(struct crm_runtime *runtime)
{
	char answer[512], small[5];
	size_t len = 0;
	const char *text = "{\"type\":\"rc-post-message-request\","
			   "\"path\":\"/inside\"}";

	ok(call(runtime, text, answer, &len) == CRM_OK, "a call is answered");
	is(answer,
	   "acme|bob|/inside|1700000000123|{\"type\":\"rc-post-message-request"
	   "\",\"path\":\"/inside\"}",
	   "the plugin gets account, agent, path, time and the whole message");
	ok(len == strlen(answer), "and the answer's length is told");
	ok(crm_host_call(runtime, NULL, "bob", text, strlen(text), 0, 0, small,
			 sizeof(small), &len) == CRM_OK &&
	       strcmp(small, "|bob") == 0 && len > 50,
	   "a small buffer gets a part, and the length of the whole");
	ok(crm_host_call(runtime, "", "bob", text, strlen(text), 0, 0, NULL, 0,
			 NULL) == CRM_OK,
	   "a caller may do without the answer");
	ok(call(runtime, "{\"type\":\"rc-login-status-notify\"}", answer,
		&len) == CRM_OK &&
	       strstr(answer, "|rc-login-status-notify|"),
	   "a message without a path goes by its type");
	ok(call(runtime, "{\"type\":\"rc-login-status-notify\",\"path\":null}",
		answer, &len) == CRM_OK,
	   "a path of null is no path");
	ok(call(runtime, "{\"path\":\"/ins\\u0069de\"}", answer, &len) ==
	       CRM_OK,
	   "a path may be written with escapes");
	ok(call(runtime, "{\"path\":\"/nobody\"}", answer, &len) ==
	       CRM_UNSUPPORTED,
	   "a path that nobody takes is refused");
	is(answer, "no plugin takes the path '/nobody'", "in a sentence");
	ok(call(runtime, "{\"path\":\"rc-login-status-notify\"}", answer,
		&len) == CRM_UNSUPPORTED,
	   "a path is not mistaken for a type");
	ok(call(runtime, "{\"type\":\"/inside\"}", answer, &len) == CRM_OK &&
	       len == 0,
	   "nor a type for a path: a notification that nobody takes");
	ok(call(runtime, "{\"type\":\"rc-post-message-request\"}", answer,
		&len) == CRM_UNSUPPORTED,
	   "a request without a path is refused");
}

static void test_bad_messages(struct crm_runtime *runtime)
{
	static const struct {
		const char *message, *sentence;
	} bad[] = {
	    {"", "the message is empty"},
	    {"[]", "the message is not a JSON object"},
	    {"{\"path\":\"/inside\"", "the message is not a JSON object"},
	    {"{\"path\":\"/inside\"}{}", "the message is not a JSON object"},
	    {"{\"path\":5}", "member 'path' is not a string"},
	    {"{\"path\":\"\\u0000\"}", "member 'path' is not a string"},
	    {"{\"type\":5}", "member 'type' is not a string"},
	    {"{}", "the message has neither 'path' nor 'type'"},
	};
	char answer[512], *large = malloc(1024 * 1024 + 1);
	size_t wrong = 0, len;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (call(runtime, bad[i].message, answer, &len) !=
			CRM_BAD_REQUEST ||
		    strcmp(answer, bad[i].sentence) != 0) {
			diag("%s: %s", bad[i].message, answer);
			wrong++;
		}
	ok(wrong == 0, "a bad message is refused with a sentence");
	memset(large, ' ', 1024 * 1024 + 1);
	memcpy(large, "{\"path\":\"/config\"}", 18);
	ok(crm_host_call(runtime, "", "bob", large, 1024 * 1024, 0, 0, answer,
			 512, &len) == CRM_OK,
	   "a message of max_message_kb is taken");
	ok(crm_host_call(runtime, "", "bob", large, 1024 * 1024 + 1, 0, 0,
			 answer, 512, &len) == CRM_BAD_REQUEST &&
	       strcmp(answer, "the message is 1048577 bytes long, allowed are "
			      "1048576") == 0,
	   "a larger one is refused");
	free(large);
	ok(crm_host_call(runtime, "", "", "{\"path\":\"/inside\"}", 18, 0, 0,
			 answer, 512, &len) == CRM_BAD_REQUEST &&
	       crm_host_call(runtime, "", NULL, "{\"path\":\"/inside\"}", 18, 0,
			     0, answer, 512, &len) == CRM_BAD_REQUEST,
	   "a message without an agent is refused");
}

static void test_answers(struct crm_runtime *runtime, struct lines *lines)
{
	char answer[512];

	ok(host_call(runtime, "/thread", 0, answer) == CRM_OK &&
	       strcmp(answer, "\"thread\"") == 0,
	   "a plugin may answer from a thread of its own");
	ok(host_call(runtime, "/refuse", 0, answer) == CRM_BUSY,
	   "a plugin may refuse");
	is(answer, "the plugin 'demo' refused the message: busy",
	   "and the caller learns who");
	ok(host_call(runtime, "/nonsense", 0, answer) == CRM_FAILED,
	   "a status that does not exist is a failure");
	ok(host_call(runtime, "/strange-status", 0, answer) == CRM_FAILED &&
	       answer[0] == '\0',
	   "also in an answer, whose missing body is empty");
	ok(host_call(runtime, "/twice", 0, answer) == CRM_OK &&
	       strstr(answer, "/twice"),
	   "of two answers the first counts");
	ok(lines_have(lines, "warn demo: plugin answered request ") &&
	       lines_have(lines, " twice\n"),
	   "and the second is logged");
	ok(host_call(runtime, "/both", 0, answer) == CRM_OK &&
	       lines_have(lines, "which was answered already\n"),
	   "an answer to a refused message counts, and is logged");
	ok(host_call(runtime, "/stranger", 0, answer) == CRM_OK &&
	       lines_have(lines, "warn demo: plugin answered request 987654, "
				 "which does not wait\n"),
	   "an answer to no request is logged and dropped");
	host_call(runtime, "/log", 0, answer);
	ok(lines_have(lines, "info demo: one line [0m\n"),
	   "a line of a plugin's stays one line, without control characters");
	ok(host_call(runtime, "/config", 0, answer) == CRM_OK &&
	       strcmp(answer, "closed") == 0,
	   "the configuration is closed after create()");
}

static void test_deadlines(struct crm_runtime *runtime, struct lines *lines)
{
	char answer[512];
	uint64_t start = now_ms(), after;

	ok(host_call(runtime, "/hold", 150, answer) == CRM_TIMEOUT,
	   "a plugin that does not answer is answered for");
	after = now_ms() - start;
	is(answer, "no answer within the deadline", "in a sentence");
	ok(after >= 150 && after < 5000, "not before the deadline, and soon");
	figure("answer after a deadline of 150 ms, ms", "%llu",
	       (unsigned long long)after);
	ok(host_call(runtime, "/release", 0, answer) == CRM_OK &&
	       lines_have(lines, " after its deadline\n"),
	   "the late answer is logged and dropped");
}

/* ------------------------------------------------------------------ rivals */

/* Two plugins that want the same; the first of the file has it. */
static void test_rivals(void)
{
	struct lines lines;
	struct crm_host_callbacks callbacks = lines_callbacks(&lines);
	struct crm_runtime *runtime =
	    host_run(folder, "demo: { };\nrival: { };", &callbacks);
	char answer[512], buf[2000];

	ok(lines_have(&lines, "error rival: cannot route to the plugin: path "
			      "'/inside' is taken by another plugin\n"),
	   "a path that is taken is told of");
	ok(host_call(runtime, "/inside", 0, answer) == CRM_OK &&
	       strcmp(answer, "rival") != 0,
	   "and stays with the first plugin");
	ok(host_call(runtime, "/rival", 0, answer) == CRM_OK &&
	       strcmp(answer, "rival") == 0,
	   "another path goes to the second");
	ok(lines_count(&lines, "rival is created") == 1,
	   "a plugin is heard once, not when it only describes itself");
	ok(lines_count(&lines, "rival posts") == 0,
	   "and posts nothing before the start, nor what is no message");
	crm_host_service(runtime, buf, sizeof(buf));
	is(buf,
	   "{\"name\":\"Behave\",\"callLoggerPath\":\"/inside\",\"info\":5}",
	   "of equal members of the service the first counts");
	crm_host_status(runtime, buf, sizeof(buf));
	ok(strstr(buf, "\"name\":\"rival\"") &&
	       strstr(buf, "\"health\":null}]}"),
	   "a health that is no JSON object is left out");
	crm_host_close(runtime);
}

static void keep_status(void *context, enum crm_status status, const char *body,
			size_t body_len)
{
	(void)body;
	(void)body_len;
	atomic_store((atomic_int *)context, (int)status);
}

/* The first request of a host has the id 1, and is the first plugin's. */
static void test_thief(void)
{
	struct lines lines;
	struct crm_host_callbacks callbacks = lines_callbacks(&lines);
	struct crm_runtime *runtime =
	    host_run(folder, "demo: { };\nrival: { };", &callbacks);
	const struct crm_message message = {
	    "", "bob", 0, "{\"path\":\"/hold\"}", 16, 0};
	atomic_int held = CRM_FAILED;
	char answer[512], why[100];

	crm_host_submit(runtime, &message, keep_status, &held, why,
			sizeof(why));
	host_call(runtime, "/rival", 0, answer);
	ok(held == CRM_FAILED &&
	       lines_have(&lines, "warn rival: plugin answered request 1, "
				  "which is another plugin's\n"),
	   "a plugin cannot answer another plugin's request");
	host_call(runtime, "/release", 0, answer);
	ok(held == CRM_OK, "which the other still can");
	crm_host_close(runtime);
}

/* Half of them in a jumble of short deadlines, and a long one after each. */
static void test_deadline_order(struct crm_runtime *runtime)
{
	enum { COUNT = 200 };
	atomic_int statuses[COUNT];
	char answer[512], why[100], status[2000];
	uint64_t start = now_ms();
	int passed = 0, early = 0;

	for (unsigned i = 0; i < COUNT; i++) {
		const struct crm_message message = {
		    "", "bob",
		    0,  "{\"path\":\"/hold\"}",
		    16, i % 2 ? 1 + (i * 37) % 100 : 60000};

		statuses[i] = CRM_FAILED;
		crm_host_submit(runtime, &message, keep_status, &statuses[i],
				why, sizeof(why));
	}
	do {
		host_call(runtime, "/inside", 0, answer);
		crm_host_status(runtime, status, sizeof(status));
	} while (!strstr(status, "{\"waiting\":100,") &&
		 now_ms() - start < 20000);
	for (int i = 0; i < COUNT; i++) {
		passed += i % 2 && statuses[i] == CRM_TIMEOUT;
		early += i % 2 == 0 && statuses[i] != CRM_FAILED;
	}
	ok(passed == COUNT / 2 && early == 0,
	   "of %d requests those are given up whose deadline has passed",
	   COUNT);
	host_call(runtime, "/release", 0, answer);
}

/* ------------------------------------------------------------------- posts */

struct posts {
	atomic_int count;
	char last[200];
};

static enum crm_status take_post(void *context, const char *account,
				 const char *agent, const char *body,
				 size_t body_len)
{
	struct posts *posts = context;

	snprintf(posts->last, sizeof(posts->last), "%s|%s|%.*s", account, agent,
		 (int)body_len, body);
	posts->count++;
	return CRM_OK;
}

static void test_posts(void)
{
	struct posts posts = {.count = 0};
	const struct crm_host_callbacks callbacks = {&posts, NULL, take_post};
	struct crm_runtime *runtime =
	    host_run(folder, "demo: { };", &callbacks);
	char answer[512], message[100];
	struct crm_post *post;
	size_t count = 0, len;

	host_call(runtime, "/post", 0, answer);
	ok(posts.count == 1, "what a plugin posts reaches the host's callback");
	is(posts.last, "acme|bob|{\"path\": \"/post\"}", "as it was posted");
	crm_host_close(runtime);

	runtime = host_run(folder, "demo: { };", NULL);
	ok(!crm_host_next_post(runtime), "without a callback posts queue up");
	for (int i = 0; i < 1010; i++) {
		snprintf(message, sizeof(message),
			 "{\"path\":\"/post\",\"n\":%d}", i);
		call(runtime, message, answer, &len);
	}
	post = crm_host_next_post(runtime);
	ok(post && strcmp(post->account, "acme") == 0 &&
	       strcmp(post->agent, "bob") == 0 &&
	       post->body_len == strlen(post->body),
	   "and can be fetched");
	is(post ? post->body : NULL, "{\"path\":\"/post\",\"n\":10}",
	   "the newest 1,000 are kept");
	while (post) {
		crm_host_post_free(post);
		count++;
		post = crm_host_next_post(runtime);
	}
	ok(count == 1000, "and no more");
	host_call(runtime, "/post", 0, answer);
	crm_host_close(runtime);
}

/* ------------------------------------------------------------------ submit */

/* A chain of messages: each answer submits the next, as no lock is held. */
struct chain {
	struct crm_runtime *runtime;
	const struct crm_message *message;
	int left;
};

static void chain_done(void *context, enum crm_status status, const char *body,
		       size_t body_len)
{
	struct chain *chain = context;
	char why[100];

	(void)body;
	(void)body_len;
	if (status == CRM_OK && --chain->left > 0)
		crm_host_submit(chain->runtime, chain->message, chain_done,
				chain, why, sizeof(why));
}

static void test_chain(struct crm_runtime *runtime)
{
	const struct crm_message message = {
	    "", "bob", 0, "{\"path\":\"/inside\"}", 18, 0};
	struct chain chain = {runtime, &message, 100};

	chain_done(&chain, CRM_OK, "", 0);
	ok(chain.left == 0, "an answer may submit the next message");
}

/* A plugin that loses everything cannot fill the memory. */
static void test_flood(void)
{
	struct lines lines;
	struct crm_host_callbacks callbacks = lines_callbacks(&lines);
	struct crm_runtime *runtime =
	    host_run(folder, "demo: { };", &callbacks);
	const struct crm_message message = {
	    "", "bob", 0, "{\"path\":\"/lose\"}", 16, 600000};
	enum crm_status status = CRM_OK;
	atomic_int last = CRM_OK;
	char why[100] = "";
	int accepted = -1;

	while (status == CRM_OK && accepted < 1000000) {
		accepted++;
		status = crm_host_submit(runtime, &message, keep_status, &last,
					 why, sizeof(why));
	}
	ok(status == CRM_BUSY && accepted == 131072,
	   "no more than 131,072 requests wait");
	is(why, "too many messages wait", "and the next one learns why");
	ok(crm_host_stop(runtime, 1000) == CRM_TIMEOUT && last == CRM_STOPPING,
	   "all of them are answered when the host stops");
	crm_host_close(runtime);
}

/* ------------------------------------------------------------------- storm */

enum { THREADS = 8, EACH = 2500 };

struct storm {
	struct crm_runtime *runtime;
	atomic_int answered[THREADS * EACH];
	atomic_int done, accepted, refused, wrong, timeouts;
	atomic_int next;
};

struct storm_message {
	struct storm *storm;
	int number;
};

static void storm_done(void *context, enum crm_status status, const char *body,
		       size_t body_len)
{
	struct storm_message *message = context;
	struct storm *storm = message->storm;

	if (status == CRM_TIMEOUT)
		storm->timeouts++;
	else if (status != CRM_OK || body_len == 0 || !body)
		storm->wrong++;
	storm->answered[message->number]++;
	storm->done++;
	free(message);
}

/* A third is answered inside submit(), a third from the plugin's thread, and a
 * third of those has a deadline that is likely to pass at the same moment. */
static void *storm_thread(void *argument)
{
	struct storm *storm = argument;
	int thread = storm->next++;

	for (int i = 0; i < EACH; i++) {
		struct storm_message *mine = malloc(sizeof(*mine));
		const char *body = i % 3 == 0 ? "{\"path\":\"/inside\"}"
					      : "{\"path\":\"/thread\"}";
		const struct crm_message message = {
		    "", "bob", 0, body, strlen(body), i % 9 == 1 ? 1u : 0u,
		};
		char why[100];

		mine->storm = storm;
		mine->number = thread * EACH + i;
		if (crm_host_submit(storm->runtime, &message, storm_done, mine,
				    why, sizeof(why)) == CRM_OK) {
			storm->accepted++;
		} else {
			storm->refused++;
			free(mine);
		}
	}
	return NULL;
}

static void test_storm(struct crm_runtime *runtime, struct lines *lines)
{
	struct storm *storm = calloc(1, sizeof(*storm));
	pthread_t threads[THREADS];
	uint64_t start = now_ms();
	int once = 0, twice = 0;
	char status[2000];

	storm->runtime = runtime;
	lines->len = 0;
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, storm_thread, storm);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	while (storm->done < storm->accepted && now_ms() - start < 60000) {
		const struct timespec pause = {0, 1000000};

		nanosleep(&pause, NULL);
	}
	for (int i = 0; i < THREADS * EACH; i++) {
		once += storm->answered[i] == 1;
		twice += storm->answered[i] > 1;
	}
	ok(once == storm->accepted && twice == 0 && storm->wrong == 0,
	   "of %d messages from %d threads each accepted one is answered once",
	   THREADS * EACH, THREADS);
	ok(storm->accepted + storm->refused == THREADS * EACH &&
	       storm->accepted > EACH,
	   "and each other one is refused");
	diag("accepted %d, refused %d, timed out %d, %llu ms", storm->accepted,
	     storm->refused, storm->timeouts,
	     (unsigned long long)(now_ms() - start));
	crm_host_status(runtime, status, sizeof(status));
	ok(strstr(status, "{\"requests\":{\"waiting\":0,") == status,
	   "nothing waits after that");
	free(storm);
}

/* Threads other than the host's own; those that a signal could land on. */
static void count_threads(size_t *others, size_t *open_to_signals)
{
	struct dirent **tasks = NULL;
	int count = scandir("/proc/self/task", &tasks, NULL, NULL);

	*others = *open_to_signals = 0;
	for (int i = 0; i < count; i++) {
		char path[300], line[200];
		unsigned long long blocked = 0;
		FILE *file;

		snprintf(path, sizeof(path), "/proc/self/task/%.20s/status",
			 tasks[i]->d_name);
		file = strtol(tasks[i]->d_name, NULL, 10) == (long)getpid()
			   ? NULL
			   : fopen(path, "r");
		free(tasks[i]);
		if (!file)
			continue;
		while (fgets(line, sizeof(line), file))
			if (strncmp(line, "SigBlk:", 7) == 0)
				blocked = strtoull(line + 7, NULL, 16);
		fclose(file);
		(*others)++;
		*open_to_signals += !(blocked >> (SIGTERM - 1) & 1) ||
				    !(blocked >> (SIGCHLD - 1) & 1) ||
				    !(blocked >> (SIGPROF - 1) & 1);
	}
	free(tasks);
}

static void test_signals(void)
{
	size_t before, before_open, after, after_open;
	struct crm_runtime *runtime;
	uint64_t start;

	count_threads(&before, &before_open);
	runtime = host_run(folder, "demo: { };", NULL);
	count_threads(&after, &after_open);
	ok(after == before + 2 && after_open == before_open,
	   "no signal lands on a thread of the host's or of its plugin's");
	crm_host_close(runtime);
	/* A thread that was joined may be seen in /proc for a moment. */
	start = now_ms();
	do
		count_threads(&after, &after_open);
	while (after != before && now_ms() - start < 20000);
	ok(after == before, "and no thread is left behind");
}

static void test_reports(struct crm_runtime *runtime)
{
	char buf[2000], small[10];
	size_t len = crm_host_service(runtime, buf, sizeof(buf));

	is(buf, "{\"name\":\"Behave\",\"callLoggerPath\":\"/inside\"}",
	   "the service is what the plugins want registered");
	ok(len == strlen(buf) &&
	       crm_host_service(runtime, small, sizeof(small)) == len &&
	       strlen(small) == 9,
	   "cut to the caller's buffer, and counted");
	crm_host_status(runtime, buf, sizeof(buf));
	ok(strstr(buf, "\"plugins\":[{\"name\":\"demo\",\"state\":\"running\","
		       "\"id\":\"org.example.demo\",\"version\":\"1.0\","
		       "\"health\":{\"held\":0}}]}"),
	   "the status has the plugins and their own health");
	diag("%s", buf);
}

int main(void)
{
	static struct lines lines;
	struct crm_host_callbacks callbacks = lines_callbacks(&lines);
	struct crm_runtime *runtime;

	folder = folder_new();
	plugin_copy(folder, "behave", "demo");
	plugin_copy(folder, "rival", "rival");
	runtime = host_run(folder, "demo: { };", &callbacks);
	ok(runtime != NULL, "a host runs");
	test_routing(runtime);
	test_bad_messages(runtime);
	test_answers(runtime, &lines);
	test_deadlines(runtime, &lines);
	test_deadline_order(runtime);
	test_chain(runtime);
	test_storm(runtime, &lines);
	test_reports(runtime);
	crm_host_close(runtime);
	test_rivals();
	test_thief();
	test_flood();
	test_signals();
	test_posts();
	folder_free(folder);
	return tap_done();
}
