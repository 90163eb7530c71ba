/* prepared - see prepared.h. */
#include "prepared.h"

#include <stdio.h>

void prepared_forget(struct prepared *prepared)
{
	prepared->alone = false;
	prepared->count = 0;
}

static size_t find(struct prepared *prepared, const char *sql)
{
	size_t i = 0;

	while (i < prepared->count && prepared->statements[i].sql != sql)
		i++;
	return i;
}

enum prepared_how prepared_ask(struct prepared *prepared, const char *sql,
			       size_t at, char name[PREPARED_NAME])
{
	size_t i = find(prepared, sql);

	if (!prepared->alone || prepared->never || i == PREPARED_MAX)
		return PREPARED_NOT;
	if (i == prepared->count) {
		prepared->statements[prepared->count++].sql = sql;
		prepared->statements[i].sent = false;
		prepared->statements[i].made = false;
	}
	snprintf(name, PREPARED_NAME, "call_log_%zu", i + 1);
	if (prepared->statements[i].sent || prepared->statements[i].made)
		return PREPARED_MADE;
	prepared->statements[i].sent = true;
	prepared->statements[i].at = at;
	return PREPARED_SEND;
}

bool prepared_took(struct prepared *prepared, size_t at, bool good)
{
	for (size_t i = 0; i < prepared->count; i++) {
		if (!prepared->statements[i].sent ||
		    prepared->statements[i].at != at)
			continue;
		prepared->statements[i].sent = false;
		prepared->statements[i].made = good;
		return true;
	}
	return false;
}

void prepared_end(struct prepared *prepared)
{
	for (size_t i = 0; i < prepared->count; i++)
		prepared->statements[i].sent = false;
}
