/* http - what the page bridge asks of any host, in HTTP's words: the envelope
 * around a message, the events after a cursor, what each status is. It moves no
 * bytes over a network and knows nobody's session: the host does. */
#include "crm_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "text.h"

enum {
	STATUS_OK = 200,
	STATUS_EMPTY = 204,
	STATUS_CONFLICT = 409,
	SENTENCE_MAX = 1000,
	/* a byte of a sentence may become six */
	ERROR_MAX = SENTENCE_MAX * 6 + 200
};

/* ---------------------------------------------------------------- refusals */

/* What each status of the library is in HTTP. */
static const struct refusal {
	enum crm_status status;
	unsigned http;
	const char *code, *sentence;
} refusals[] = {
    {CRM_BAD_REQUEST, 400, "bad_request", "The message is not valid."},
    {CRM_BUSY, 503, "busy", "The host is busy; try again."},
    {CRM_TIMEOUT, 504, "timeout", "No answer came in time."},
    {CRM_STOPPING, 503, "stopping", "The host is stopping; try again."},
    {CRM_UNSUPPORTED, 404, "no_plugin", "No plugin takes this message."},
    {CRM_FAILED, 500, "failed", "The plugin failed; its log says why."},
};

static size_t write_error(const char *code, const char *sentence, size_t len,
			  char *buf, size_t cap)
{
	struct crm_text text = crm_text_in(buf, cap);

	crm_text_add(&text, "{\"error\":\"%s\",\"message\":", code);
	crm_text_json_bytes(&text, sentence, len);
	crm_text_add(&text, "}");
	return text.len;
}

unsigned crm_host_http_refusal(enum crm_status status, const char *sentence,
			       size_t sentence_len, char *buf, size_t cap)
{
	const struct refusal *found =
	    &refusals[sizeof refusals / sizeof *refusals - 1];

	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
		if (refusals[i].status == status)
			found = &refusals[i];
	if (sentence_len == 0) {
		sentence = found->sentence;
		sentence_len = strlen(sentence);
	}
	if (sentence_len > SENTENCE_MAX)
		sentence_len = SENTENCE_MAX;
	write_error(found->code, sentence, sentence_len, buf, cap);
	return found->http;
}

/* Who is to be answered. */
struct asker {
	crm_host_http_done *done;
	void *context;
};

static void refuse(const struct asker *asker, enum crm_status status,
		   const char *sentence, size_t len)
{
	char body[ERROR_MAX];
	unsigned http =
	    crm_host_http_refusal(status, sentence, len, body, sizeof body);

	asker->done(asker->context, http, body, strlen(body));
}

static void refuse_other_agent(const struct asker *asker)
{
	static const char sentence[] =
	    "Somebody else is signed in than the message expects.";
	char body[ERROR_MAX];

	write_error("other_agent", sentence, sizeof sentence - 1, body,
		    sizeof body);
	asker->done(asker->context, STATUS_CONFLICT, body, strlen(body));
}

/* A copy for as long as a plugin works on it. */
static struct asker *asker_new(const struct asker *asker)
{
	struct asker *copy = malloc(sizeof *copy);

	if (copy)
		*copy = *asker;
	else
		refuse(asker, CRM_FAILED, "The host is out of memory.", 26);
	return copy;
}

/* ---------------------------------------------------------------- messages */

static void message_done(void *context, enum crm_status status,
			 const char *body, size_t body_len)
{
	struct asker *asker = context;

	if (status != CRM_OK)
		refuse(asker, status, body, body_len);
	else
		asker->done(asker->context, body_len ? STATUS_OK : STATUS_EMPTY,
			    body, body_len);
	free(asker);
}

/* Hands the message over; what is refused at once is answered here. */
static void submit(struct crm_runtime *runtime,
		   const struct crm_message *message, crm_host_done *done,
		   const struct asker *asker)
{
	char why[256] = "";
	struct asker *copy = asker_new(asker);
	enum crm_status status;

	if (!copy)
		return;
	status = crm_host_submit(runtime, message, done, copy, why, sizeof why);
	if (status == CRM_OK)
		return;
	free(copy);
	refuse(asker, status, why, strlen(why));
}

void crm_host_http_message(struct crm_runtime *runtime, const char *account,
			   const char *agent, const char *body, size_t body_len,
			   crm_host_http_done *done, void *context)
{
	const struct asker asker = {done, context};
	struct crm_envelope envelope;
	struct crm_message message;
	char why[256] = "";

	if (!crm_envelope_read(&envelope, body, body_len, why, sizeof why)) {
		refuse(&asker, CRM_BAD_REQUEST, why, strlen(why));
		return;
	}
	if (!crm_envelope_is_for(&envelope, agent, account)) {
		refuse_other_agent(&asker);
		return;
	}
	message = (struct crm_message){.account = account,
				       .agent = agent,
				       .sent_at_ms = envelope.sent_at_ms,
				       .body = envelope.message,
				       .body_len = envelope.message_len};
	submit(runtime, &message, message_done, &asker);
}

/* ------------------------------------------------------------------ events */

/* What the plugin answers is the widget's envelope around what the page asked
 * for. */
static void events_done(void *context, enum crm_status status, const char *body,
			size_t body_len)
{
	struct asker *asker = context;
	size_t len = 0;
	const char *data =
	    status == CRM_OK ? crm_envelope_data(body, body_len, &len) : NULL;

	if (data)
		asker->done(asker->context, STATUS_OK, data, len);
	else if (status == CRM_OK)
		refuse(asker, CRM_FAILED, "", 0);
	else
		refuse(asker, status, body, body_len);
	free(asker);
}

static size_t write_question(const char *path, const char *after, char *buf,
			     size_t cap)
{
	struct crm_text text = crm_text_in(buf, cap);

	crm_text_add(&text, "{\"type\":\"rc-post-message-request\","
			    "\"requestId\":\"events\",\"path\":");
	crm_text_json(&text, path);
	crm_text_add(&text, ",\"body\":{\"after\":");
	crm_text_json(&text, after);
	crm_text_add(&text, "}}");
	return text.len;
}

void crm_host_http_events(struct crm_runtime *runtime, const char *account,
			  const char *agent, const char *after,
			  crm_host_http_done *done, void *context)
{
	static const char none[] = "No plugin has events to ask for.";
	const struct asker asker = {done, context};
	struct crm_message message = {.account = account, .agent = agent};
	char path[256];
	char *question;

	if (!crm_host_events_path(runtime, path, sizeof path)) {
		refuse(&asker, CRM_UNSUPPORTED, none, sizeof none - 1);
		return;
	}
	message.body_len = write_question(path, after, NULL, 0);
	question = malloc(message.body_len + 1);
	if (!question) {
		refuse(&asker, CRM_BUSY, "", 0);
		return;
	}
	write_question(path, after, question, message.body_len + 1);
	message.body = question;
	submit(runtime, &message, events_done, &asker);
	free(question);
}
