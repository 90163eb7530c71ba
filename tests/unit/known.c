/* known - what is known to be logged is found again: in the same process, in
 * another, after a start without the database; and never when it was garbled. */
#include "../spool_fixture.h"

#include "../../plugin/known.h"

#include <pthread.h>

enum { THREADS = 8, ROUNDS = 2000, CALLS = 200 };

static char path[FIXTURE_PATH];

static struct known *open_known(size_t max_calls, char notice[SPOOL_NOTICE])
{
	struct err err = {0};
	struct known *known =
	    known_open(path, max_calls, notice, SPOOL_NOTICE, &err);

	if (notice[0])
		diag("%s", notice);
	return known;
}

static void put(struct known *known, const char *session_id, int64_t id,
		const char *note)
{
	struct known_call call = {.account = text_of("account"),
				  .agent = text_of("agent"),
				  .session_id = text_of(session_id),
				  .id = id,
				  .note = text_of(note),
				  .contact_type = text_of("type")};

	known_put(known, &call);
}

static bool get(struct known *known, const char *session_id,
		struct known_copy *copy)
{
	return known_get(known, text_of("account"), text_of("agent"),
			 text_of(session_id), copy);
}

/* Whether it is known by that id and with that note. */
static bool knows(struct known *known, const char *session_id, int64_t id,
		  const char *note)
{
	struct known_copy copy;
	bool same = get(known, session_id, &copy) && copy.call.id == id &&
		    (note ? text_equal(copy.call.note, text_of(note))
			  : !copy.call.note.s) &&
		    text_equal(copy.call.contact_type, text_of("type"));

	known_copy_free(&copy);
	return same;
}

static void drop(struct known *known, const char *session_id)
{
	known_drop(known, text_of("account"), text_of("agent"),
		   text_of(session_id));
}

static void test_memory(void)
{
	char notice[SPOOL_NOTICE];
	struct known *known = open_known(3, notice);
	struct known_copy copy;

	ok(notice[0] == '\0', "a missing file is made without a word");
	ok(!get(known, "1", &copy) && !copy.arena, "nothing is known at first");
	put(known, "1", 11, "note");
	ok(knows(known, "1", 11, "note"), "what was put is known");
	ok(!known_get(known, text_of("account"), text_of("other"), text_of("1"),
		      &copy),
	   "of that agent alone");
	ok(get(known, "1", &copy) && !copy.call.contact_id.s &&
	       strcmp(copy.call.contact_type.s, "type") == 0 &&
	       strcmp(copy.call.session_id.s, "1") == 0,
	   "with all its text");
	known_copy_free(&copy);
	put(known, "1", 12, "");
	ok(knows(known, "1", 12, ""),
	   "the last word counts, also an empty note");
	put(known, "1", 12, NULL);
	ok(knows(known, "1", 12, NULL), "and an absent one");
	put(known, "2", 0, NULL);
	put(known, "3", 3, NULL);
	ok(knows(known, "1", 12, NULL), "three are kept");
	put(known, "4", 4, NULL);
	ok(knows(known, "1", 12, NULL) && !knows(known, "2", 0, NULL) &&
	       knows(known, "3", 3, NULL) && knows(known, "4", 4, NULL),
	   "the one that was not used for longest goes first");
	drop(known, "3");
	ok(!get(known, "3", &copy), "what was dropped is not known");
	drop(known, "5");
	ok(!get(known, "5", &copy), "nor what never was");
	known_close(known);
}

/* Lengths of which the number takes a byte more than that of the one before. */
static void test_lengths(void)
{
	static const size_t lengths[] = {0,     1,       125,     126,    127,
					 128,   16381,   16382,   16383,  16384,
					 65536, 1 << 20, 2097150, 2097151};
	enum { COUNT = sizeof(lengths) / sizeof(lengths[0]) };
	char notice[SPOOL_NOTICE], id[16];
	struct known *known = open_known(100000, notice);
	char *note = malloc((2 << 20) + 1);
	int kept = 0;

	memset(note, 'n', 2 << 20);
	for (int again = 0; again < 2; again++)
		for (int i = 0; i < COUNT; i++) {
			snprintf(id, sizeof(id), "l%d", i);
			note[lengths[i]] = '\0';
			if (!again)
				put(known, id, i, note);
			kept += knows(known, id, i, note);
			note[lengths[i]] = 'n';
		}
	ok(kept == 2 * COUNT, "a note of any length is kept");
	known_close(known);
	free(note);
}

static void test_bytes(void)
{
	char notice[SPOOL_NOTICE], id[16];
	struct known *known = open_known(66, notice);
	char *note = malloc(20001);
	int kept = 0;

	memset(note, 'n', 20000);
	note[20000] = '\0';
	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "b%d", i);
		put(known, id, i, note);
	}
	for (int i = 0; i < 10; i++) {
		snprintf(id, sizeof(id), "b%d", i);
		kept += knows(known, id, i, note);
	}
	ok(kept == 2 && knows(known, "b9", 9, note),
	   "long notes leave room for fewer calls");
	free(note);
	known_close(known);
}

static void test_sharing(void)
{
	char notice[SPOOL_NOTICE];
	struct known *a = open_known(1000, notice);
	struct known *b = open_known(1000, notice);

	put(a, "s1", 1, "from a");
	known_sync(a);
	known_sync(b);
	ok(knows(b, "s1", 1, "from a"), "others learn what one knows");
	put(b, "s1", 1, "from b");
	put(b, "s2", 2, NULL);
	known_sync(b);
	known_sync(a);
	ok(knows(a, "s1", 1, "from b") && knows(a, "s2", 2, NULL),
	   "and what changes");
	put(a, "s1", 1, "newest");
	put(b, "s3", 3, NULL);
	known_sync(b);
	known_sync(a);
	ok(knows(a, "s1", 1, "newest"), "what one knows better stays");
	drop(a, "s2");
	known_sync(a);
	known_sync(b);
	ok(!knows(b, "s2", 2, NULL) && knows(b, "s1", 1, "newest"),
	   "and what is not logged after all");
	known_close(a);
	known_close(b);
	a = open_known(1000, notice);
	ok(knows(a, "s1", 1, "newest") && knows(a, "s3", 3, NULL) &&
	       !knows(a, "s2", 2, NULL),
	   "one that starts later knows it from the file");
	for (int i = 0; i < 5000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "m%d", i);
		put(a, id, i, NULL);
		if (i % 500 == 0)
			known_sync(a);
	}
	known_sync(a);
	known_close(a);
	a = open_known(1000, notice);
	int kept = 0;
	for (int i = 0; i < 5000; i++) {
		char id[16];

		snprintf(id, sizeof(id), "m%d", i);
		kept += knows(a, id, i, NULL);
	}
	diag("%d kept", kept);
	ok(kept == 1000 && knows(a, "m4999", 4999, NULL),
	   "the newest are kept when the file is full");
	known_close(a);
	struct stat st;
	ok(stat(path, &st) == 0 && st.st_size < (1000 + 64) * 4096,
	   "and the file stays within its bound");
	ok((st.st_mode & 0777) == 0600, "nobody else may read it");
}

static void write_file(const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		diag("cannot write %s", path);
	close(fd);
}

static void test_traces(const char *folder)
{
	enum { LINES = 2000 };
	char notice[SPOOL_NOTICE], id[16], note[400];
	struct known *known = open_known(LINES, notice);

	for (int i = 0; i < LINES; i++) {
		snprintf(id, sizeof(id), "%d", i);
		memset(note, 'x', sizeof(note));
		snprintf(note + i % 300, sizeof(note) - 300, "secret");
		memcpy(note, "secret", 6);
		put(known, id, i, note);
		if (i % 100 == 0)
			known_sync(known);
	}
	known_sync(known);
	for (int i = 0; i < LINES; i++) {
		snprintf(id, sizeof(id), "%d", i * 7 % LINES);
		if (i % 2)
			put(known, id, i, i % 3 ? NULL : "other");
		else
			drop(known, id);
		if (i % 50 == 0)
			known_sync(known);
	}
	known_sync(known);
	known_close(known);
	ok(count_files_with(folder, "secret") == 0,
	   "what is forgotten is gone from the disk");
}

static void test_damage(const char *folder)
{
	char notice[SPOOL_NOTICE], *bytes = malloc(1 << 20);
	struct known *known = open_known(100, notice);
	unsigned random = 1;
	int wrong = 0;

	for (int i = 0; i < 100; i++) {
		char id[16];

		snprintf(id, sizeof(id), "d%d", i);
		put(known, id, i, "a note that is neither short nor long");
	}
	known_sync(known);
	known_close(known);
	int fd = open(path, O_RDONLY);
	ssize_t len = read(fd, bytes, 1 << 20);
	close(fd);
	for (int round = 0; round < 300; round++) {
		random = random * 1103515245 + 12345;
		size_t at = (random >> 4) % (size_t)len;
		char bit = (char)(1 << (random >> 28 & 7));

		bytes[at] ^= bit;
		write_file(bytes, round % 3 ? (size_t)len : at);
		bytes[at] ^= bit;
		struct err err = {0};
		known = known_open(path, 100, notice, sizeof(notice), &err);
		for (int i = 0; known && i < 100; i++) {
			struct known_copy copy;
			char id[16];

			snprintf(id, sizeof(id), "d%d", i);
			if (!get(known, id, &copy))
				continue;
			if (copy.call.id != i ||
			    strcmp(copy.call.note.s,
				   "a note that is neither short nor long"))
				wrong++;
			known_copy_free(&copy);
		}
		if (known) {
			put(known, "new", 1, NULL);
			known_sync(known);
			known_sync(known);
		}
		known_close(known);
		known = known_open(path, 100, notice, sizeof(notice), &err);
		if (!known || !knows(known, "new", 1, NULL)) {
			diag("round %d: not usable after damage at %zu: %s",
			     round, at, notice);
			wrong++;
		}
		known_close(known);
	}
	ok(wrong == 0, "a damaged file tells nothing wrong and is made anew");
	ok(count_names(folder, ".bad") == 1, "it is kept beside");
	free(bytes);

	const char foreign[] = "this is somebody's letter, and no database at "
			       "all, whatever its name may say\n";
	write_file(foreign, strlen(foreign));
	known = open_known(10, notice);
	ok(strstr(notice, ".bad") != NULL, "a foreign file is named");
	put(known, "f", 1, NULL);
	known_sync(known);
	known_close(known);
	char bad[FIXTURE_PATH + 8], read_back[200] = "";
	snprintf(bad, sizeof(bad), "%s.bad", path);
	fd = open(bad, O_RDONLY);
	ok(read(fd, read_back, sizeof(read_back) - 1) > 0 &&
	       strcmp(read_back, foreign) == 0,
	   "and kept as it was");
	close(fd);
	unlink(path);
	mkdir(path, 0700);
	known = open_known(10, notice);
	ok(known && notice[0], "where no file can be had, that is said");
	put(known, "f", 2, NULL);
	known_sync(known);
	ok(knows(known, "f", 2, NULL), "and memory serves");
	known_close(known);
	rmdir(path);
}

struct worker {
	struct known *known;
	unsigned number;
	int wrong;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	unsigned random = worker->number + 1;

	for (int i = 0; i < ROUNDS; i++) {
		char id[16], note[32];
		struct known_copy copy;

		random = random * 1103515245 + 12345;
		snprintf(id, sizeof(id), "%u", (random >> 8) % CALLS);
		snprintf(note, sizeof(note), "note of %s", id);
		if (random >> 28 == 0)
			drop(worker->known, id);
		else if (random >> 28 < 8)
			put(worker->known, id, atol(id), note);
		else if (get(worker->known, id, &copy)) {
			if (strcmp(copy.call.note.s, note) != 0 ||
			    copy.call.id != atol(id))
				worker->wrong++;
			known_copy_free(&copy);
		}
		if (worker->number == 0 && i % 50 == 0)
			known_sync(worker->known);
	}
	return NULL;
}

static void test_threads(void)
{
	char notice[SPOOL_NOTICE];
	struct known *known = open_known(CALLS / 2, notice);
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	int wrong = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){known, i, 0};
		pthread_create(&threads[i], NULL, work, &workers[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		wrong += workers[i].wrong;
	}
	ok(wrong == 0, "threads put, drop and get while one syncs");
	known_close(known);
}

int main(void)
{
	char *folder = fixture_folder(false);

	snprintf(path, sizeof(path), "%s/known.db", folder);
	test_memory();
	test_bytes();
	unlink(path);
	test_lengths();
	unlink(path);
	test_sharing();
	unlink(path);
	test_traces(folder);
	unlink(path);
	test_damage(folder);
	test_threads();
	fixture_remove(folder);
	free(folder);
	return tap_done();
}
