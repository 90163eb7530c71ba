/* rows - see rows.h. */
#include "rows.h"

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COPY_HEADER = 19, SQL_MAX = 8192 };

PGresult *rows_need(PGconn *db, PGresult *result, ExecStatusType status)
{
	if (PQresultStatus(result) != status)
		die("the database says: %s", PQerrorMessage(db));
	return result;
}

static char *read_columns(PGconn *db)
{
	PGresult *result = rows_need(
	    db,
	    PQexec(db, "SELECT string_agg(quote_ident(attname), ', ') "
		       "FROM pg_attribute "
		       "WHERE attrelid = 'call_log.calls'::regclass "
		       "AND attnum > 0 AND NOT attisdropped "
		       "AND attgenerated = '' AND attidentity = ''"),
	    PGRES_TUPLES_OK);
	char *columns = strdup(PQgetvalue(result, 0, 0));

	PQclear(result);
	return columns;
}

/* bench.source, but with the bodies that are wanted. */
static void name_source(char *sql, size_t cap, const char *body)
{
	const char *kept = "body";

	if (strcmp(body, "none") == 0)
		kept = "NULL::json";
	else if (strcmp(body, "final") == 0)
		kept = "CASE state WHEN 'final' THEN body END";
	snprintf(sql, cap,
		 "CREATE OR REPLACE TEMP VIEW source AS "
		 "SELECT s.*, %s AS kept FROM bench.source s",
		 kept);
}

static void add(struct rows *rows, size_t *cap, const char *bytes, size_t len)
{
	size_t used = rows->offsets[rows->count];

	while (used + len > *cap) {
		*cap = *cap ? 2 * *cap : 1 << 20;
		rows->bytes = realloc(rows->bytes, *cap);
		if (!rows->bytes)
			die("out of memory");
	}
	memcpy(rows->bytes + used, bytes, len);
	rows->offsets[++rows->count] = used + len;
}

/* The first message has the header as well, the last is the trailer alone. */
static void read_copy(struct rows *rows, PGconn *db, size_t count)
{
	char *message;
	size_t cap = 0;
	int len;

	rows->offsets = calloc(count + 2, sizeof(*rows->offsets));
	if (!rows->offsets)
		die("out of memory");
	while ((len = PQgetCopyData(db, &message, 0)) > 0) {
		int skip = rows->count == 0 ? COPY_HEADER : 0;

		if (len > 2)
			add(rows, &cap, message + skip, (size_t)(len - skip));
		PQfreemem(message);
	}
	PQclear(rows_need(db, PQgetResult(db), PGRES_COMMAND_OK));
	PQclear(PQgetResult(db));
	if (rows->count != count)
		die("bench.source has %zu rows, not %zu", rows->count, count);
}

/* `list` with its column `name` replaced; in place of a second copy of it. */
static void replace(char *list, size_t cap, const char *name, const char *by)
{
	char *at = strstr(list, name);
	size_t len = strlen(name), by_len = strlen(by);

	if (!at || strlen(list) + by_len >= cap)
		die("no column %s", name);
	memmove(at + by_len, at + len, strlen(at + len) + 1);
	memcpy(at, by, by_len);
}

static PGresult *read_named(PGconn *db, size_t count, const char *session_id,
			    int format)
{
	char names[1024], sql[SQL_MAX];

	snprintf(names, sizeof(names), "%s", ROWS_NAMES);
	replace(names, sizeof(names), ", body", ", kept AS body");
	replace(names, sizeof(names), "session_id", session_id);
	snprintf(sql, sizeof(sql), "SELECT %s FROM source ORDER BY n LIMIT %zu",
		 names, count);
	return rows_need(
	    db, PQexecParams(db, sql, 0, NULL, NULL, NULL, NULL, format),
	    PGRES_TUPLES_OK);
}

struct rows *rows_read(PGconn *db, size_t count, size_t statements,
		       const char *body)
{
	struct rows *rows = calloc(1, sizeof(*rows));
	char columns[2048], sql[SQL_MAX];

	if (!rows)
		die("out of memory");
	name_source(sql, sizeof(sql), body);
	PQclear(rows_need(db, PQexec(db, sql), PGRES_COMMAND_OK));
	rows->columns = read_columns(db);
	snprintf(columns, sizeof(columns), "%s", rows->columns);
	replace(columns, sizeof(columns), ", body", ", kept");
	snprintf(sql, sizeof(sql),
		 "COPY (SELECT %s FROM source ORDER BY n LIMIT %zu) "
		 "TO STDOUT (FORMAT binary)",
		 columns, count);
	PQclear(rows_need(db, PQexec(db, sql), PGRES_COPY_OUT));
	read_copy(rows, db, count);
	rows->binary =
	    read_named(db, statements, "split_part(session_id, '.', 1)", 1);
	rows->text = read_named(db, statements, "session_id", 0);
	return rows;
}

void rows_free(struct rows *rows)
{
	if (!rows)
		return;
	free(rows->columns);
	free(rows->bytes);
	free(rows->offsets);
	PQclear(rows->binary);
	PQclear(rows->text);
	free(rows);
}
