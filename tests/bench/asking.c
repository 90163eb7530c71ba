/* asking - see asking.h. */
#include "asking.h"

#include "command.h"
#include "rows.h"
#include "stopwatch.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 3, HEADER = 20, TEXT = 25, TEXT_ARRAY = 1009 };

/* An array of text as the server takes it in binary. */
struct array {
	char *bytes; /* owned */
	size_t len, cap;
	uint32_t count;
};

static void add_bytes(struct array *array, const void *bytes, size_t len)
{
	if (array->len + len > array->cap) {
		array->cap = 2 * (array->len + len);
		array->bytes = realloc(array->bytes, array->cap);
		if (!array->bytes)
			die("out of memory");
	}
	memcpy(array->bytes + array->len, bytes, len);
	array->len += len;
}

static void begin(struct array *array)
{
	static const char header[HEADER];

	array->len = 0;
	array->count = 0;
	add_bytes(array, header, sizeof(header));
}

static void add_text(struct array *array, const char *text)
{
	size_t len = strlen(text);
	uint32_t length = htonl((uint32_t)len);

	array->count++;
	add_bytes(array, &length, sizeof(length));
	add_bytes(array, text, len);
}

static void end(struct array *array)
{
	/* dimensions, nulls, type, length, first index */
	uint32_t header[HEADER / 4] = {htonl(1), 0, htonl(TEXT),
				       htonl(array->count), htonl(1)};

	memcpy(array->bytes, header, sizeof(header));
}

static void add_query(struct array *arrays, const struct query *query)
{
	for (size_t i = 0; i < query->count; i++) {
		add_text(&arrays[0], "");
		add_text(&arrays[1], query->agent);
		add_text(&arrays[2], query->ids[i]);
	}
}

static size_t ask(PGconn *db, struct array *arrays)
{
	const char *values[COLUMNS];
	int lengths[COLUMNS], formats[COLUMNS];

	for (int i = 0; i < COLUMNS; i++) {
		end(&arrays[i]);
		values[i] = arrays[i].bytes;
		lengths[i] = (int)arrays[i].len;
		formats[i] = 1;
	}
	PGresult *result = rows_need(
	    db,
	    PQexecPrepared(db, "match", COLUMNS, values, lengths, formats, 1),
	    PGRES_TUPLES_OK);
	size_t found = (size_t)PQntuples(result);
	PQclear(result);
	return found;
}

static void prepare(PGconn *db)
{
	static const char sql[] =
	    "SELECT ordinal, id, note, contact_id, contact_name, contact_type "
	    "FROM call_log.match_calls($1, $2, $3)";
	static const Oid types[COLUMNS] = {TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY};

	PQclear(rows_need(db, PQexec(db, "DEALLOCATE ALL"), PGRES_COMMAND_OK));
	PQclear(rows_need(db, PQprepare(db, "match", sql, COLUMNS, types),
			  PGRES_COMMAND_OK));
}

size_t asking_run(PGconn *db, const struct queries *queries, size_t count,
		  size_t per, uint64_t *took_ns)
{
	struct array arrays[COLUMNS] = {0};
	size_t found = 0;

	prepare(db);
	for (size_t first = 0; first < count; first += per) {
		uint64_t start = stopwatch_now();

		for (int i = 0; i < COLUMNS; i++)
			begin(&arrays[i]);
		for (size_t i = first; i < first + per && i < count; i++)
			add_query(arrays,
				  &queries->queries[i % queries->count]);
		found += ask(db, arrays);
		took_ns[first / per] = stopwatch_now() - start;
	}
	for (int i = 0; i < COLUMNS; i++)
		free(arrays[i].bytes);
	return found;
}
