/* json - reading and writing of values. */
#include "../../plugin/json.h"
#include "../tap.h"

#include <stdlib.h>

static struct json *parse(const char *text)
{
	return json_parse(text, strlen(text), 32, NULL);
}

static char *rewrite(const char *text, const char *const *without)
{
	struct json *root = parse(text);
	struct buf buf;

	buf_init(&buf, 1 << 20);
	if (root)
		json_write(root, without, &buf);
	json_free(root);
	return root ? buf_take(&buf, NULL) : NULL;
}

static void is_rewritten(const char *text, const char *want, const char *name)
{
	char *got = rewrite(text, NULL);

	is(got, want, name);
	free(got);
}

static void writes(void)
{
	static const char *const without[] = {"b", "d", NULL};

	is_rewritten(" { \"a\" : [ ] , \"b\" : { } , \"c\" : [ 1 , \"x\" ] } ",
		     "{\"a\":[],\"b\":{},\"c\":[1,\"x\"]}",
		     "values are written without space, in order");
	is_rewritten("[true,false,null,\"\"]", "[true,false,null,\"\"]",
		     "words and an empty string are kept");
	is_rewritten("[0,-0,1.0,1e2,-7,9007199254740991,1e15,0.1,1.5e-7,1e300]",
		     "[0,0,1,100,-7,9007199254740991,1e+15,0.1,1.5e-07,1e+300]",
		     "numbers are written short and exact");
	is_rewritten("[0.30000000000000004,1e400,-1e400]",
		     "[0.30000000000000004,null,null]",
		     "all digits that count, and no infinity");
	is_rewritten("\"\\u00e9\\uD83D\\uDE00\\/\\u001f\\\"\\n\"",
		     "\"\xc3\xa9\xf0\x9f\x98\x80/\\u001f\\\"\\n\"",
		     "strings are written as UTF-8");
	is_rewritten("{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}",
		     "members of one name are all written");

	char *got =
	    rewrite("{\"b\":1,\"a\":{\"b\":2},\"d\":3,\"c\":[]}", without);
	is(got, "{\"a\":{\"b\":2},\"c\":[]}",
	   "members can be left out, those deeper down stay");
	free(got);
}

static void reads(void)
{
	struct json *root =
	    parse("{\"s\":\"x\",\"n\":1.5,\"t\":true,\"f\":false,\"z\":null,"
		  "\"s\":\"y\",\"S\":\"Z\",\"a\":[1,\"two\"],\"o\":{}}");
	const struct json *array = json_member(root, "a");
	double number = 0;

	is(json_string(json_member(root, "s")), "x",
	   "of members of one name the first counts");
	is(json_string(json_member(root, "S")), "Z", "names keep their case");
	ok(json_number(json_member(root, "n"), &number) && number == 1.5,
	   "a number is read");
	ok(json_boolean(json_member(root, "t")) == 1 &&
	       json_boolean(json_member(root, "f")) == 0 &&
	       json_boolean(json_member(root, "z")) == -1 &&
	       json_boolean(json_member(root, "n")) == -1,
	   "true, false, and what is neither");
	ok(json_is_array(array) && !json_is_object(array) &&
	       json_is_object(json_member(root, "o")),
	   "arrays and objects are told apart");
	ok(json_number(json_first(array), &number) && number == 1,
	   "an array has a first value");
	is(json_string(json_next(json_first(array))), "two", "and a next one");
	ok(!json_next(json_next(json_first(array))), "and an end");
	ok(!json_first(root) && !json_member(array, "a") &&
	       !json_member(root, "missing") && !json_string(array) &&
	       !json_number(root, &number),
	   "a value of another type has nothing to give");
	ok(!json_is_object(NULL) && !json_member(NULL, "a") &&
	       !json_string(NULL) && !json_first(NULL) && !json_next(NULL) &&
	       !json_number(NULL, &number) && json_boolean(NULL) == -1,
	   "no value has nothing to give");
	json_free(root);
	json_free(NULL);
}

static void large_object(void)
{
	struct buf buf;

	buf_init(&buf, 1 << 20);
	buf_add_string(&buf, "{");
	for (int i = 0; i < JSON_MEMBERS_MAX; i++) {
		buf_add_string(&buf, "\"m");
		buf_add_int(&buf, i);
		buf_add_string(&buf, "\":0,");
	}
	buf_add_string(&buf, "\"late\":0}");
	struct json *root = parse(buf.bytes);
	ok(json_member(root, "m999") && !json_member(root, "late"),
	   "only the first 1000 members are looked at");
	json_free(root);
	buf_free(&buf);
}

static void tokens(void)
{
	struct json *root =
	    parse("{\"a\":[{\"access_token\":\"S\"},\"x?access_token=S\"],"
		  "\"accessToken\":{\"v\":1},\"b\":2,\"my_access_token\":3}");
	struct buf buf;

	buf_init(&buf, 1000);
	ok(json_strip_tokens(root), "tokens are found at any depth");
	json_write(root, NULL, &buf);
	is(buf.bytes, "{\"a\":[{},\"x\"],\"b\":2}",
	   "they and members named after them are removed");
	ok(!json_strip_tokens(root), "then there are none");
	buf_free(&buf);
	json_free(root);
}

static void removal(void)
{
	static const char *const path[] = {"a", "b", NULL};
	static const char *const nowhere[] = {"a", "c", "b", NULL};
	struct json *root = parse("{\"a\":{\"b\":{\"x\":1},\"c\":\"long "
				  "text\"},\"b\":[\"more\"]}");
	struct buf buf;

	buf_init(&buf, 1000);
	json_remove(root, nowhere);
	json_remove(root, path);
	json_remove(root, path);
	json_write(root, NULL, &buf);
	is(buf.bytes, "{\"a\":{\"c\":\"long text\"},\"b\":[\"more\"]}",
	   "a member of a member is taken out, and nothing else");
	const char *text =
	    json_string(json_member(json_member(root, "a"), "c"));
	const char *item = json_string(json_first(json_member(root, "b")));
	json_wipe(root);
	ok(memcmp(text, "\0\0\0\0\0\0\0\0", 9) == 0 && item[0] == '\0' &&
	       item[3] == '\0',
	   "wiped text is gone from memory");
	buf_free(&buf);
	json_free(root);
}

int main(void)
{
	removal();
	writes();
	reads();
	large_object();
	tokens();
	return tap_done();
}
