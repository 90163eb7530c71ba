/* supervisors - see supervisors.h. */
#include "supervisors.h"

#include <string.h>

/* Moves past a prefix; false: the text does not begin with it. */
static bool skip(const char **text, const char *prefix)
{
	size_t len = strlen(prefix);

	if (strncmp(*text, prefix, len) != 0)
		return false;
	*text += len;
	return true;
}

static bool is_line(const char *line, const char *account, const char *agent)
{
	if (strchr(agent, '\n'))
		return false;
	/* "a/b" of account "c" is not "b" of account "a/c": an account with a
	 * slash in its name has no supervisors, rather than another's. */
	if (account[0] && (strchr(account, '/') || !skip(&line, account) ||
			   !skip(&line, "/")))
		return false;
	return skip(&line, agent) && (*line == '\n' || *line == '\0');
}

bool supervisors_hold(const char *names, const char *account, const char *agent)
{
	while (names) {
		if (is_line(names, account, agent))
			return true;
		names = strchr(names, '\n');
		if (names)
			names++;
	}
	return false;
}
