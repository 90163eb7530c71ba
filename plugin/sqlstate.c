/* sqlstate - see sqlstate.h. */
#include "sqlstate.h"

#include <stddef.h>
#include <string.h>

static bool begins(const char *sqlstate, const char *prefix)
{
	return strncmp(sqlstate, prefix, strlen(prefix)) == 0;
}

enum err_kind sqlstate_kind(const char *sqlstate)
{
	static const struct {
		const char *prefix;
		enum err_kind kind;
	} kinds[] = {
	    {"08", ERR_AWAY},    /* connection */
	    {"53", ERR_AWAY},    /* resources: connections, memory, disk */
	    {"57", ERR_AWAY},    /* operator, shutdown, statement timeout */
	    {"58", ERR_AWAY},    /* the server's own input and output */
	    {"40", ERR_AWAY},    /* serialization, deadlock */
	    {"55P03", ERR_AWAY}, /* lock timeout */
	    {"25", ERR_AWAY}, /* read-only, or a pooler's broken transaction */
	    {"26", ERR_AWAY}, /* a prepared statement, lost by a pooler */
	    {"28", ERR_AWAY}, /* authorization of the connection */
	    {"3D", ERR_AWAY}, /* no such database */
	    {"22", ERR_ROW},  /* data */
	    {"23", ERR_ROW},  /* constraints */
	    {"21", ERR_ROW},  /* too many rows, of an owner's trigger */
	    {"44", ERR_ROW},  /* a view's check option */
	    {"54", ERR_ROW},  /* too long, for an index for instance */
	    {"P0", ERR_ROW},  /* what an owner's trigger raises */
	    {"42", ERR_SCHEMA}, /* names and rights */
	    {"3F", ERR_SCHEMA}, /* schema name */
	    {"0A", ERR_SCHEMA}, /* what this server does not do */
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (begins(sqlstate, kinds[i].prefix))
			return kinds[i].kind;
	return ERR_INTERNAL;
}

bool sqlstate_is_serialization(const char *sqlstate)
{
	return begins(sqlstate, "40");
}

bool sqlstate_is_cancelled(const char *sqlstate)
{
	return sqlstate_is_lock(sqlstate) || strcmp(sqlstate, "57014") == 0;
}

bool sqlstate_is_lock(const char *sqlstate)
{
	return strcmp(sqlstate, "55P03") == 0;
}

bool sqlstate_is_connection(const char *sqlstate)
{
	return begins(sqlstate, "08") || begins(sqlstate, "57P");
}

bool sqlstate_is_missing(const char *sqlstate)
{
	return strcmp(sqlstate, "42883") == 0 ||
	       strcmp(sqlstate, "3F000") == 0 || strcmp(sqlstate, "42P01") == 0;
}

bool sqlstate_is_name_lost(const char *sqlstate)
{
	return strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "42P05") == 0;
}
