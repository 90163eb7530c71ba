/* demo - see demo.h. */
#include "demo.h"

#include <stdio.h>
#include <string.h>

#include "utf8.h"

bool demo_begin(struct exchange *exchange)
{
	const struct strings *agents = &exchange->server->settings->demo_agents;

	if (agents->count == 0)
		return false;
	exchange->demo_cookie = identity_cookie(agents->items[0]);
	return exchange->demo_cookie != NULL;
}

static void list_agents(struct answer *answer, const struct strings *agents)
{
	char *body = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&body, &len);

	if (out) {
		fputs("{\"agents\":[", out);
		for (size_t i = 0; i < agents->count; i++)
			crm_utf8_write_member(out, i ? "," : "",
					      agents->items[i]);
		fputs("]}", out);
	}
	answer_written(answer, out, &body, &len);
}

static void choose_agent(struct answer *answer, const char *agent)
{
	char *cookie = identity_cookie(agent);
	char *body = NULL;
	size_t len = 0;
	FILE *out = cookie ? open_memstream(&body, &len) : NULL;

	if (out) {
		crm_utf8_write_member(out, "{\"agent\":", agent);
		fputs("}", out);
	}
	answer_written(answer, out, &body, &len);
	answer->cookie = cookie;
}

void demo_handle(struct exchange *exchange)
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
