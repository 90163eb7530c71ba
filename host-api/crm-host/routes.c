/* routes - see routes.h.
 *
 *   POST /widget/messages      one message of the widget; the plugin's answer
 *   GET  /widget/service.json  what to register with the widget; who, what time
 *   GET  /status               health: for signed-in agents and this machine
 *   GET  /demo                 who can be chosen where demo_agents is set;
 *                              ?agent=NAME chooses
 *   GET  /widget/events        what plugins tell the agent's widgets: a stream
 *                              of server-sent events, or what came ?after=
 *   GET  /widget/bridge.js     the page bridge, and what it imports
 *   GET  /...                  the pages of plugins, and their files
 *
 * Any request with a foreign Origin is refused. */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "demo.h"
#include "events.h"
#include "file.h"
#include "origin.h"
#include "page.h"

enum {
	NEEDS_AGENT = 1,
	NEEDS_AGENT_OR_LOCAL = 2,
	NEEDS_JSON = 4,
	NEEDS_OWN_PAGE = 8
};

static void handle_message(struct exchange *exchange);
static void handle_service(struct exchange *exchange);
static void handle_status(struct exchange *exchange);
static void handle_page(struct exchange *exchange);

static const struct route routes[] = {
    {"/widget/messages", "POST", NEEDS_AGENT | NEEDS_JSON, handle_message},
    {"/widget/service.json", "GET, HEAD", NEEDS_AGENT, handle_service},
    {"/status", "GET, HEAD", NEEDS_AGENT_OR_LOCAL, handle_status},
    {"/demo", "GET, HEAD", 0, demo_handle},
    {"/widget/events", "GET", NEEDS_AGENT, events_handle},
};

/* For all other paths. */
static const struct route files = {"", "GET, HEAD", 0, handle_page};
static const struct route pages = {"", "GET, HEAD", NEEDS_AGENT, handle_page};
static const struct route sound = {"", "GET, HEAD",
				   NEEDS_AGENT | NEEDS_OWN_PAGE, file_handle};

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

/* What is recorded of an agent must be the agent's doing: a page elsewhere that
 * has the browser fetch something sends no Origin with it, but this. A person may
 * come from anywhere. */
static bool is_from_elsewhere(struct MHD_Connection *connection)
{
	const char *site, *mode;

	return identity_header(connection, "Sec-Fetch-Site", &site) > 0 &&
	       strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0 &&
	       !(identity_header(connection, "Sec-Fetch-Mode", &mode) == 1 &&
		 strcmp(mode, "navigate") == 0);
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

static void refuse_stranger(struct exchange *exchange, const char *why)
{
	if (exchange->page && page_is_html(exchange->page))
		page_refuse(&exchange->answer, MHD_HTTP_UNAUTHORIZED, why);
	else
		answer_error(&exchange->answer, MHD_HTTP_UNAUTHORIZED,
			     "no_agent", why);
}

static void check_needs(struct exchange *exchange, unsigned needs)
{
	const char *why = "";
	bool agent = identity_find(&exchange->who, exchange->server->settings,
				   exchange->connection, &why);

	if (!agent && exchange->page && needs & NEEDS_AGENT)
		agent = demo_begin(exchange);
	if (!origin_is_good(exchange) ||
	    (needs & NEEDS_OWN_PAGE && is_from_elsewhere(exchange->connection)))
		answer_error(&exchange->answer, MHD_HTTP_FORBIDDEN,
			     "foreign_origin",
			     "This page's origin may not use this host.");
	else if ((needs & NEEDS_AGENT && !agent) ||
		 (needs & NEEDS_AGENT_OR_LOCAL && !agent &&
		  !identity_is_local(exchange->connection)))
		refuse_stranger(exchange, why);
	else if (needs & NEEDS_JSON && !is_json(exchange->connection))
		answer_error(&exchange->answer, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
			     "not_json",
			     "The Content-Type must be application/json.");
}

static const struct route *route_find(struct exchange *exchange,
				      const char *url)
{
	const struct crm_page *page;

	for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
		if (strcmp(routes[i].path, url) == 0)
			return &routes[i];
	page = page_of_bridge(url);
	if (page) {
		exchange->page = page;
		return &files;
	}
	page = crm_host_page(exchange->server->runtime, url);
	if (!page && crm_host_http_has_file(exchange->server->runtime, url))
		return &sound;
	if (!page || page->flags & CRM_PAGE_FOREIGN)
		return NULL;
	exchange->page = page;
	return &pages;
}

const struct route *route_check(struct exchange *exchange, const char *url,
				const char *method)
{
	const struct route *route = route_find(exchange, url);

	if (!route) {
		answer_error(&exchange->answer, MHD_HTTP_NOT_FOUND, "not_found",
			     "There is nothing at this path.");
	} else if (!is_among(route->methods, method)) {
		answer_error(&exchange->answer, MHD_HTTP_METHOD_NOT_ALLOWED,
			     "method_not_allowed",
			     "This path does not take that method.");
		exchange->answer.allow = route->methods;
		route = NULL;
	} else {
		check_needs(exchange, route->needs);
	}
	return route;
}

/* ----------------------------------------------------------------- messages */

static void handle_message(struct exchange *exchange)
{
	exchange_suspend(exchange);
	crm_host_http_message(exchange->server->runtime, exchange->who.account,
			      exchange->who.agent, exchange->body,
			      exchange->body_len, exchange_answer, exchange);
	exchange_drop_body(exchange);
}

/* ---------------------------------------------------------- service, status */

/* The library's object, with one more member where anybody may be anybody. */
static void handle_service(struct exchange *exchange)
{
	const struct server *server = exchange->server;
	const char *demo =
	    server->settings->demo_agents.count > 0 ? ",\"demo\":true" : "";
	char *service =
	    server_service(server, exchange->who.account, exchange->who.agent);
	char *body = NULL;
	int len = service ? asprintf(&body, "%.*s%s}", (int)strlen(service) - 1,
				     service, demo)
			  : -1;

	free(service);
	answer_take(&exchange->answer, len < 0 ? NULL : body,
		    len < 0 ? 0 : (size_t)len);
}

/* The library's object with one more member, `host`, in front. */
static void handle_status(struct exchange *exchange)
{
	struct server *server = exchange->server;
	char *status = server_status(server);
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
	answer_written(&exchange->answer, out, &body, &len);
}

/* -------------------------------------------------------------------- pages */

static void handle_page(struct exchange *exchange)
{
	page_answer(&exchange->answer, exchange->connection, exchange->page,
		    exchange->server->page_policy);
	exchange->answer.cookie = exchange->demo_cookie;
	exchange->demo_cookie = NULL;
}
