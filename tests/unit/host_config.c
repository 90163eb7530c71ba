/* host_config - the configuration file: each mistake has its line, with file,
 * line, key, what was found and what is allowed; and what is right is not
 * complained about. */
#include "../tap.h"

#include "host_fixture.h"

static char *folder;

/* Opens a file with that text and returns what is wrong with it; the folder is
 * taken out of the paths. "" when it opens. */
static const char *problems_of(const char *text)
{
	static char why[8192], path[PATH_MAX];
	struct lines lines;
	struct crm_host_callbacks callbacks = lines_callbacks(&lines);
	struct crm_runtime *runtime;
	size_t len = strlen(folder) + 1;

	write_text(folder, "host.conf", text);
	runtime = crm_host_open(inside(folder, "host.conf", path), &callbacks,
				why, sizeof(why));
	if (runtime) {
		crm_host_close(runtime);
		return "";
	}
	for (char *p = strstr(why, folder); p; p = strstr(p, folder))
		memmove(p, p + len, strlen(p + len) + 1);
	return why;
}

static void test_values(void)
{
	is(problems_of("host: { plugin_dir = \".\"; };\n"
		       "demo: {\n"
		       "  size = 11;\n"
		       "  mode = \"some\";\n"
		       "  list = \"a\";\n"
		       "  fail_start = 1;\n"
		       "  name = 5;\n"
		       "};\n"),
	   "host.conf:3: demo.size: found 11, allowed an integer from 1 to 10\n"
	   "host.conf:4: demo.mode: found \"some\", allowed \"none\", "
	   "\"final\" or \"all\"\n"
	   "host.conf:5: demo.list: found \"a\", allowed a list of strings, "
	   "[\"a\", \"b\"]\n"
	   "host.conf:6: demo.fail_start: found 1, allowed true or false\n"
	   "host.conf:7: demo.name: found 5, allowed a string in quotes",
	   "all wrong values are told at once, a line each");
	is(problems_of(
	       "host: { plugin_dir = \".\"; };\n"
	       "demo: { size = 1.5; mode = true; list = [1];\n"
	       " fail_start = \"yes\"; name = [\"password=secret\"]; };"),
	   "host.conf:2: demo.size: found 1.5, allowed an integer from 1 to "
	   "10\n"
	   "host.conf:2: demo.mode: found true, allowed \"none\", \"final\" or "
	   "\"all\"\n"
	   "host.conf:2: demo.list: found a list, allowed a list of strings, "
	   "[\"a\", \"b\"]\n"
	   "host.conf:3: demo.fail_start: found \"yes\", allowed true or "
	   "false\n"
	   "host.conf:3: demo.name: found a list, allowed a string in quotes",
	   "each type is checked, and no secret is repeated");
	is(problems_of("host: { plugin_dir = \".\"; };\n"
		       "demo: { size = 10; mode = \"all\"; list = [];\n"
		       " fail_start = false; name = \"x\"; enabled = true;\n"
		       " required = true; };"),
	   "", "right values are taken");
	is(problems_of("host: { plugin_dir = \".\"; };\n"
		       "demo: { list = [\"a\", \"\"]; };"),
	   "host.conf:2: demo.list: found a list, allowed a list of strings, "
	   "[\"a\", \"b\"]",
	   "an empty element would be lost, and is refused");
}

static void test_keys(void)
{
	is(problems_of("host: { plugin_dir = \".\"; max_mesage_kb = 5; };\n"
		       "demo: {\n"
		       "  szie = 5;\n"
		       "  Mode = \"all\";\n"
		       "  enable = true;\n"
		       "  ab = 1;\n"
		       "};\n"),
	   "host.conf:1: host.max_mesage_kb: unknown key; did you mean "
	   "'max_message_kb'?\n"
	   "host.conf:3: demo.szie: unknown key; did you mean 'size'?\n"
	   "host.conf:4: demo.Mode: unknown key; did you mean 'mode'?\n"
	   "host.conf:5: demo.enable: unknown key; did you mean 'enabled'?\n"
	   "host.conf:6: demo.ab: unknown key; allowed: name, size, mode, "
	   "list, fail_create, half, fail_start, stubborn, forget",
	   "an unknown key is told with what was probably meant");
	is(problems_of("host: { plugin_dir = \".\"; };\n\n"
		       "strict: { };\n"),
	   "host.conf:3: strict.conninfo: required key is missing; allowed: a "
	   "string in quotes",
	   "a missing required key is told before the plugin is created");
	is(problems_of("host: { plugin_dir = \".\"; };\n"
		       "strict: { conninfo = 5; };\n"),
	   "host.conf:2: strict.conninfo: found 5, allowed a string in quotes",
	   "so is a wrong one");
	is(problems_of("host: { plugin_dir = \".\"; };\n"
		       "demo: { required = \"yes\"; enabled = 0; };\n"),
	   "host.conf:2: demo.enabled: found 0, allowed true or false\n"
	   "host.conf:2: demo.required: found \"yes\", allowed true or false",
	   "the host's own keys of a plugin's group are checked");
}

/* A plugin that cannot be described is created first and checked after that. */
static void test_naive(void)
{
	plugin_copy(folder, "naive", "naive");
	is(problems_of("host: { plugin_dir = \".\"; };\n"
		       "naive: { required = true; };\n"),
	   "plugin 'naive.so' (test.naive 2.1) did not initialise: 'conninfo' "
	   "is not set",
	   "a plugin that cannot be described says itself what is missing");
	is(problems_of("host: { plugin_dir = \".\"; };\n"
		       "naive: { required = true; conninfo = \"x\";\n"
		       " conifno = \"y\"; };\n"),
	   "plugin 'naive.so' (test.naive 2.1) is configured wrongly: "
	   "host.conf:3: naive.conifno: unknown key; did you mean 'conninfo'?",
	   "and its group is checked as soon as its options are known");
}

static void test_groups(void)
{
	is(problems_of("demo: { };\n"),
	   "host.conf:1: host: the group is missing; allowed: `host: { "
	   "plugin_dir = \"...\"; };`",
	   "a file without the host's group is refused");
	is(problems_of("host: { };\n"),
	   "host.conf:1: host.plugin_dir: required key is missing; allowed: a "
	   "string in quotes",
	   "so is one without plugin_dir");
	is(problems_of("host: { plugin_dir = \".\"; };\nsize = 5;\n"),
	   "host.conf:2: size: found 5, allowed a group: `host: { ... };` or "
	   "one named as a plugin",
	   "a key outside of all groups is refused");
	is(problems_of("conninfo = \"password=geheim\";\n"
		       "host: { plugin_dir = \".\"; };\n"),
	   "host.conf:1: conninfo: found a string, allowed a group: `host: { "
	   "... };` or one named as a plugin",
	   "and what may be a secret there is not repeated");
	is(problems_of("host: { plugin_dir = \".\"; };\n"
		       "nowhere: { enabled = false; what = 5; };\n"),
	   "", "a disabled group is not looked into");
	is(problems_of("host: { plugin_dir = \".\"; };\n"
		       "host: { listen = \"x\"; };\n"),
	   "host.conf:2: duplicate setting name",
	   "a group that is there twice is refused");
}

static void test_syntax(void)
{
	char path[PATH_MAX], why[1024], want[PATH_MAX + 100];

	is(problems_of("host: {\n plugin_dir = ;\n};\n"),
	   "host.conf:2: syntax error", "a syntax error has its line");
	is(problems_of("host: { plugin_dir = \".\";\n"
		       "  # 99999999999\n"
		       "  listen = \"99999999999\";\n"
		       "  max_message_kb = 4294967297; };\n"),
	   "host.conf:4: max_message_kb: found 4294967297, allowed integers up "
	   "to 2147483647",
	   "a number that would wrap around is refused");
	is(problems_of("@include \"none.conf\"\n"),
	   "host.conf:1: cannot include 'none.conf': No such file or directory",
	   "a missing include is refused");
	mkdir(inside(folder, "sub", path), 0700);
	is(problems_of("\n@include \"sub\"\n"),
	   "host.conf:2: cannot include 'sub': not a regular file",
	   "including a folder is refused, and does not end the process");
	write_text(folder, "more.conf", "demo: {\n size = 0; };\n");
	is(problems_of("host: { plugin_dir = \".\"; };\n"
		       "@include \"more.conf\"\n"),
	   "more.conf:2: demo.size: found 0, allowed an integer from 1 to 10",
	   "a mistake in an included file has that file's name");
	ok(!crm_host_open(folder, NULL, why, sizeof(why)),
	   "a folder is no configuration");
	snprintf(want, sizeof(want),
		 "%s: cannot read the configuration: not a regular file",
		 folder);
	is(why, want, "and the reason is told");
	ok(!crm_host_open(inside(folder, "none", path), NULL, why, sizeof(why)),
	   "a missing file is no configuration");
	ok(strstr(why, "No such file or directory") != NULL,
	   "and the reason is told");
	ok(!crm_host_open(path, NULL, NULL, 0) &&
	       !crm_host_open(path, NULL, why, 10) && strlen(why) == 9,
	   "the reason is cut to the caller's buffer");
}

static void test_settings(void)
{
	struct crm_runtime *runtime;

	write_text(folder, "naive.conf", "naive: { conninfo = \"db\"; };");
	runtime = host_run(folder,
			   "demo: { list = [\"x\", \"y\"]; };\n"
			   "off: { enabled = false; };\n"
			   "@include \"naive.conf\"\n",
			   NULL);
	ok(runtime != NULL, "a host runs");
	is(crm_host_setting(runtime, "host", "listen"), "127.0.0.1:8085",
	   "a setting that is not in the file has its default");
	is(crm_host_setting(runtime, "host", "plugin_dir"), folder,
	   "a relative plugin_dir is relative to the file's folder");
	is(crm_host_setting(runtime, "demo", "list"), "x\ny",
	   "a list is one element a line");
	is(crm_host_setting(runtime, "demo", "size"), "5",
	   "a plugin's defaults are known");
	is(crm_host_setting(runtime, "naive", "conninfo"), "db",
	   "also of a plugin that cannot be described");
	is(crm_host_setting(runtime, "demo", "name"), NULL,
	   "what is not set has no value");
	is(crm_host_setting(runtime, "host", "nothing"), NULL,
	   "nor has what is unknown");
	is(crm_host_setting(runtime, "off", "size"), NULL,
	   "nor has what is disabled");
	crm_host_close(runtime);
}

/* ---------------------------------------------------------- check and list */

static void keep_line(void *context, enum crm_level level, const char *line)
{
	char text[4096];

	snprintf(text, sizeof(text), "%s", line);
	for (char *p = strstr(text, folder); p; p = strstr(p, folder))
		memmove(p, p + strlen(folder) + 1,
			strlen(p + strlen(folder) + 1) + 1);
	lines_log(context, level, "check", text);
}

static enum crm_status check(const char *text, mode_t mode, struct lines *lines)
{
	char path[PATH_MAX];

	lines_callbacks(lines);
	write_text(folder, "check.conf", text);
	chmod(inside(folder, "check.conf", path), mode);
	return crm_host_check(path, keep_line, lines);
}

static void test_check(void)
{
	static const char *const with[] = {
	    "host=x password=secret",
	    "password = 'x'",
	    "postgresql://u:secret@h/db",
	    "postgres://h/db?password=x",
	};
	static const char *const without[] = {
	    "host=x passfile=/p",
	    "password=",
	    "password=''",
	    "postgresql://u:@h/db",
	    "postgresql://u@h:5432/db",
	    "postgresql://h/db?x=a:b@c",
	};
	struct lines lines;
	char text[500];
	size_t wrong = 0;

	ok(check(
	       "host: { plugin_dir = \".\"; };\nstrict: { conninfo = \"x\"; };",
	       0644, &lines) == CRM_OK,
	   "a right file passes the check");
	ok(lines_count(&lines, "error") == 0 &&
	       lines_count(&lines, "warn") == 0,
	   "with nothing to complain about");
	ok(check("host: { plugin_dir = \".\"; };\nstrict: { };\nlost: { };",
		 0644, &lines) == CRM_FAILED &&
	       lines_have(&lines, "error check: check.conf:2: strict.conninfo: "
				  "required key is missing") &&
	       lines_have(&lines, "error check: plugin 'lost.so' not loaded: "
				  "No such file or directory\n"),
	   "the check tells mistakes and plugins that are not there");
	ok(check("host: { plugin_dir = \".\"; };\n"
		 "demo: { fail_create = true; };",
		 0644, &lines) == CRM_FAILED &&
	       lines_have(&lines, "did not initialise: 'db.conninfo' is not "
				  "set\n"),
	   "and what create() says");
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
		snprintf(text, sizeof(text),
			 "host: { plugin_dir = \".\"; };\n"
			 "strict: { conninfo = \"%s\"; };",
			 with[i]);
		if (check(text, 0644, &lines) != CRM_OK ||
		    !lines_have(&lines,
				"warn check: check.conf:2: strict.conninfo: "
				"holds a password, and everyone can read the "
				"file (mode 0644); chmod o-r it\n") ||
		    lines_count(&lines, "secret") > 0)
			wrong++;
		if (check(text, 0640, &lines) != CRM_OK ||
		    lines_count(&lines, "warn") > 0)
			wrong++;
	}
	ok(wrong == 0, "a password in a file that everyone can read is warned "
		       "of, and only there");
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		snprintf(text, sizeof(text),
			 "host: { plugin_dir = \".\"; };\n"
			 "strict: { conninfo = \"%s\"; };",
			 without[i]);
		if (check(text, 0644, &lines) != CRM_OK ||
		    lines_count(&lines, "warn") > 0) {
			diag("warned of: %s", without[i]);
			wrong++;
		}
	}
	ok(wrong == 0, "what is no password is not");
}

static void test_list(void)
{
	char path[PATH_MAX];
	struct lines lines;

	write_text(folder, "list.conf",
		   "host: { plugin_dir = \".\"; };\n"
		   "demo: { };\noff: { enabled = false; };\nlost: { };\n");
	lines_callbacks(&lines);
	ok(crm_host_list(inside(folder, "list.conf", path), keep_line,
			 &lines) == CRM_OK,
	   "the plugins are listed");
	ok(lines_have(&lines, "info check: demo\tready\torg.example.demo "
			      "1.0\tdemo.so\n"),
	   "one that can start");
	ok(lines_have(&lines, "info check: off\tdisabled\t- -\toff.so\n"),
	   "one that is disabled");
	ok(lines_have(&lines,
		      "info check: lost\trefused\t- -\tlost.so\tplugin "
		      "'lost.so' not loaded: No such file or directory\n"),
	   "one that is not there");
	ok(lines_have(&lines, "info check: strict\tunused\ttest.demanding "
			      "2.1\tstrict.so\n"),
	   "and one that the file does not name");
}

static void test_documents(void)
{
	char sample[16384], page[16384], why[500], path[PATH_MAX];
	char strict[PATH_MAX], demo[PATH_MAX], small[10];
	const char *const plugins[] = {inside(folder, "demo.so", demo),
				       inside(folder, "strict.so", strict)};
	const char *const missing[] = {"/none.so"};
	size_t len = crm_host_sample(plugins, 2, sample, sizeof(sample), why,
				     sizeof(why));
	struct lines lines;
	char *place;

	ok(len == strlen(sample), "the sample configuration is printed");
	ok(strstr(sample,
		  "\tconninfo = \"host=/run/postgresql dbname=crm\";\n") &&
	       strstr(sample, "\t#size = 5;\n") &&
	       strstr(sample, "\t#name = \"a \\\"b\\\" \\\\c\";\n") &&
	       strstr(sample, "# (an integer from 1 to 10; default 5)\n") &&
	       strstr(sample, "\t#list = [\"a\", \"b\"];\n") &&
	       strstr(sample, "\t#mode = \"final\";\n"),
	   "with required keys, and the others commented out");
	place = strstr(sample, "\"/usr/local/lib/crm/plugins\"");
	if (place)
		memcpy(place, "\".\"                         ", 28);
	lines_callbacks(&lines);
	write_text(folder, "sample.conf", sample);
	ok(crm_host_check(inside(folder, "sample.conf", path), keep_line,
			  &lines) == CRM_OK,
	   "the sample passes the check");
	/* Every line with a bare # is a setting that may stand there. */
	for (char *p = strstr(sample, "\t#"); p; p = strstr(p + 1, "\t#"))
		if (p[2] != ' ')
			p[1] = ' ';
	lines_callbacks(&lines);
	write_text(folder, "sample.conf", sample);
	ok(crm_host_check(path, keep_line, &lines) == CRM_OK,
	   "also with all its settings in force");
	ok(crm_host_sample(plugins, 2, small, sizeof(small), why,
			   sizeof(why)) == len &&
	       strlen(small) == 9,
	   "a small buffer gets a part, and the length of the whole");
	ok(crm_host_sample(missing, 1, sample, sizeof(sample), why,
			   sizeof(why)) == 0,
	   "without the plugin there is no sample");
	is(why, "plugin '/none.so' not loaded: No such file or directory",
	   "and the reason is told");
	len = crm_host_manual(plugins, 2, page, sizeof(page), why, sizeof(why));
	ok(len == strlen(page) && strncmp(page, ".TH demo.conf 5", 15) == 0,
	   "the manual page is printed");
	ok(strstr(page, ".SH GROUP host\n") &&
	       strstr(page, ".SH GROUP demo\n") &&
	       strstr(page, ".B conninfo\n") && strstr(page, "\\(dqit\\(dq") &&
	       strstr(page, "A \\e and a .dot"),
	   "with every group, and nothing that roff would take for its own");
}

int main(void)
{
	folder = folder_new();
	plugin_copy(folder, "behave", "demo");
	plugin_copy(folder, "demanding", "strict");
	test_values();
	test_keys();
	test_naive();
	test_groups();
	test_syntax();
	test_settings();
	test_check();
	test_list();
	test_documents();
	folder_free(folder);
	return tap_done();
}
