/* prepared - which statements are prepared for a connection. */
#include "../../plugin/prepared.h"
#include "../tap.h"

#include <string.h>

static const char one[] = "SELECT 1", two[] = "SELECT 2";

static void preparing(void)
{
	struct prepared prepared = {.alone = true};
	char name[PREPARED_NAME], other[PREPARED_NAME];

	ok(prepared_ask(&prepared, one, 0, name) == PREPARED_SEND,
	   "a statement is prepared the first time");
	ok(prepared_ask(&prepared, two, 2, other) == PREPARED_SEND &&
	       strcmp(name, other) != 0,
	   "another one under another name");
	ok(prepared_ask(&prepared, one, 4, other) == PREPARED_MADE &&
	       strcmp(name, other) == 0,
	   "but not twice in a group");
	ok(prepared_took(&prepared, 0, true) &&
	       !prepared_took(&prepared, 1, true) &&
	       prepared_took(&prepared, 2, false) &&
	       !prepared_took(&prepared, 3, true),
	   "results of preparations are told from others");
	prepared_end(&prepared);
	ok(prepared_ask(&prepared, one, 0, name) == PREPARED_MADE,
	   "what was prepared stays so");
	ok(prepared_ask(&prepared, two, 1, name) == PREPARED_SEND,
	   "what was refused is tried again");
	prepared_end(&prepared);
	ok(prepared_ask(&prepared, two, 1, name) == PREPARED_SEND,
	   "and so is what nothing was heard of");
	prepared_forget(&prepared);
	ok(prepared_ask(&prepared, one, 0, name) == PREPARED_NOT,
	   "over another connection nothing is, until it is known to be alone");
}

static void going_without(void)
{
	static const char sql[PREPARED_MAX + 1][2];
	struct prepared prepared = {.alone = true};
	char name[PREPARED_NAME];

	for (size_t i = 0; i < PREPARED_MAX; i++)
		prepared_ask(&prepared, sql[i], i, name);
	ok(prepared_ask(&prepared, sql[PREPARED_MAX], PREPARED_MAX, name) ==
	       PREPARED_NOT,
	   "there is a limit to names");
	prepared.never = true;
	ok(prepared_ask(&prepared, sql[0], 9, name) == PREPARED_NOT,
	   "and none where they were lost once");
}

int main(void)
{
	preparing();
	going_without();
	return tap_done();
}
