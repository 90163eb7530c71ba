/* exchange - see exchange.h.
 *
 * An exchange belongs to the HTTP library's thread. Only between
 * exchange_suspend() and exchange_resume() does its `answer` belong to whoever
 * answers. Suspending comes before submitting, so an answer that is given at
 * once, inside crm_host_submit(), only marks the connection to go on. The
 * library does not look at a suspended connection: a client that leaves
 * meanwhile is noticed after the answer, so the exchange always outlives the
 * call. */
#include "exchange.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routes.h"

enum {
	/* A client that is refused goes on sending, and hears the answer only
	 * if somebody reads that: this much more than the largest message. */
	DISCARD_MORE = 16 * 1024 * 1024,
	UPLOADS_MAX = 64, /* largest messages held half-read, all together */
	BODY_CHUNK = 4096
};

static size_t discard_max(const struct exchange *exchange)
{
	return exchange->server->settings->max_message_bytes + DISCARD_MORE;
}

static bool is_refused(const struct exchange *exchange)
{
	return exchange->answer.status != 0;
}

static void too_large(struct exchange *exchange)
{
	char sentence[96];

	snprintf(sentence, sizeof sentence,
		 "The request is larger than %zu KB (max_message_kb).",
		 exchange->server->settings->max_message_bytes / 1024);
	answer_error(&exchange->answer, MHD_HTTP_CONTENT_TOO_LARGE, "too_large",
		     sentence);
}

/* There may be a secret in it, such as a token. */
static void wipe(struct exchange *exchange)
{
	if (exchange->body)
		explicit_bzero(exchange->body, exchange->body_cap);
	free(exchange->body);
}

static void body_free(struct exchange *exchange)
{
	exchange->server->upload_bytes -= exchange->body_cap;
	wipe(exchange);
	exchange->body = NULL;
	exchange->body_len = exchange->body_cap = 0;
}

/* Makes room, or answers why there is none. */
static void body_reserve(struct exchange *exchange, size_t len)
{
	struct server *server = exchange->server;
	size_t limit = server->settings->max_message_bytes;
	size_t cap = exchange->body_cap ? exchange->body_cap : BODY_CHUNK;
	char *body;

	while (cap < len)
		cap *= 2;
	if (cap == exchange->body_cap)
		return;
	if (server->upload_bytes + cap - exchange->body_cap >
	    UPLOADS_MAX * limit) {
		answer_busy(&exchange->answer);
		return;
	}
	body = malloc(cap);
	if (!body) {
		answer_error(&exchange->answer, 500, "failed",
			     "The host is out of memory.");
		return;
	}
	server->upload_bytes += cap - exchange->body_cap;
	if (exchange->body)
		memcpy(body, exchange->body, exchange->body_len);
	wipe(exchange); /* realloc() would leave a copy */
	exchange->body = body;
	exchange->body_cap = cap;
}

/* False when the client has sent more than we care to read. */
static bool body_take(struct exchange *exchange, const char *data, size_t len)
{
	if (!is_refused(exchange)) {
		if (len > exchange->server->settings->max_message_bytes -
			      exchange->body_len)
			too_large(exchange);
		else
			body_reserve(exchange, exchange->body_len + len);
	}
	if (!is_refused(exchange)) {
		memcpy(exchange->body + exchange->body_len, data, len);
		exchange->body_len += len;
		return true;
	}
	body_free(exchange);
	exchange->discarded += len;
	return exchange->discarded <= discard_max(exchange);
}

/* The declared length of the body; 0 when there is none. A request whose end
 * could be understood in two ways is refused, and *ambiguous set. */
static uint64_t declared_length(struct exchange *exchange, bool *ambiguous)
{
	const char *length, *encoding;
	unsigned lengths =
	    identity_header(exchange->connection, "Content-Length", &length);
	unsigned encodings = identity_header(exchange->connection,
					     "Transfer-Encoding", &encoding);

	*ambiguous = lengths > 1 || encodings > 1 || (lengths && encodings);
	return lengths ? strtoull(length, NULL, 10) : 0;
}

/* Decides by the headers alone. A refused body is read and thrown away, so that
 * the client hears why; but not where that is pointless, since the client waits
 * for "100 Continue", or too much, or unsafe: then the answer goes out now, and
 * the connection closes. */
static enum MHD_Result headers_end(struct exchange *exchange, const char *url,
				   const char *method)
{
	const char *expect;
	bool ambiguous;
	uint64_t length = declared_length(exchange, &ambiguous);

	if (ambiguous)
		answer_error(&exchange->answer, MHD_HTTP_BAD_REQUEST,
			     "bad_request", "The request has two lengths.");
	else
		exchange->route = route_check(exchange, url, method);
	if (!is_refused(exchange) &&
	    length > exchange->server->settings->max_message_bytes)
		too_large(exchange);
	if (is_refused(exchange) &&
	    (ambiguous || length > discard_max(exchange) ||
	     identity_header(exchange->connection, "Expect", &expect)))
		return answer_queue(&exchange->answer, exchange->connection,
				    true);
	return MHD_YES;
}

static struct exchange *exchange_new(struct server *server,
				     struct MHD_Connection *connection)
{
	struct exchange *exchange = calloc(1, sizeof *exchange);

	if (!exchange)
		return NULL;
	exchange->server = server;
	exchange->connection = connection;
	server_exchange_begin(server);
	return exchange;
}

enum MHD_Result exchange_handle(void *context,
				struct MHD_Connection *connection,
				const char *url, const char *method,
				const char *version, const char *upload,
				size_t *upload_len, void **request)
{
	struct server *server = context;
	struct exchange *exchange = *request;

	(void)version;
	if (!exchange) {
		exchange = *request = exchange_new(server, connection);
		return exchange ? headers_end(exchange, url, method) : MHD_NO;
	}
	if (*upload_len > 0) {
		bool go_on = body_take(exchange, upload, *upload_len);

		*upload_len = 0;
		return go_on ? MHD_YES : MHD_NO;
	}
	if (!exchange->waiting && !is_refused(exchange)) {
		exchange->path = url;
		exchange->is_head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
		exchange->route->handle(exchange);
		if (exchange->waiting)
			return MHD_YES; /* called again once it was resumed */
	}
	return answer_queue(&exchange->answer, connection,
			    atomic_load(&server->draining));
}

void exchange_completed(void *context, struct MHD_Connection *connection,
			void **request, enum MHD_RequestTerminationCode code)
{
	struct exchange *exchange = *request;
	struct server *server = context;

	(void)connection;
	(void)code;
	if (!exchange)
		return;
	*request = NULL;
	body_free(exchange);
	answer_free(&exchange->answer);
	free(exchange->demo_cookie);
	free(exchange);
	server_exchange_end(server);
}

void exchange_suspend(struct exchange *exchange)
{
	exchange->waiting = true;
	server_call_begin(exchange->server);
	MHD_suspend_connection(exchange->connection);
}

void exchange_resume(struct exchange *exchange)
{
	struct server *server = exchange->server;

	MHD_resume_connection(exchange->connection);
	loop_wake(&server->loop);
	server_call_end(server);
}

void exchange_answer(void *context, unsigned status, const char *body,
		     size_t body_len)
{
	struct exchange *exchange = context;

	answer_copy(&exchange->answer, status, body, body_len);
	exchange_resume(exchange);
}

void exchange_drop_body(struct exchange *exchange)
{
	body_free(exchange);
}
