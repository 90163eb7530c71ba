/* events - see events.h. */
#include "events.h"

void events_handle(struct exchange *exchange)
{
	const char *after = MHD_lookup_connection_value(
	    exchange->connection, MHD_GET_ARGUMENT_KIND, "after");
	const char *last;
	struct MHD_Response *response;

	if (exchange->server->settings->polled) {
		exchange_suspend(exchange);
		crm_host_http_events(exchange->server->runtime,
				     exchange->who.account, exchange->who.agent,
				     after ? after : "", exchange_answer,
				     exchange);
		return;
	}
	/* the browser's own memory of a stream that was cut */
	if (identity_header(exchange->connection, "Last-Event-ID", &last) == 1)
		after = last;
	response = feed_stream(exchange->server->feed, exchange->connection,
			       &exchange->server->loop, exchange->who.account,
			       exchange->who.agent, after ? after : "");
	if (response)
		answer_events(&exchange->answer, response);
	else
		answer_busy(&exchange->answer);
}
