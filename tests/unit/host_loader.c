/* host_loader - every file that the loader must refuse, with the words that
 * users see. The rows are those of the loader's table, in its order. */
#include "../tap.h"

#include <sys/wait.h>

#include "../../host-api/loader.h"
#include "host_fixture.h"

#ifdef __x86_64__
enum { THIS_MACHINE = 62, OTHER_MACHINE = 183 };
#define OTHER_MACHINE_SAYS "built for aarch64; this host is x86-64"
#else
enum { THIS_MACHINE = 183, OTHER_MACHINE = 62 };
#define OTHER_MACHINE_SAYS "built for x86-64; this host is aarch64"
#endif

static char *folder;

/* What the loader says to a path, without the prefix that every refusal has; ""
 * when it loads. */
static const char *refusal(const char *path)
{
	static char why[2048];
	char prefix[PATH_MAX + 64];
	struct crm_file file;

	if (crm_loader_open(path, NULL, 0, &file, why, sizeof(why))) {
		crm_loader_close(&file);
		return "";
	}
	snprintf(prefix, sizeof(prefix), "plugin '%s' not loaded: ", path);
	if (strncmp(why, prefix, strlen(prefix)) != 0 || file.handle ||
	    strchr(why, '\n'))
		return why;
	return why + strlen(prefix);
}

/* A copy of a plugin with some bytes of its entry changed. */
static const char *patched(const char *name, size_t offset, const void *bytes,
			   size_t len, char path[PATH_MAX])
{
	static const unsigned char start[] = {
	    'C', 'R', 'M', '1', sizeof(struct crm_entry), 0, 0, 0};
	char from[PATH_MAX];
	size_t size;
	unsigned char *file = read_bytes(plugin_built(name, from), &size);
	unsigned char *entry = memmem(file, size, start, sizeof(start));

	if (!entry) {
		printf("Bail out! %s has no entry\n", name);
		exit(1);
	}
	memcpy(entry + offset, bytes, len);
	write_bytes(inside(folder, "patched.so", path), file, size, 0755);
	free(file);
	return path;
}

static void test_path(void)
{
	char path[PATH_MAX];

	is(refusal("plugins/x.so"), "plugin path must be absolute",
	   "a relative path is refused");
	is(refusal(inside(folder, "none.so", path)),
	   "No such file or directory", "a missing file is refused");
	is(refusal(folder), "not a regular file", "a folder is refused");
	mkfifo(inside(folder, "pipe.so", path), 0600);
	is(refusal(path), "not a regular file",
	   "a pipe is refused and not waited for");
	is(refusal("/dev/null"), "not a regular file", "a device is refused");
}

static void test_rights(void)
{
	char path[PATH_MAX], want[PATH_MAX + 200];

	plugin_copy(folder, "behave", "x");
	inside(folder, "x.so", path);
	is(refusal(path), "", "a plugin of ours in a folder of ours loads");
	chmod(path, 0666);
	snprintf(want, sizeof(want),
		 "file '%s' is writable by everyone (mode 0666); chmod go-w it",
		 path);
	is(refusal(path), want, "a file that everyone can write is refused");
	chmod(path, 0664);
	snprintf(want, sizeof(want),
		 "file '%s' is writable by its group (mode 0664); chmod go-w "
		 "it",
		 path);
	is(refusal(path), want, "a file that its group can write is refused");
	chmod(path, 0755);
}

/* Root gives the file away; anybody else looks with the eyes of another uid. */
static const char *refusal_as_stranger(const char *path, const char *given,
				       unsigned *owner, unsigned *self)
{
	static char why[2048];
	char resolved[PATH_MAX];
	bool root = geteuid() == 0;

	*owner = root ? 1234 : geteuid();
	*self = root ? 0 : geteuid() + 1;
	if (root && chown(given, *owner, (gid_t)-1) != 0)
		return "cannot chown";
	why[0] = '\0';
	crm_loader_check_file(path, *self, resolved, why, sizeof(why));
	if (root && chown(given, 0, (gid_t)-1) != 0)
		return "cannot chown back";
	return why;
}

static void test_owner(void)
{
	char path[PATH_MAX], want[PATH_MAX + 200];
	unsigned owner, self;
	const char *why;

	inside(folder, "x.so", path);
	why = refusal_as_stranger(path, path, &owner, &self);
	snprintf(want, sizeof(want),
		 "file '%s' belongs to uid %u; it must belong to root or to "
		 "this process (uid %u)",
		 path, owner, self);
	is(why, want, "a stranger's file is refused");
}

static void test_directory(void)
{
	char path[PATH_MAX], want[PATH_MAX + 200], sub[PATH_MAX];

	inside(folder, "sub", sub);
	mkdir(sub, 0755);
	plugin_copy(sub, "behave", "y");
	inside(sub, "y.so", path);
	chmod(sub, 0777);
	snprintf(want, sizeof(want),
		 "directory '%s' is writable by everyone (mode 0777); install "
		 "the plugin where only root can write",
		 sub);
	is(refusal(path), want, "a folder that everyone can write is refused");
	chmod(sub, 0770);
	snprintf(want, sizeof(want),
		 "directory '%s' is writable by its group (mode 0770); install "
		 "the plugin where only root can write",
		 sub);
	is(refusal(path), want, "a folder that its group can write is refused");
	chmod(sub, 01777);
	is(refusal(path), "", "a sticky folder is good enough");
	chmod(sub, 0755);
}

static void test_directory_owner(void)
{
	char sub[PATH_MAX], why[512] = "", want[PATH_MAX + 200];

	inside(folder, "sub", sub);
	if (geteuid() == 0 && chown(sub, 1234, (gid_t)-1) != 0)
		return;
	crm_loader_check_directory(sub, geteuid() == 0 ? 0 : geteuid() + 1, why,
				   sizeof(why));
	snprintf(want, sizeof(want),
		 "directory '%s' belongs to uid %u; install the plugin where "
		 "only root can write",
		 sub, geteuid() == 0 ? 1234 : geteuid());
	is(why, want, "a stranger's folder is refused");
	if (geteuid() == 0) {
		char path[PATH_MAX];

		is(refusal(inside(sub, "y.so", path)), want,
		   "also when the file in it is root's");
		ok(chown(sub, 0, (gid_t)-1) == 0, "the folder is root's again");
	}
}

static const char *written(const void *bytes, size_t len, char path[PATH_MAX])
{
	write_bytes(inside(folder, "written.so", path), bytes, len, 0755);
	return path;
}

static void test_image(void)
{
	char path[PATH_MAX], from[PATH_MAX], want[200];
	const char *no_header = "not a shared object (no ELF header)";
	size_t size;
	unsigned char *file = read_bytes(plugin_built("behave", from), &size);

	is(refusal(written("", 0, path)), no_header,
	   "an empty file is refused");
	is(refusal(written("#!/bin/sh\n", 10, path)), no_header,
	   "a script is refused");
	file[18] = OTHER_MACHINE;
	is(refusal(written(file, size, path)), OTHER_MACHINE_SAYS,
	   "a file for another machine is refused");
	file[18] = THIS_MACHINE;
	snprintf(want, sizeof(want),
		 "file is cut short (4096 bytes of %zu); install it again",
		 size);
	is(refusal(written(file, 4096, path)), want,
	   "a file that was cut short is refused, and nobody dies of it");
	is(refusal(written(file, size, path)), "", "the whole file loads");
	memset(file + 4096, 0, size - 4096);
	is(refusal(written(file, size, path)),
	   "file is damaged (empty dynamic section); install it again",
	   "a file whose end never reached the disk is refused");
	free(file);
}

/* A plugin that needs a library which is not there. */
static void test_libraries(void)
{
	char path[PATH_MAX], from[PATH_MAX], want[PATH_MAX + 100];
	size_t size;
	unsigned char *file =
	    read_bytes(plugin_built("cjson_user", from), &size);
	unsigned char *name =
	    memmem(file, size, "libcjson.so.1", strlen("libcjson.so.1"));

	memcpy(name, "libnosuc.so.5", 13);
	is(refusal(written(file, size, path)),
	   "libnosuc.so.5: cannot open shared object file: No such file or "
	   "directory",
	   "a plugin whose library is missing is refused");
	free(file);
	plugin_copy(folder, "undefined", "undefined");
	snprintf(want, sizeof(want), "%s: undefined symbol: nosuch",
		 inside(folder, "undefined.so", path));
	is(refusal(path), want,
	   "a plugin with an unresolved symbol is refused");
}

static void test_entry(void)
{
	const uint16_t newer = 2, older = 0;
	const uint32_t magic = 0, size = 40;
	char path[PATH_MAX];

	plugin_copy(folder, "no_entry", "no_entry");
	is(refusal(inside(folder, "no_entry.so", path)),
	   "exports no 'crm_entry'; it is not a CRM plugin",
	   "a library that is no plugin is refused");
	plugin_copy(folder, "behave", "behave");
	plugin_copy(folder, "borrowed", "borrowed");
	is(refusal(inside(folder, "borrowed.so", path)),
	   "exports no 'crm_entry'; it is not a CRM plugin",
	   "so is one that is only linked with a plugin");
	is(refusal(patched("behave", 0, &magic, 4, path)),
	   "symbol 'crm_entry' is not a plugin entry (magic 00000000)",
	   "an entry without our magic is refused");
	is(refusal(patched("behave", offsetof(struct crm_entry, abi_major),
			   &newer, 2, path)),
	   "built for plugin ABI 2.0; this host provides 1.0; upgrade the host",
	   "a newer ABI is refused");
	is(refusal(patched("behave", offsetof(struct crm_entry, abi_major),
			   &older, 2, path)),
	   "built for plugin ABI 0.0; this host provides 1.0; rebuild the "
	   "plugin",
	   "an older ABI is refused");
	is(refusal(patched("behave", offsetof(struct crm_entry, size), &size, 4,
			   path)),
	   "entry is 40 bytes, expected 48; rebuild the plugin with this "
	   "host's crm_plugin.h",
	   "an entry of another size is refused");
	is(refusal(patched("behave", offsetof(struct crm_entry, abi_minor),
			   &newer, 2, path)),
	   "", "a newer minor version loads");
	plugin_copy(folder, "incomplete", "incomplete");
	is(refusal(inside(folder, "incomplete.so", path)),
	   "entry is incomplete: create is not set",
	   "an entry without create is refused");
	plugin_copy(folder, "needs", "needs");
	is(refusal(inside(folder, "needs.so", path)),
	   "needs host extension 'crm.timer/1', which this host does not "
	   "provide",
	   "a plugin that needs an unknown extension is refused");
}

/* Rows 19 to 21 through the host: optional plugins are logged, and the rest of
 * the host goes on. */
static void test_in_host(void)
{
	struct lines lines;
	struct crm_host_callbacks callbacks = lines_callbacks(&lines);
	char want[PATH_MAX + 200], answer[512];
	struct crm_runtime *runtime;

	plugin_copy(folder, "behave", "demo");
	plugin_copy(folder, "behave", "again");
	plugin_copy(folder, "demanding", "broken");
	runtime = host_run(folder,
			   "demo: { };\nagain: { };\n"
			   "broken: { conninfo = \"x\"; };",
			   &callbacks);
	ok(runtime != NULL, "a host runs without an optional plugin");
	snprintf(want, sizeof(want),
		 "error again: plugin '%s/again.so' not loaded: plugin "
		 "'org.example.demo' is already loaded from '%s/demo.so'\n",
		 folder, folder);
	ok(lines_have(&lines, want), "the same id is not loaded twice");
	ok(runtime && host_call(runtime, "/inside", 0, answer) == CRM_OK,
	   "the first of the two answers");
	crm_host_close(runtime);

	lines_callbacks(&lines);
	runtime =
	    host_run(folder, "demo: { fail_create = true; };", &callbacks);
	snprintf(want, sizeof(want),
		 "error demo: plugin '%s/demo.so' (org.example.demo 1.0) did "
		 "not initialise: 'db.conninfo' is not set\n",
		 folder);
	ok(lines_have(&lines, want), "why a plugin did not initialise is told");
	ok(runtime &&
	       host_call(runtime, "/inside", 0, answer) == CRM_UNSUPPORTED,
	   "and nothing takes its path");
	crm_host_close(runtime);

	lines_callbacks(&lines);
	runtime = host_run(folder, "demo: { half = true; };", &callbacks);
	ok(lines_have(&lines, "did not initialise: stop is not set\n"),
	   "a plugin without stop() is refused");
	crm_host_close(runtime);

	lines_callbacks(&lines);
	runtime = host_run(folder, "demo: { fail_start = true; };", &callbacks);
	snprintf(want, sizeof(want),
		 "error demo: plugin '%s/demo.so' (org.example.demo 1.0) did "
		 "not start: cannot create its thread: Resource temporarily "
		 "unavailable\n",
		 folder);
	ok(lines_have(&lines, want), "why a plugin did not start is told");
	ok(runtime && host_call(runtime, "/inside", 0, answer) == CRM_FAILED,
	   "its messages are refused");
	crm_host_close(runtime);
}

/* A required plugin is needed: its reason is the host's. */
static void test_required(void)
{
	char path[PATH_MAX], why[1024], want[PATH_MAX + 200];
	struct lines lines;
	struct crm_host_callbacks callbacks = lines_callbacks(&lines);
	struct crm_runtime *runtime;

	write_text(folder, "host.conf",
		   "host: { plugin_dir = \".\"; };\n"
		   "gone: { required = true; };\n"
		   "demo: { required = true; fail_create = true; };\n");
	runtime = crm_host_open(inside(folder, "host.conf", path), &callbacks,
				why, sizeof(why));
	ok(runtime == NULL, "a host does not open without a required plugin");
	snprintf(want, sizeof(want),
		 "plugin '%s/gone.so' not loaded: No such file or directory\n"
		 "plugin '%s/demo.so' (org.example.demo 1.0) did not "
		 "initialise: 'db.conninfo' is not set",
		 folder, folder);
	is(why, want, "and tells every reason, a line each");

	write_text(folder, "host.conf",
		   "host: { plugin_dir = \".\"; };\n"
		   "demo: { required = true; fail_start = true; };\n");
	runtime = crm_host_open(path, &callbacks, why, sizeof(why));
	ok(runtime && crm_host_start(runtime, why, sizeof(why)) == CRM_FAILED,
	   "a host does not start without a required plugin");
	snprintf(want, sizeof(want),
		 "plugin '%s/demo.so' (org.example.demo 1.0) did not start: "
		 "cannot create its thread: Resource temporarily unavailable",
		 folder);
	is(why, want, "and tells the reason");
	crm_host_close(runtime);
}

/* How often a file is mapped into this process. */
static size_t mappings(const char *name)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[PATH_MAX + 200];
	size_t count = 0;

	while (maps && fgets(line, sizeof(line), maps))
		count += strstr(line, name) != NULL;
	if (maps)
		fclose(maps);
	return count;
}

static void test_closed(void)
{
	char path[PATH_MAX];

	is(refusal(inside(folder, "needs.so", path)),
	   "needs host extension 'crm.timer/1', which this host does not "
	   "provide",
	   "a plugin is refused after it was opened");
	ok(mappings("/needs.so") == 0, "and is not mapped any more");
}

int main(void)
{
	folder = folder_new();
	test_path();
	test_rights();
	test_owner();
	test_directory();
	test_directory_owner();
	test_image();
	test_libraries();
	test_entry();
	test_in_host();
	test_required();
	test_closed();
	folder_free(folder);
	return tap_done();
}
