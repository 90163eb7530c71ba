/* spool_bounds - a spool that is full, may not be written, or has no memory says
 * so, changes nothing, and works again. */
#include "../spool_fixture.h"

#include <grp.h>
#include <sqlite3.h>
#include <sys/wait.h>

enum { NOBODY = 65534 };

static char *folder;
static char path[FIXTURE_PATH];

static void clear_folder(void)
{
	fixture_remove(folder);
	mkdir(folder, 0700);
}

/* The most that file and journal had together. */
static uint64_t bytes_on_disk(void)
{
	char journal[FIXTURE_PATH + 16];
	struct stat st;
	uint64_t bytes = 0;

	snprintf(journal, sizeof(journal), "%s-journal", path);
	if (stat(path, &st) == 0)
		bytes += (uint64_t)st.st_size;
	if (stat(journal, &st) == 0)
		bytes += (uint64_t)st.st_size;
	return bytes;
}

static void test_full(uint64_t bound)
{
	struct err err = {0};
	struct spool *spool = spool_open(path, bound, &err);
	unsigned count = 0, round;
	uint64_t most = 0;
	size_t before, full = 0;

	for (round = 0; round < 3; round++) {
		while (append_many(spool, count, 50, &err)) {
			count += 50;
			if (bytes_on_disk() > most)
				most = bytes_on_disk();
		}
		before = count_events(spool);
		if (round == 0)
			full = before;
		ok(err.kind == ERR_FULL && before > 100,
		   "a full spool refuses more");
		while (append_many(spool, count, 1, &err))
			count++;
		before = count_events(spool);
		ok(!append_many(spool, count, 50, &err) &&
		       err.kind == ERR_FULL && count_events(spool) == before,
		   "and nothing has changed");
		bool removed = true;
		for (int i = 0; i < 3; i++) {
			struct spool_batch batch = {0};

			removed &=
			    spool_read(spool, 100, &batch, WAIT_MS, &err) &&
			    batch.count == 100 &&
			    spool_remove(spool, batch.rows, 100, WAIT_MS, &err);
			spool_batch_free(&batch);
		}
		ok(removed, "what is replayed leaves it");
		ok(append_many(spool, count, 50, &err),
		   "and makes room for more");
		count += 50;
		unsigned *seen = calloc(count, sizeof(*seen));
		ok(drain(spool, seen, count, &err) && count_events(spool) == 0,
		   "a full spool can be drained");
		free(seen);
		if (bytes_on_disk() > most)
			most = bytes_on_disk();
	}
	ok(most <= bound, "file and journal together stay within the bound");
	figure("spool_full_events_a_mib", "%.0f",
	       (double)full / ((double)bound / 1048576));
	spool_close(spool);
	clear_folder();
}

static bool refused(const char *name, const char *what)
{
	struct err err = {0};
	struct spool *spool = spool_open(name, SPOOL_BYTES, &err);
	bool same = ok(!spool && err.kind == ERR_CONFIG && err.text[0] &&
			   !strchr(err.text, '\n'),
		       "%s: refused in one line", what);

	diag("%s", err.text);
	spool_close(spool);
	return same;
}

/* In a child that is an ordinary user, whoever runs the tests. */
static void test_ordinary(const char *what, mode_t folder_mode, bool sealed)
{
	int status = -1;

	clear_folder();
	if (geteuid() == 0 && chown(folder, NOBODY, NOBODY) != 0)
		diag("cannot chown");
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct err err = {0};

		if (geteuid() == 0 &&
		    (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 ||
		     setuid(NOBODY) != 0))
			_exit(1);
		if (sealed) {
			spool_close(spool_open(path, SPOOL_BYTES, &err));
			chmod(path, 0400);
		}
		chmod(folder, folder_mode);
		struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
		diag("%s", err.text);
		fflush(stdout);
		_exit(!spool && err.kind == ERR_CONFIG ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	ok(status == 0, "%s: refused", what);
	chmod(folder, 0700);
	if (chown(folder, geteuid(), getegid()) != 0)
		diag("cannot chown back");
}

static void test_rights(void)
{
	char name[FIXTURE_PATH + 32];
	struct err err = {0};

	snprintf(name, sizeof(name), "%s/not/there/spool.db", folder);
	refused(name, "a folder whose folder is missing");
	refused("/dev/null/spool.db", "a folder that is none");
	snprintf(name, sizeof(name), "%s/", folder);
	refused(name, "a path that names no file");
	snprintf(name, sizeof(name), "%s/slip", folder);
	mkdir(name, 0700);
	char slip[FIXTURE_PATH + 32];
	snprintf(slip, sizeof(slip), "%s/slip/file", folder);
	close(open(slip, O_CREAT | O_WRONLY, 0600));
	refused(name, "a folder that is used");
	unlink(slip);
	test_ordinary("a folder that cannot be written", 0500, false);
	test_ordinary("a folder that cannot be entered", 0000, false);
	test_ordinary("a file that cannot be written", 0700, true);
	clear_folder();
	chmod(folder, 0777);
	refused(path, "a folder that everybody may change");
	chmod(folder, 0700);
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	ok(spool && append_many(spool, 1, 1, &err),
	   "a folder of our own: used");
	spool_close(spool);
	if (geteuid() == 0) {
		ok(chown(path, NOBODY, NOBODY) == 0, "(another's file)");
		refused(path, "a file of another user");
		ok(chown(path, 0, 0) == 0 && chown(folder, NOBODY, NOBODY) == 0,
		   "(another's folder)");
		refused(path, "a folder of another user");
		ok(chown(folder, 0, 0) == 0, "(ours again)");
	} else {
		refused("/spool.db", "a folder of root's");
	}
	ok(count_names(folder, ".aside-") == 0,
	   "what is refused is left as it is");
	clear_folder();
}

/* A folder that disappears is made again. */
static void test_folder_goes(void)
{
	char inner[FIXTURE_PATH + 16], name[FIXTURE_PATH + 32];
	struct err err = {0};
	unsigned seen[20] = {0};

	snprintf(inner, sizeof(inner), "%s/inner", folder);
	snprintf(name, sizeof(name), "%s/spool.db", inner);
	struct spool *spool = spool_open(name, SPOOL_BYTES, &err);
	append_many(spool, 1, 3, &err);
	fixture_remove(inner);
	ok(append_many(spool, 4, 3, &err),
	   "when the folder is deleted it is made again");
	ok(drain(spool, seen, 20, &err) && seen[1] == 1 && seen[4] == 1,
	   "and what the file held is still replayed");
	spool_close(spool);
	fixture_remove(inner);
}

/* ------------------------------------------------------ memory runs out */

static sqlite3_mem_methods real;
static struct {
	long at, count;
	bool on;
} shortage;

static bool is_short(void)
{
	shortage.count++;
	return shortage.at > 0 && (shortage.on ? shortage.count >= shortage.at
					       : shortage.count == shortage.at);
}

static void *short_malloc(int bytes)
{
	return is_short() ? NULL : real.xMalloc(bytes);
}

static void *short_realloc(void *memory, int bytes)
{
	return is_short() ? NULL : real.xRealloc(memory, bytes);
}

static void use_short_memory(void)
{
	sqlite3_mem_methods methods;

	sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real);
	methods = real;
	methods.xMalloc = short_malloc;
	methods.xRealloc = short_realloc;
	sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
	sqlite3_initialize();
}

static void test_shortage(bool on)
{
	long n, refusals = 0, wrong = 0;

	for (n = 1; n < 20000; n++) {
		struct err err = {0};
		unsigned seen[8] = {0};
		struct spool_batch batch = {0};
		struct spool_found found = {0};
		bool appended = false, removed = false;

		clear_folder();
		struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
		append_many(spool, 1, 3, &err);
		spool_close(spool);
		shortage.on = on;
		shortage.count = 0;
		shortage.at = n;
		spool = spool_open(path, SPOOL_BYTES, &err);
		if (spool) {
			appended = append_many(spool, 4, 2, &err);
			if (!appended && err.kind != ERR_NO_MEMORY)
				wrong++;
			spool_find(spool, text_of("account"), text_of("agent"),
				   text_of("s-2"), &found, WAIT_MS, &err);
			free(found.arena);
			if (spool_read(spool, 1, &batch, WAIT_MS, &err))
				removed =
				    spool_remove(spool, batch.rows, batch.count,
						 WAIT_MS, &err);
			refusals += !appended;
		} else if (err.kind != ERR_NO_MEMORY) {
			wrong++;
		}
		bool struck = shortage.count >= n;
		shortage.at = 0;
		bool removing = batch.count > 0;
		spool_batch_free(&batch);
		if (spool && !drain(spool, seen, 8, &err)) {
			wrong++;
			diag("%ld: %s", n, err.text);
		}
		spool_close(spool);
		spool = spool_open(path, SPOOL_BYTES, &err);
		drain(spool, seen, 8, &err);
		spool_close(spool);
		if ((seen[1] != 1 && !removing) || (removed && seen[1] > 0) ||
		    seen[2] != 1 || seen[3] != 1 ||
		    seen[4] != (unsigned)appended || seen[4] != seen[5] ||
		    count_names(folder, ".aside-") > 0) {
			diag("%ld: %u %u %u %u, appended %d: %s", n, seen[1],
			     seen[2], seen[3], seen[4], appended, err.text);
			wrong++;
		}
		if (!struck)
			break;
	}
	ok(wrong == 0 && n > 100 && n < 20000 && refusals > 0,
	   "want of memory%s at any of %ld allocations loses nothing",
	   on ? " from then on" : "", n - 1);
	figure(on ? "spool_shortages_lasting" : "spool_shortages", "%ld",
	       n - 1);
}

int main(void)
{
	use_short_memory();
	folder = fixture_folder(false);
	snprintf(path, sizeof(path), "%s/spool.db", folder);
	test_full(UINT64_C(1024) * 1024);
	test_full(UINT64_C(20) * 1024 * 1024);
	test_rights();
	test_folder_goes();
	test_shortage(false);
	test_shortage(true);
	fixture_remove(folder);
	free(folder);
	return tap_done();
}
