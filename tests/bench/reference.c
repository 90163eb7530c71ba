/* reference - what the plugin is compared with: a program that writes the same
 * events, and asks the same queries, by libpq alone. It is told by stdin, one
 * command a line (command.h), and answers each by one line on stdout.
 *
 *   reference CONNINFO                   -> ready
 *
 *   read rows=N statements=N body=none|final|all   see rows.h
 *                                        -> read rows=N bytes=N
 *   copy per=N                           -> copy messages=N seconds=F
 *   upsert rate=N                        -> upsert messages=N seconds=F
 *                                           p50_us=F ..., see samples.h
 *   insert                               -> insert messages=N seconds=F
 *   match file=PATH count=N per=N        -> match messages=N found=N seconds=F
 *                                           p50_us=F ... of the statements */
#include "asking.h"
#include "command.h"
#include "queries.h"
#include "rows.h"
#include "samples.h"
#include "stopwatch.h"
#include "ways.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

static void report(const struct command *command, size_t messages,
		   uint64_t start_ns)
{
	printf("%s messages=%zu seconds=%.6f", command->verb, messages,
	       (double)(stopwatch_now() - start_ns) / 1e9);
}

static void do_read(PGconn *db, const struct command *command,
		    struct rows **rows)
{
	rows_free(*rows);
	*rows = rows_read(db, (size_t)command_number(command, "rows"),
			  (size_t)command_number(command, "statements"),
			  command_text(command, "body"));
	printf("read rows=%zu bytes=%zu", (*rows)->count,
	       (*rows)->offsets[(*rows)->count]);
}

static void do_copy(PGconn *db, const struct command *command,
		    const struct rows *rows)
{
	uint64_t start = stopwatch_now();

	ways_copy(db, rows, (size_t)command_number(command, "per"));
	report(command, rows->count, start);
}

static void do_upsert(PGconn *db, const struct command *command,
		      const struct rows *rows)
{
	size_t count = (size_t)PQntuples(rows->binary);
	uint64_t *took_ns = samples_new(count);
	uint64_t start = stopwatch_now();

	ways_upsert(db, rows, (double)command_number(command, "rate"), took_ns);
	report(command, count, start);
	samples_print(took_ns, count, "");
	free(took_ns);
}

static void do_insert(PGconn *db, const struct command *command,
		      const struct rows *rows)
{
	uint64_t start = stopwatch_now();

	ways_insert(db, rows);
	report(command, (size_t)PQntuples(rows->text), start);
}

static void do_match(PGconn *db, const struct command *command)
{
	size_t count = (size_t)command_number(command, "count");
	size_t per = (size_t)command_number(command, "per");
	struct queries *queries = queries_open(command_text(command, "file"));
	size_t statements = (count + per - 1) / per;
	uint64_t *took_ns = samples_new(statements);
	uint64_t start = stopwatch_now();
	size_t found = asking_run(db, queries, count, per, took_ns);

	report(command, count, start);
	printf(" found=%zu", found);
	samples_print(took_ns, statements, "");
	free(took_ns);
	queries_free(queries);
}

static void obey(PGconn *db, const struct command *command, struct rows **rows)
{
	if (command_is(command, "read"))
		do_read(db, command, rows);
	else if (command_is(command, "match"))
		do_match(db, command);
	else if (!*rows)
		die("nothing was read");
	else if (command_is(command, "copy"))
		do_copy(db, command, *rows);
	else if (command_is(command, "upsert"))
		do_upsert(db, command, *rows);
	else if (command_is(command, "insert"))
		do_insert(db, command, *rows);
	else
		die("no such command: %s", command->verb);
	printf("\n");
}

int main(int argc, char **argv)
{
	struct command command = {0};
	struct rows *rows = NULL;

	if (argc != 2)
		die("reference CONNINFO");
	prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	PGconn *db = PQconnectdb(argv[1]);
	if (PQstatus(db) != CONNECTION_OK)
		die("%s", PQerrorMessage(db));
	printf("ready\n");
	while (command_read(&command))
		obey(db, &command, &rows);
	rows_free(rows);
	PQfinish(db);
	command_free(&command);
	return 0;
}
