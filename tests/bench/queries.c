/* queries - see queries.h. */
#include "queries.h"

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *need(void *memory)
{
	if (!memory)
		die("out of memory");
	return memory;
}

static void write_message(struct query *query)
{
	FILE *file = need(open_memstream(&query->message, &query->message_len));

	fputs("{\"type\":\"rc-post-message-request\",\"requestId\":"
	      "\"6b2ffba8-09f8-41de-a497-977ca3f31458\",\"path\":"
	      "\"/callLogger/match\",\"body\":{\"sessionIds\":[",
	      file);
	for (size_t i = 0; i < query->count; i++)
		fprintf(file, "%s\"%s\"", i ? "," : "", query->ids[i]);
	fputs("],\"activeSessionIds\":[]}}", file);
	fclose(file);
}

/* `line` becomes the query's. */
static void read_query(struct query *query, char *line)
{
	char *ids = line;
	size_t most = 1;

	query->agent = strsep(&ids, "\t");
	if (!ids)
		die("a query without ids");
	for (const char *c = ids; *c; c++)
		most += *c == ',';
	query->ids = need(malloc(most * sizeof(*query->ids)));
	while (ids)
		query->ids[query->count++] = strsep(&ids, ",");
	write_message(query);
}

struct queries *queries_open(const char *path)
{
	struct queries *queries = need(calloc(1, sizeof(*queries)));
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t cap = 0;

	if (!file)
		die("cannot open %s", path);
	while (getline(&line, &cap, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		queries->queries =
		    need(realloc(queries->queries,
				 (queries->count + 1) * sizeof(struct query)));
		struct query *query = &queries->queries[queries->count++];
		*query = (struct query){0};
		read_query(query, line);
		line = NULL;
		cap = 0;
	}
	free(line);
	fclose(file);
	if (queries->count == 0)
		die("%s: no queries", path);
	return queries;
}

void queries_free(struct queries *queries)
{
	for (size_t i = 0; queries && i < queries->count; i++) {
		free(queries->queries[i].agent); /* the line begins there */
		free(queries->queries[i].ids);
		free(queries->queries[i].message);
	}
	if (queries)
		free(queries->queries);
	free(queries);
}

void queries_make(void *context, size_t lane, size_t number,
		  struct crm_request *request)
{
	struct queries *queries = context;
	const struct query *query = &queries->queries[number % queries->count];

	(void)lane;
	request->account = "";
	request->agent = query->agent;
	request->path = "/callLogger/match";
	request->sent_at_ms = 0;
	request->body = query->message;
	request->body_len = query->message_len;
}
