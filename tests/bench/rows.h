/* rows - the rows that events would be if each were a call of its own, as the
 * plugin's own merge rule makes them: read from table bench.source, where they
 * have a number `n`, and kept as others want to write them. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <libpq-fe.h>
#include <stddef.h>

struct rows {
	char *columns; /* of call_log.calls that a COPY may set, with commas */
	size_t count;
	char *bytes;     /* all of them, as binary COPY has them */
	size_t *offsets; /* count + 1 */
	/* The same, only the first of them, and only what a call has from each
	 * event, ROWS_NAMES: for statements, in binary; and in text. */
	PGresult *binary, *text;
};

#define ROWS_NAMES                                                             \
	"account, agent, session_id, telephony_session_id, party_id, "         \
	"direction, from_number, from_name, to_number, to_name, started_at, "  \
	"duration_s, state, result, contact_id, contact_name, contact_type, "  \
	"logged_by, connected, last_event_at, body, rank, ranks"
enum { ROWS_NAMED = 23, ROWS_SESSION_ID = 2 };

/* The first `count`, of which `statements` for statements; body: "none", "final"
 * or "all", the rows that have one. In `binary` the events of a call have its own
 * session id. Ends the program when they cannot be read. */
struct rows *rows_read(PGconn *db, size_t count, size_t statements,
		       const char *body);
void rows_free(struct rows *rows);

/* The result of a statement that must succeed, or the end of the program. */
PGresult *rows_need(PGconn *db, PGresult *result, ExecStatusType status);

#endif
