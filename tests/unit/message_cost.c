/* message_cost - what a message may cost: a bounded stack, and time that grows
 * with its length alone, however it is made. Prints the cost of a usual one. */
#include "../decode.h"
#include "../tap.h"

#include <pthread.h>
#include <time.h>

enum { LARGE = 1 << 20, STACK = 64 * 1024 };

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A message of about 1 MB, in which a text is repeated in one place. */
static char *fill(const char *before, const char *text, const char *after)
{
	struct buf buf;

	buf_init(&buf, 2 * LARGE);
	buf_add_string(&buf, "{\"requestId\":\"r\",\"body\":{\"triggerType\":"
			     "\"logForm\",");
	buf_add_string(&buf, before);
	while (buf.len < LARGE)
		buf_add_string(&buf, text);
	buf_add_string(&buf, after);
	return buf_take(&buf, NULL);
}

/* Each of these made some way of reading it slow. A megabyte of usual JSON
 * takes some milliseconds, and ten times that without optimisation; what grows
 * with the square would take minutes. */
static void hostile(void)
{
	static const struct {
		const char *name, *before, *text, *after;
	} shapes[] = {
	    {"a call of 100,000 members", "\"call\":{\"sessionId\":\"7\"",
	     ",\"m\":1", "}}}"},
	    {"a body of 100,000 members", "\"call\":{\"sessionId\":\"7\"}",
	     ",\"m\":1", "}}"},
	    {"a form of 100,000 members",
	     "\"call\":{\"sessionId\":\"7\"},\"formData\":{\"a\":1",
	     ",\"note\":1", "}}}"},
	    {"100,000 contacts to pick from",
	     "\"formData\":{\"contactId\":\"x\"},\"call\":{\"sessionId\":\"7\","
	     "\"fromMatches\":[{}",
	     ",{\"id\":1}", "]}}}"},
	    {"100,000 tokens", "\"call\":{\"sessionId\":\"7\"},\"x\":\"",
	     "access_token=S ", "\"}}"},
	    {"tokens within tokens", "\"call\":{\"sessionId\":\"7\"},\"x\":\"",
	     "access_access_token=S&token=S ", "\"}}"},
	    {"names that never become a token",
	     "\"call\":{\"sessionId\":\"7\"},\"x\":\"", "access_toke", "\"}}"},
	    {"percent signs without an end",
	     "\"call\":{\"sessionId\":\"7\"},\"x\":\"", "%2525252525", "\"}}"},
	    {"quotes after a token's name",
	     "\"call\":{\"sessionId\":\"7\"},\"x\":\"", "access_token''''",
	     "\"}}"},
	    {"100,000 tokens as members", "\"call\":{\"sessionId\":\"7\"}",
	     ",\"access_token\":1", "}}"},
	    {"escapes", "\"call\":{\"sessionId\":\"7\"},\"x\":\"",
	     "\\uD83D\\uDE00", "\"}}"},
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		char *message =
		    fill(shapes[i].before, shapes[i].text, shapes[i].after);
		struct message_log log;
		double start = seconds();
		bool decoded = decode_log(message, &log, NULL);
		double took = seconds() - start;

		ok(decoded && took < 5, "%s take a moment", shapes[i].name);
		diag("%s: %.1f ms", shapes[i].name, took * 1e3);
		message_log_free(&log);
		free(message);
	}
}

static void *decode_deepest(void *data)
{
	struct message_origin origin = decode_origin();
	struct message_log log;
	struct buf buf;
	bool *decoded = data;

	buf_init(&buf, 4096);
	buf_add_string(&buf, "{\"requestId\":\"r\",\"body\":{\"call\":{"
			     "\"sessionId\":\"7\",\"x\":\"?access_token=S\","
			     "\"deep\":");
	for (int i = 3; i < MESSAGE_DEPTH_MAX; i++)
		buf_add_string(&buf, "[");
	for (int i = 3; i < MESSAGE_DEPTH_MAX; i++)
		buf_add_string(&buf, "]");
	buf_add_string(&buf, "}}}");
	origin.keep_body = MESSAGE_BODY_ALL;
	*decoded = message_decode_log(buf.bytes, buf.len, &origin, &log, NULL);
	message_log_free(&log);
	buf_free(&buf);
	return NULL;
}

static void small_stack(void)
{
	bool decoded = false;
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	if (!pthread_create(&thread, &attributes, decode_deepest, &decoded))
		pthread_join(thread, NULL);
	pthread_attr_destroy(&attributes);
	ok(decoded, "the deepest message is decoded on a stack of 64 kB");
}

static void usual(void)
{
	enum { ROUNDS = 2000 };
	struct message_origin origin = decode_origin();
	char message[8192];
	FILE *file = fopen("tests/messages/constructed/"
			   "08-inbound-calllogsync-recording.json",
			   "rb");
	size_t len = file ? fread(message, 1, sizeof(message), file) : 0;
	int decoded = 0;

	if (file)
		fclose(file);
	origin.keep_body = MESSAGE_BODY_FINAL;
	double start = seconds();
	for (int i = 0; i < ROUNDS; i++) {
		struct message_log log;
		decoded +=
		    message_decode_log(message, len, &origin, &log, NULL);
		message_log_free(&log);
	}
	double took = seconds() - start;
	ok(decoded == ROUNDS, "a record of the widget is decoded");
	figure("message_bytes", "%zu", len);
	figure("message_decode_us", "%.2f", took / ROUNDS * 1e6);
}

int main(void)
{
	hostile();
	small_stack();
	usual();
	return tap_done();
}
