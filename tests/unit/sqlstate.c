/* sqlstate - what errors of the server are taken for. */
#include "../../plugin/sqlstate.h"
#include "../tap.h"

static void classes(void)
{
	static const struct {
		const char *sqlstate;
		enum err_kind kind;
	} cases[] = {
	    {"08006", ERR_AWAY},     {"53300", ERR_AWAY},
	    {"57P01", ERR_AWAY},     {"40001", ERR_AWAY},
	    {"40P01", ERR_AWAY},     {"25006", ERR_AWAY},
	    {"28P01", ERR_AWAY},     {"3D000", ERR_AWAY},
	    {"55P03", ERR_AWAY},     {"58030", ERR_AWAY},
	    {"22021", ERR_ROW},      {"23514", ERR_ROW},
	    {"42883", ERR_SCHEMA},   {"42501", ERR_SCHEMA},
	    {"3F000", ERR_SCHEMA},   {"P0001", ERR_ROW},
	    {"XX000", ERR_INTERNAL}, {"54000", ERR_ROW},
	    {"F0000", ERR_INTERNAL}, {"0A000", ERR_SCHEMA},
	    {"", ERR_INTERNAL},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(sqlstate_kind(cases[i].sqlstate) == cases[i].kind,
		   "SQLSTATE %s is of its kind", cases[i].sqlstate);
}

static void circumstances(void)
{
	ok(sqlstate_is_serialization("40P01") &&
	       !sqlstate_is_serialization("22021"),
	   "a deadlock is lost against another transaction");
	ok(sqlstate_is_lock("55P03") && !sqlstate_is_lock("57014"),
	   "what was cancelled for want of a lock is known");
	ok(sqlstate_is_cancelled("57014") && sqlstate_is_cancelled("55P03") &&
	       !sqlstate_is_cancelled("57P01"),
	   "a limit cancels, a shutdown does not");
	ok(sqlstate_is_connection("57P01") && sqlstate_is_connection("08006") &&
	       !sqlstate_is_connection("57014") &&
	       !sqlstate_is_connection("53100"),
	   "a shutdown is about the server, a full disk is not");
	ok(sqlstate_is_missing("42883") && sqlstate_is_missing("3F000") &&
	       sqlstate_is_missing("42P01") && !sqlstate_is_missing("42501"),
	   "what is forbidden is not missing");
}

int main(void)
{
	classes();
	circumstances();
	return tap_done();
}
