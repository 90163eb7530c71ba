/* ways - see ways.h. */
#include "ways.h"

#include "command.h"
#include "stopwatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_MAX = 8192, COPY_HEADER = 19, COPY_TRAILER = 2 };

/* ------------------------------------------------------------------ COPY */

static void put(PGconn *db, const char *bytes, size_t len)
{
	if (PQputCopyData(db, bytes, (int)len) != 1)
		die("COPY: %s", PQerrorMessage(db));
}

static void copy_some(PGconn *db, const char *sql, const struct rows *rows,
		      size_t first, size_t end)
{
	static const char header[COPY_HEADER] = "PGCOPY\n\377\r\n";
	static const char trailer[COPY_TRAILER] = "\377\377";
	size_t at = rows->offsets[first];

	PQclear(rows_need(db, PQexec(db, sql), PGRES_COPY_IN));
	put(db, header, sizeof(header));
	while (at < rows->offsets[end]) {
		size_t len = rows->offsets[end] - at;

		if (len > 1 << 20)
			len = 1 << 20;
		put(db, rows->bytes + at, len);
		at += len;
	}
	put(db, trailer, sizeof(trailer));
	if (PQputCopyEnd(db, NULL) != 1)
		die("COPY: %s", PQerrorMessage(db));
	PQclear(rows_need(db, PQgetResult(db), PGRES_COMMAND_OK));
	PQclear(PQgetResult(db));
}

void ways_copy(PGconn *db, const struct rows *rows, size_t per)
{
	char sql[SQL_MAX];

	snprintf(sql, sizeof(sql),
		 "COPY call_log.calls (%s) FROM STDIN (FORMAT binary)",
		 rows->columns);
	for (size_t first = 0; first < rows->count; first += per)
		copy_some(db, sql, rows, first,
			  first + per < rows->count ? first + per
						    : rows->count);
}

/* ---------------------------------------------------------------- upsert */

/* A fact that an event does not carry leaves what is there; an event that was
 * overtaken by a later one changes nothing. That is less than the merge rule. */
static void prepare_upsert(PGconn *db)
{
	static const char sql[] =
	    "INSERT INTO call_log.calls AS c (" ROWS_NAMES ") VALUES ($1, $2, "
	    "$3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
	    "$17, $18, $19, $20, $21, $22, $23) "
	    "ON CONFLICT (account, agent, session_id) DO UPDATE SET "
	    "telephony_session_id = coalesce(excluded.telephony_session_id, "
	    "c.telephony_session_id), "
	    "party_id = coalesce(excluded.party_id, c.party_id), "
	    "direction = coalesce(excluded.direction, c.direction), "
	    "from_number = coalesce(excluded.from_number, c.from_number), "
	    "from_name = coalesce(excluded.from_name, c.from_name), "
	    "to_number = coalesce(excluded.to_number, c.to_number), "
	    "to_name = coalesce(excluded.to_name, c.to_name), "
	    "started_at = coalesce(excluded.started_at, c.started_at), "
	    "duration_s = coalesce(excluded.duration_s, c.duration_s), "
	    "state = excluded.state, "
	    "result = coalesce(excluded.result, c.result), "
	    "contact_id = coalesce(excluded.contact_id, c.contact_id), "
	    "contact_name = coalesce(excluded.contact_name, c.contact_name), "
	    "contact_type = coalesce(excluded.contact_type, c.contact_type), "
	    "connected = c.connected OR excluded.connected, "
	    "last_event_at = excluded.last_event_at, "
	    "body = coalesce(excluded.body, c.body), "
	    "rank = excluded.rank, ranks = excluded.ranks, "
	    "updated_at = now() "
	    "WHERE excluded.rank > c.rank";

	PQclear(rows_need(db, PQexec(db, "DEALLOCATE ALL"), PGRES_COMMAND_OK));
	PQclear(rows_need(db, PQprepare(db, "upsert", sql, 0, NULL),
			  PGRES_COMMAND_OK));
}

static void upsert_one(PGconn *db, const PGresult *events, int row)
{
	const char *values[ROWS_NAMED];
	int lengths[ROWS_NAMED], formats[ROWS_NAMED];

	for (int i = 0; i < ROWS_NAMED; i++) {
		values[i] = PQgetisnull(events, row, i)
				? NULL
				: PQgetvalue(events, row, i);
		lengths[i] = PQgetlength(events, row, i);
		formats[i] = 1;
	}
	PQclear(rows_need(db,
			  PQexecPrepared(db, "upsert", ROWS_NAMED, values,
					 lengths, formats, 1),
			  PGRES_COMMAND_OK));
}

void ways_upsert(PGconn *db, const struct rows *rows, double rate,
		 uint64_t *took_ns)
{
	int count = PQntuples(rows->binary);

	prepare_upsert(db);
	uint64_t start_ns = stopwatch_now();
	for (int i = 0; i < count; i++) {
		uint64_t due_ns = stopwatch_now();

		if (rate > 0) {
			due_ns = start_ns + (uint64_t)(i * 1e9 / rate);
			stopwatch_wait_until(due_ns);
		}
		upsert_one(db, rows->binary, i);
		took_ns[i] = stopwatch_now() - due_ns;
	}
}

/* ---------------------------------------------------------------- INSERT */

static void write_value(FILE *sql, PGconn *db, const PGresult *events, int row,
			int column)
{
	if (PQgetisnull(events, row, column)) {
		fputs("NULL", sql);
		return;
	}
	char *literal =
	    PQescapeLiteral(db, PQgetvalue(events, row, column),
			    (size_t)PQgetlength(events, row, column));
	if (!literal)
		die("INSERT: %s", PQerrorMessage(db));
	fputs(literal, sql);
	PQfreemem(literal);
}

void ways_insert(PGconn *db, const struct rows *rows)
{
	int count = PQntuples(rows->text);
	char *text = NULL;
	size_t len = 0;
	FILE *sql = open_memstream(&text, &len);

	if (!sql)
		die("out of memory");
	for (int row = 0; row < count; row++) {
		rewind(sql);
		fputs("INSERT INTO call_log.calls (" ROWS_NAMES ") VALUES (",
		      sql);
		for (int i = 0; i < ROWS_NAMED; i++) {
			if (i > 0)
				fputs(", ", sql);
			write_value(sql, db, rows->text, row, i);
		}
		fputs(")", sql);
		fputc('\0', sql);
		fflush(sql);
		PQclear(rows_need(db, PQexec(db, text), PGRES_COMMAND_OK));
	}
	fclose(sql);
	free(text);
}
