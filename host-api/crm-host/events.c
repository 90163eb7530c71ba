/* events - see events.h. */
#include "events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "utf8.h"

/* What the plugin answers is the widget's envelope around what the page asked
 * for. */
static void events_done(void *context, enum crm_status status, const char *body,
			size_t body_len)
{
	struct exchange *exchange = context;
	size_t len = 0;
	const char *data =
	    status == CRM_OK ? envelope_data(body, body_len, &len) : NULL;

	if (status != CRM_OK)
		answer_refusal(&exchange->answer, status, body, body_len);
	else if (data)
		answer_copy(&exchange->answer, data, len);
	else
		answer_refusal(&exchange->answer, CRM_FAILED, "", 0);
	exchange_resume(exchange);
}

/* The question, to free(); NULL: no memory. */
static char *write_question(const char *path, const char *cursor, size_t *len)
{
	char *body = NULL;
	FILE *out = open_memstream(&body, len);

	if (!out)
		return NULL;
	fputs("{\"type\":\"rc-post-message-request\","
	      "\"requestId\":\"events\"",
	      out);
	utf8_write_member(out, ",\"path\":", path);
	utf8_write_member(out, ",\"body\":{\"after\":", cursor);
	fputs("}}", out);
	if (fclose(out) == 0)
		return body;
	free(body);
	return NULL;
}

static void poll_events(struct exchange *exchange, const char *cursor)
{
	static const char none[] = "No plugin has events to ask for.";
	struct crm_runtime *runtime = exchange->server->runtime;
	struct crm_message message = {.account = exchange->who.account,
				      .agent = exchange->who.agent};
	char path[256], why[256] = "";
	char *question;
	enum crm_status status;

	if (!crm_host_events_path(runtime, path, sizeof path)) {
		answer_refusal(&exchange->answer, CRM_UNSUPPORTED, none,
			       sizeof none - 1);
		return;
	}
	question = write_question(path, cursor, &message.body_len);
	if (!question) {
		answer_take(&exchange->answer, NULL, 0);
		return;
	}
	message.body = question;
	exchange_suspend(exchange);
	status = crm_host_submit(runtime, &message, events_done, exchange, why,
				 sizeof why);
	free(question);
	if (status != CRM_OK) {
		answer_refusal(&exchange->answer, status, why, strlen(why));
		exchange_resume(exchange);
	}
}

void events_handle(struct exchange *exchange)
{
	const char *after = MHD_lookup_connection_value(
	    exchange->connection, MHD_GET_ARGUMENT_KIND, "after");
	const char *last;
	struct MHD_Response *response;

	if (exchange->server->settings->polled) {
		poll_events(exchange, after ? after : "");
		return;
	}
	/* the browser's own memory of a stream that was cut */
	if (identity_header(exchange->connection, "Last-Event-ID", &last) == 1)
		after = last;
	response = feed_stream(exchange->server->feed, exchange->connection,
			       exchange->who.account, exchange->who.agent,
			       after ? after : "");
	if (response)
		answer_events(&exchange->answer, response);
	else
		answer_refusal(&exchange->answer, CRM_BUSY, "", 0);
}
