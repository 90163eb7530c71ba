/* err - what an error says. */
#include "../../plugin/err.h"
#include "../tap.h"

static void cut_inside(const char *character, const char *name)
{
	char text[400] = "";
	struct err err;
	size_t step = strlen(character), whole = 255 / step * step;

	for (size_t at = 0; at + step < sizeof(text); at += step)
		memcpy(text + at, character, step + 1);
	err_set(&err, ERR_INTERNAL, "%s", text);
	ok(strlen(err.text) == whole && memcmp(err.text, text, whole) == 0,
	   "a long text is cut between two characters of %s", name);

	err_set(&err, ERR_INTERNAL, "a%s", text);
	ok(strlen(err.text) == 1 + 254 / step * step,
	   "also when they begin one byte later (%s)", name);
}

int main(void)
{
	struct err err = {.sqlstate = "23505"};

	ok(!err_set(&err, ERR_INPUT, "%s is missing", "body.call"),
	   "setting an error returns false");
	ok(err.kind == ERR_INPUT, "it has the kind");
	is(err.text, "body.call is missing", "and the text");
	is(err.sqlstate, "", "and no SQLSTATE left from before");
	ok(!err_set(NULL, ERR_INPUT, "x"), "nobody has to ask for the error");
	char lines[] = "  could not\n\tconnect: refused \n";
	err_flatten(lines);
	is(lines, "could not connect: refused", "several lines become one");
	cut_inside("x", "one byte");
	cut_inside("\xc3\xa9", "two bytes");
	cut_inside("\xe2\x82\xac", "three bytes");
	cut_inside("\xf0\x9f\x98\x80", "four bytes");
	return tap_done();
}
