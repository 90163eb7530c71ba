/* spool_damage - whatever became of the file, the spool opens, gives back no
 * event that is not what was put in, and names what it set aside. */
#include "../spool_fixture.h"

#include <signal.h>
#include <sys/wait.h>

enum { EVENTS = 150, FLIPS = 250, CUTS = 60 };

static char *folder;
static char path[FIXTURE_PATH];

static void clear_folder(void)
{
	fixture_remove(folder);
	mkdir(folder, 0700);
}

static char *read_file(const char *name, size_t *len)
{
	int fd = open(name, O_RDONLY);
	struct stat st;
	char *bytes = NULL;

	if (fd >= 0 && fstat(fd, &st) == 0) {
		*len = (size_t)st.st_size;
		bytes = malloc(*len + 1);
		if (read(fd, bytes, *len) != (ssize_t)*len)
			diag("short read of %s", name);
	}
	if (fd >= 0)
		close(fd);
	return bytes;
}

static void write_file(const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, bytes, len) != (ssize_t)len)
		diag("cannot write %s", path);
	close(fd);
}

/* Numbers 0..EVENTS-1, every tenth with a long transcript. */
static void fill(struct made *made, char *transcript, unsigned number)
{
	make_event(made, number, number);
	made->event.note = text_of(made->request_id);
	if (number % 10 == 0)
		made->event.transcript = text_of(transcript);
}

static bool same(const struct event *event)
{
	char session_id[32], request_id[32];

	snprintf(session_id, sizeof(session_id), "s-%u", (unsigned)event->hash);
	snprintf(request_id, sizeof(request_id), "r-%u", (unsigned)event->hash);
	if (event->hash >= EVENTS ||
	    strcmp(event->session_id.s, session_id) != 0 ||
	    strcmp(event->request_id.s, request_id) != 0 || !event->note.s ||
	    strcmp(event->note.s, request_id) != 0 ||
	    event->emitted_us != 1700000000000000 + (int64_t)event->hash ||
	    strcmp(event->account.s, "account") != 0 ||
	    strcmp(event->from_number.s, "+14155550100") != 0)
		return false;
	if (event->hash % 10 != 0)
		return !event->transcript.s;
	return event->transcript.len == 20000 &&
	       strspn(event->transcript.s, "t") == 20000;
}

static char *make_file(size_t *len)
{
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	char *transcript = malloc(20001);

	memset(transcript, 't', 20000);
	transcript[20000] = '\0';
	for (unsigned i = 0; i < EVENTS; i++) {
		struct made made;
		const struct event *event = &made.event;

		fill(&made, transcript, i);
		if (!spool_append(spool, &event, 1, WAIT_MS, &err))
			diag("append: %s", err.text);
	}
	free(transcript);
	spool_close(spool);
	return read_file(path, len);
}

struct outcome {
	unsigned events; /* that came back as they were */
	bool garbled, twice, failed;
	char notice[SPOOL_NOTICE];
};

/* Opens what is there, replays all, and goes on with it. */
static struct outcome use_file(void)
{
	struct outcome outcome = {0};
	struct spool *spool = open_noticed(path, outcome.notice);
	bool seen[EVENTS] = {false};
	struct spool_batch batch;
	struct err err = {0};

	if (!spool) {
		outcome.failed = true;
		return outcome;
	}
	for (;;) {
		if (!spool_read(spool, 40, &batch, WAIT_MS, &err)) {
			diag("read: %s", err.text);
			outcome.failed = true;
			break;
		}
		if (batch.count == 0)
			break;
		for (size_t i = 0; i < batch.count; i++) {
			const struct event *event = batch.events[i];

			if (!same(event)) {
				outcome.garbled = true;
				continue;
			}
			outcome.twice |= seen[event->hash];
			outcome.events += !seen[event->hash];
			seen[event->hash] = true;
		}
		if (!spool_remove(spool, batch.rows, batch.count, WAIT_MS,
				  &err)) {
			diag("remove: %s", err.text);
			outcome.failed = true;
			spool_batch_free(&batch);
			break;
		}
		spool_batch_free(&batch);
	}
	spool_batch_free(&batch);
	if (!outcome.notice[0])
		spool_take_notice(spool, outcome.notice);
	outcome.failed |=
	    !append_many(spool, 0, 1, &err) || count_events(spool) != 1;
	spool_close(spool);
	return outcome;
}

/* Nothing garbled or twice; what is missing was named and lies beside. */
static bool is_sound(const struct outcome *outcome)
{
	bool aside = count_names(folder, ".aside-") > 0;

	return !outcome->failed && !outcome->garbled &&
	       (outcome->notice[0] != '\0') == aside &&
	       (outcome->events == EVENTS || aside) &&
	       (!outcome->twice || aside);
}

static unsigned next_random(unsigned *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 4;
}

static void test_flips(char *bytes, size_t len, unsigned seed)
{
	unsigned random = seed, wrong = 0, aside = 0, worst = EVENTS;

	for (int i = 0; i < FLIPS; i++) {
		size_t at = next_random(&random) % len;
		char bit = (char)(1 << (next_random(&random) % 8));

		/* every other one where the structure is */
		if (i % 2)
			at = at / 4096 * 4096 + at % 200;
		clear_folder();
		bytes[at] ^= bit;
		write_file(bytes, len);
		bytes[at] ^= bit;
		struct outcome outcome = use_file();
		if (!is_sound(&outcome)) {
			diag("flip of %d at %zu: %u events%s%s%s, '%s'", bit,
			     at, outcome.events,
			     outcome.garbled ? ", garbled" : "",
			     outcome.twice ? ", twice" : "",
			     outcome.failed ? ", failed" : "", outcome.notice);
			wrong++;
		}
		aside += outcome.notice[0] != '\0';
		if (outcome.events < worst)
			worst = outcome.events;
	}
	ok(wrong == 0, "a flipped bit garbles nothing and hides nothing");
	ok(aside > 0, "files with one are set aside");
	figure("spool_bit_flips", "%d", FLIPS);
	figure("spool_bit_flips_set_aside", "%u", aside);
	figure("spool_bit_flips_fewest_events", "%u of 150", worst);
}

static void test_cuts(const char *bytes, size_t len)
{
	unsigned wrong = 0;

	for (size_t i = 1; i < CUTS; i++) {
		clear_folder();
		write_file(bytes, i % 2 ? len * i / CUTS
					: len * i / CUTS / 4096 * 4096);
		struct outcome outcome = use_file();
		if (!is_sound(&outcome) || !outcome.notice[0]) {
			diag("cut %zu: '%s'", i, outcome.notice);
			wrong++;
		}
	}
	ok(wrong == 0, "a file that was cut is set aside and named");
}

static void test_noise(const char *bytes, size_t len, unsigned seed)
{
	char *noisy = malloc(len);
	unsigned random = seed, wrong = 0;

	for (int i = 0; i < 30; i++) {
		memcpy(noisy, bytes, len);
		for (int k = 0; k < 3; k++) {
			size_t page = next_random(&random) % (len / 4096);

			for (size_t b = 0; b < 4096; b++)
				noisy[page * 4096 + b] =
				    (char)next_random(&random);
		}
		clear_folder();
		write_file(noisy, len);
		struct outcome outcome = use_file();
		if (!is_sound(&outcome)) {
			diag("noise %d: %u events, '%s'", i, outcome.events,
			     outcome.notice);
			wrong++;
		}
	}
	ok(wrong == 0, "pages of noise neither");
	free(noisy);
}

static void expect_aside(const char *what, unsigned events)
{
	struct outcome outcome = use_file();

	ok(!outcome.failed && outcome.events == events && outcome.notice[0] &&
	       count_names(folder, ".aside-") > 0,
	   "%s is set aside, and the spool serves", what);
	diag("%s", outcome.notice);
}

static void test_strangers(char *bytes, size_t len)
{
	clear_folder();
	write_file("", 0);
	expect_aside("an empty file", 0);
	clear_folder();
	mkdir(path, 0700);
	expect_aside("a folder in its place", 0);
	clear_folder();
	ok(symlink("/nowhere/at all", path) == 0, "(a link is made)");
	expect_aside("a link to nowhere", 0);
	clear_folder();
	write_file("Dear Sir or Madam, this is a letter and no database,\n"
		   "though it is long enough to have a header like one.....\n",
		   108);
	expect_aside("a letter", 0);

	unsigned char version = (unsigned char)bytes[63];
	bytes[63] = 2; /* user_version */
	clear_folder();
	write_file(bytes, len);
	expect_aside("a file of a newer version", EVENTS);
	bytes[63] = (char)version;
	bytes[68] ^= 1; /* application_id */
	clear_folder();
	write_file(bytes, len);
	expect_aside("a file of another application", EVENTS);
	bytes[68] ^= 1;
}

/* A checksum that does not match is found when the row is read. */
static void test_found_later(char *bytes, size_t len)
{
	struct outcome outcome;
	char *note = memmem(bytes, len, "r-77", 4);

	note[3] = '8';
	clear_folder();
	write_file(bytes, len);
	outcome = use_file();
	ok(is_sound(&outcome) && outcome.events == EVENTS - 1,
	   "one garbled event is set aside, all others are replayed");
	note[3] = '7';
	diag("%s", outcome.notice);
}

/* What lies between two pages that cannot be read is found all the same. */
static void test_between(const char *bytes, size_t len)
{
	char *holed = malloc(len);
	struct outcome outcome;

	memcpy(holed, bytes, len);
	for (int i = 0; i < 2; i++) {
		const char *row = i ? "s-115r-115" : "s-35r-35";
		const char *at = memmem(bytes, len, row, strlen(row));

		memset(holed + (at - bytes) / 4096 * 4096, 0xff, 4096);
	}
	clear_folder();
	write_file(holed, len);
	outcome = use_file();
	ok(is_sound(&outcome) && outcome.events >= 110,
	   "between two pages of noise events are found");
	diag("%u of %d: %s", outcome.events, EVENTS, outcome.notice);
	free(holed);
}

/* While a handle is open the file is damaged by somebody. */
static void test_damaged_in_use(const char *bytes, size_t len)
{
	char notice[SPOOL_NOTICE];
	struct err err = {0};

	clear_folder();
	write_file(bytes, len);
	struct spool *spool = open_noticed(path, notice);
	struct spool *other = open_noticed(path, notice);
	int fd = open(path, O_WRONLY);
	for (size_t page = 1; page < len / 4096; page++)
		if (pwrite(fd, "garbage garbage garbage", 23,
			   (off_t)page * 4096) != 23)
			diag("cannot damage");
	/* the change counter: others' caches are out of date */
	if (pwrite(fd, "\xff\xff\xff\xf0", 4, 24) != 4)
		diag("cannot damage");
	ok(append_many(spool, 0, 5, &err),
	   "a file damaged in use is replaced within the call");
	ok(spool_take_notice(spool, notice) && strstr(notice, ".aside-"),
	   "and named");
	ok(append_many(other, 5, 5, &err) && count_events(other) == 10,
	   "another handle goes on with the same new file");
	ok(!spool_take_notice(other, notice), "without more words");
	close(fd);
	spool_close(spool);
	spool_close(other);
}

/* A writer that dies in the midst of a transaction leaves a hot journal. */
static void test_hot_journal(void)
{
	struct err err = {0};
	struct stat st;
	int ready[2];

	clear_folder();
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	append_many(spool, 0, 10, &err);
	spool_close(spool);
	if (pipe(ready) != 0)
		diag("no pipe");
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		spool = spool_open(path, SPOOL_BYTES, &err);
		for (unsigned i = 10;; i += 500) {
			append_many(spool, i, 500, &err);
			if (write(ready[1], "x", 1) != 1)
				_exit(1);
		}
	}
	char byte;
	unsigned acknowledged = 10;
	close(ready[1]);
	for (int i = 0; i < 5 && read(ready[0], &byte, 1) == 1; i++)
		acknowledged += 500;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (read(ready[0], &byte, 1) == 1)
		acknowledged += 500;
	close(ready[0]);
	spool = spool_open(path, SPOOL_BYTES, &err);
	size_t there = count_events(spool);
	ok(there == acknowledged || there == acknowledged + 500,
	   "after a writer was killed all that it acknowledged is there");
	ok(count_names(folder, ".aside-") == 0 && stat(path, &st) == 0,
	   "and the file is in use as before");
	spool_close(spool);
}

int main(void)
{
	const char *given = getenv("SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 4711;
	size_t len;

	diag("SEED=%u", seed);
	folder = fixture_folder(false);
	snprintf(path, sizeof(path), "%s/spool.db", folder);
	char *bytes = make_file(&len);
	test_flips(bytes, len, seed);
	test_cuts(bytes, len);
	test_noise(bytes, len, seed);
	test_strangers(bytes, len);
	test_found_later(bytes, len);
	test_between(bytes, len);
	test_damaged_in_use(bytes, len);
	test_hot_journal();
	free(bytes);
	fixture_remove(folder);
	free(folder);
	return tap_done();
}
