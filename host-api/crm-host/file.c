/* file - see file.h. */
#include "file.h"

static const char *header_of(struct MHD_Connection *connection,
			     const char *name)
{
	const char *value;

	return identity_header(connection, name, &value) == 1 ? value : NULL;
}

/* Two headers of a name are none; but a condition is one that does not hold. */
static const char *condition_of(struct MHD_Connection *connection)
{
	const char *value;

	return identity_header(connection, "If-Range", &value) > 1 ? "" : value;
}

/* [any] Opened by whoever answers: the HTTP thread waits for no disk there. */
static void take(void *context, const struct crm_host_file *file)
{
	struct exchange *exchange = context;

	answer_part(&exchange->answer, file);
	exchange_resume(exchange);
}

void file_handle(struct exchange *exchange)
{
	struct MHD_Connection *connection = exchange->connection;
	const struct crm_host_wanted wanted = {
	    .range = header_of(connection, "Range"),
	    .if_range = condition_of(connection),
	    .head = exchange->is_head,
	};

	exchange_suspend(exchange);
	crm_host_http_file(exchange->server->runtime, exchange->who.account,
			   exchange->who.agent, exchange->path, &wanted, take,
			   exchange);
}
