/* routes - see routes.h.
 *
 *   POST /widget/messages      one message of the widget; the plugin's answer
 *   GET  /widget/service.json  what to register with the widget; who, what time
 *   GET  /status               health: for signed-in agents and this machine
 *   GET  /demo                 who can be chosen where demo_agents is set;
 *                              ?agent=NAME chooses
 *
 * Any request with a foreign Origin is refused. */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "envelope.h"
#include "origin.h"
#include "utf8.h"

enum { NEEDS_AGENT = 1, NEEDS_AGENT_OR_LOCAL = 2, NEEDS_JSON = 4 };

static void handle_message(struct exchange *exchange);
static void handle_service(struct exchange *exchange);
static void handle_status(struct exchange *exchange);
static void handle_demo(struct exchange *exchange);

static const struct route routes[] = {
    {"/widget/messages", "POST", NEEDS_AGENT | NEEDS_JSON, handle_message},
    {"/widget/service.json", "GET, HEAD", NEEDS_AGENT, handle_service},
    {"/status", "GET, HEAD", NEEDS_AGENT_OR_LOCAL, handle_status},
    {"/demo", "GET, HEAD", 0, handle_demo},
};

/* ------------------------------------------------------------------- checks */

static bool is_among(const char *methods, const char *method)
{
	size_t len = strlen(method);

	for (const char *p = methods; p; p = strchr(p, ' ')) {
		p += *p == ' ';
		if (strncmp(p, method, len) == 0 &&
		    (p[len] == ',' || p[len] == '\0'))
			return true;
	}
	return false;
}

static bool origin_is_good(struct exchange *exchange)
{
	const char *origin, *host;
	unsigned origins =
	    identity_header(exchange->connection, "Origin", &origin);
	unsigned hosts = identity_header(exchange->connection, "Host", &host);

	return origins == 0 ||
	       (origins == 1 &&
		origin_is_allowed(&exchange->server->settings->origins, origin,
				  hosts == 1 ? host : NULL));
}

static bool is_json(struct MHD_Connection *connection)
{
	static const char type[] = "application/json";
	const char *value;

	if (identity_header(connection, "Content-Type", &value) != 1 ||
	    strncasecmp(value, type, sizeof type - 1) != 0)
		return false;
	value += sizeof type - 1;
	value += strspn(value, " \t");
	return *value == '\0' || *value == ';';
}

static void check_needs(struct exchange *exchange, unsigned needs)
{
	const char *why = "";
	bool agent = identity_find(&exchange->who, exchange->server->settings,
				   exchange->connection, &why);

	if (!origin_is_good(exchange))
		answer_error(&exchange->answer, MHD_HTTP_FORBIDDEN,
			     "foreign_origin",
			     "This page's origin may not use this host.");
	else if ((needs & NEEDS_AGENT && !agent) ||
		 (needs & NEEDS_AGENT_OR_LOCAL && !agent &&
		  !identity_is_local(exchange->connection)))
		answer_error(&exchange->answer, MHD_HTTP_UNAUTHORIZED,
			     "no_agent", why);
	else if (needs & NEEDS_JSON && !is_json(exchange->connection))
		answer_error(&exchange->answer, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
			     "not_json",
			     "The Content-Type must be application/json.");
}

const struct route *route_check(struct exchange *exchange, const char *url,
				const char *method)
{
	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
		if (strcmp(routes[i].path, url) != 0)
			continue;
		if (is_among(routes[i].methods, method)) {
			check_needs(exchange, routes[i].needs);
			return &routes[i];
		}
		answer_error(&exchange->answer, MHD_HTTP_METHOD_NOT_ALLOWED,
			     "method_not_allowed",
			     "This path does not take that method.");
		exchange->answer.allow = routes[i].methods;
		return NULL;
	}
	answer_error(&exchange->answer, MHD_HTTP_NOT_FOUND, "not_found",
		     "There is nothing at this path.");
	return NULL;
}

/* ----------------------------------------------------------------- messages */

static void message_done(void *context, enum crm_status status,
			 const char *body, size_t body_len)
{
	struct exchange *exchange = context;

	if (status == CRM_OK)
		answer_copy(&exchange->answer, body, body_len);
	else
		answer_refusal(&exchange->answer, status, body, body_len);
	exchange_resume(exchange);
}

static void handle_message(struct exchange *exchange)
{
	struct envelope envelope;
	struct crm_message message;
	enum crm_status status;
	char why[256] = "";

	if (!envelope_read(&envelope, exchange->body, exchange->body_len, why,
			   sizeof why)) {
		answer_refusal(&exchange->answer, CRM_BAD_REQUEST, why,
			       strlen(why));
		return;
	}
	message = (struct crm_message){.account = exchange->who.account,
				       .agent = exchange->who.agent,
				       .sent_at_ms = envelope.sent_at_ms,
				       .body = envelope.message,
				       .body_len = envelope.message_len};
	exchange_suspend(exchange);
	status = crm_host_submit(exchange->server->runtime, &message,
				 message_done, exchange, why, sizeof why);
	exchange_drop_body(exchange);
	if (status != CRM_OK) {
		answer_refusal(&exchange->answer, status, why, strlen(why));
		exchange_resume(exchange);
	}
}

/* ---------------------------------------------------- service, status, demo */

/* What the library writes "like snprintf", as long as it may be; to free(). The
 * text may grow between two looks, so it is asked until it fits. */
static char *whole_text(size_t (*write)(struct crm_runtime *, char *, size_t),
			struct crm_runtime *runtime)
{
	size_t cap = 4096;

	while (cap < 64 * 1024 * 1024) {
		char *text = malloc(cap);
		size_t len = text ? write(runtime, text, cap) : 0;

		if (!text || len < cap)
			return text;
		free(text);
		cap = len + len / 8 + 1;
	}
	return NULL;
}

static void answer_stream(struct answer *answer, FILE *out, char **body,
			  size_t *len)
{
	if (out && fclose(out) == 0) {
		answer_take(answer, *body, *len);
		return;
	}
	free(*body);
	answer_take(answer, NULL, 0);
}

static void write_member(FILE *out, const char *before, const char *value)
{
	fputs(before, out);
	utf8_write_json(out, value, strlen(value));
}

static void handle_service(struct exchange *exchange)
{
	char *service = whole_text(crm_host_service, exchange->server->runtime);
	char *body = NULL;
	size_t len = 0;
	FILE *out = service ? open_memstream(&body, &len) : NULL;

	if (out) {
		fprintf(out, "{\"service\":%s", service);
		write_member(out, ",\"agent\":", exchange->who.agent);
		write_member(out, ",\"account\":", exchange->who.account);
		fprintf(out, ",\"now\":%lld}", (long long)server_now_ms());
	}
	free(service);
	answer_stream(&exchange->answer, out, &body, &len);
}

/* The library's object with one more member, `host`, in front. */
static void handle_status(struct exchange *exchange)
{
	struct server *server = exchange->server;
	char *status = whole_text(crm_host_status, server->runtime);
	char *body = NULL;
	size_t len = 0;
	FILE *out = status ? open_memstream(&body, &len) : NULL;

	if (out) {
		fprintf(out,
			"{\"host\":{\"version\":\"" CRM_HOST_VERSION
			"\",\"state\":\"%s\",\"started_at\":%lld,"
			"\"now\":%lld,\"http_requests\":%zu,"
			"\"upload_bytes\":%zu}%s%s",
			atomic_load(&server->draining) ? "stopping" : "serving",
			(long long)server->started_ms,
			(long long)server_now_ms(), server_exchanges(server),
			server->upload_bytes,
			strcmp(status, "{}") == 0 ? "" : ",", status + 1);
	}
	free(status);
	answer_stream(&exchange->answer, out, &body, &len);
}

static void list_agents(struct answer *answer, const struct strings *agents)
{
	char *body = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&body, &len);

	if (out) {
		fputs("{\"agents\":[", out);
		for (size_t i = 0; i < agents->count; i++)
			write_member(out, i ? "," : "", agents->items[i]);
		fputs("]}", out);
	}
	answer_stream(answer, out, &body, &len);
}

static void choose_agent(struct answer *answer, const char *agent)
{
	char *cookie = identity_cookie(agent);
	char *body = NULL;
	size_t len = 0;
	FILE *out = cookie ? open_memstream(&body, &len) : NULL;

	if (out) {
		write_member(out, "{\"agent\":", agent);
		fputs("}", out);
	}
	answer_stream(answer, out, &body, &len);
	answer->cookie = cookie;
}

static void handle_demo(struct exchange *exchange)
{
	const struct strings *agents = &exchange->server->settings->demo_agents;
	const char *asked = MHD_lookup_connection_value(
	    exchange->connection, MHD_GET_ARGUMENT_KIND, "agent");

	if (agents->count == 0)
		answer_error(&exchange->answer, MHD_HTTP_NOT_FOUND, "not_found",
			     "There are no demonstration agents here.");
	else if (!asked)
		list_agents(&exchange->answer, agents);
	else {
		for (size_t i = 0; i < agents->count; i++)
			if (strcmp(agents->items[i], asked) == 0) {
				choose_agent(&exchange->answer, asked);
				return;
			}
		answer_error(&exchange->answer, MHD_HTTP_NOT_FOUND, "not_found",
			     "demo_agents does not hold that name.");
	}
}
