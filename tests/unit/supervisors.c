/* supervisors - who is one, by the names in the configuration, and who only looks
 * like one. */
#include "../../plugin/supervisors.h"
#include "../tap.h"

int main(void)
{
	static const struct {
		const char *names, *account, *agent;
		bool want;
		const char *test;
	} cases[] = {
	    {"dana", "", "dana", true, "who is named is one"},
	    {"ann\ndana\nsam", "", "dana", true, "in the middle of a list"},
	    {"ann\ndana", "", "dana", true, "or at its end"},
	    {"acme/dana", "acme", "dana", true, "one of a tenant"},
	    {"", "", "dana", false, "nobody is when none is named"},
	    {"dana", "", "dan", false, "not by a part of a name"},
	    {"dana", "", "danae", false, "nor by more than it"},
	    {"dana", "", "Dana", false, "nor in other letters"},
	    {"dana", "acme", "dana", false, "nor of a tenant"},
	    {"acme/dana", "", "dana", false, "nor of no tenant"},
	    {"acme/dana", "acm", "dana", false, "nor of another"},
	    {"acme/dana", "acme/", "dana", false, "or a longer one"},
	    {"a/b/c", "a", "b/c", true, "an agent's name may have a slash"},
	    {"a/b/c", "a/b", "c", false, "a tenant's may not"},
	    {"ann\ndana", "", "ann\ndana", false, "two names are none"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(supervisors_hold(cases[i].names, cases[i].account,
				    cases[i].agent) == cases[i].want,
		   "%s", cases[i].test);
	return tap_done();
}
