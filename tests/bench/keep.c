/* keep - what SQLite alone can do: rows as large as the spool's, so many a
 * transaction, as durable as the spool's. What keeping events in the spool is
 * compared with.
 *
 *   keep PATH ROWS BYTES PER             -> keep messages=N seconds=F */
#include "command.h"
#include "stopwatch.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void run(sqlite3 *db, const char *sql)
{
	char *error = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
		die("%s: %s", sql, error);
}

static void keep(sqlite3 *db, long rows, const char *row, int len, long per)
{
	sqlite3_stmt *insert = NULL;

	sqlite3_prepare_v2(db, "INSERT INTO kept (row) VALUES (?)", -1, &insert,
			   NULL);
	for (long i = 0; i < rows; i++) {
		if (i % per == 0)
			run(db, "BEGIN IMMEDIATE");
		sqlite3_bind_blob(insert, 1, row, len, SQLITE_STATIC);
		if (sqlite3_step(insert) != SQLITE_DONE)
			die("%s", sqlite3_errmsg(db));
		sqlite3_reset(insert);
		if (i % per == per - 1 || i == rows - 1)
			run(db, "COMMIT");
	}
	sqlite3_finalize(insert);
}

int main(int argc, char **argv)
{
	sqlite3 *db;

	if (argc != 5)
		die("keep PATH ROWS BYTES PER");
	long rows = strtol(argv[2], NULL, 10);
	int len = (int)strtol(argv[3], NULL, 10);
	char *row = malloc((size_t)len + 1);
	if (!row || sqlite3_open(argv[1], &db) != SQLITE_OK)
		die("cannot open %s", argv[1]);
	memset(row, 'x', (size_t)len);
	run(db, "PRAGMA journal_mode = persist");
	run(db, "PRAGMA synchronous = full");
	run(db, "CREATE TABLE kept (number INTEGER PRIMARY KEY, row BLOB)");
	uint64_t start = stopwatch_now();
	keep(db, rows, row, len, strtol(argv[4], NULL, 10));
	printf("keep messages=%ld seconds=%.6f\n", rows,
	       (double)(stopwatch_now() - start) / 1e9);
	sqlite3_close(db);
	free(row);
	return 0;
}
