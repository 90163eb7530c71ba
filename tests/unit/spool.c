/* spool - what goes in comes out: every member, in order, one of each call. */
#include "../spool_fixture.h"

#include <sys/wait.h>

static char *folder;
static char path[FIXTURE_PATH];

static bool same_text(struct text a, struct text b)
{
	return !a.s == !b.s && a.len == b.len &&
	       (!a.s || (memcmp(a.s, b.s, a.len) == 0 && b.s[b.len] == '\0'));
}

#define SAME(member)                                                           \
	ok(a->member == b->member, "%s: " #member " comes back", name)
#define SAME_TEXT(member)                                                      \
	ok(same_text(a->member, b->member), "%s: " #member " comes back", name)

static void same_event(const char *name, const struct event *a,
		       const struct event *b)
{
	SAME_TEXT(account);
	SAME_TEXT(agent);
	SAME_TEXT(session_id);
	SAME_TEXT(request_id);
	SAME(emitted_us);
	SAME(hash);
	SAME(state);
	SAME(to_self);
	SAME(logged_by);
	SAME(connected);
	SAME_TEXT(telephony_session_id);
	SAME_TEXT(party_id);
	SAME_TEXT(other_leg);
	SAME_TEXT(direction);
	SAME_TEXT(from_number);
	SAME_TEXT(from_name);
	SAME_TEXT(to_number);
	SAME_TEXT(to_name);
	SAME(queue_call);
	SAME(started_us);
	SAME(duration_s);
	SAME_TEXT(result);
	SAME_TEXT(ai_note);
	SAME_TEXT(transcript);
	SAME_TEXT(recording_id);
	SAME_TEXT(recording_link);
	SAME_TEXT(recording_uri);
	SAME_TEXT(recording_type);
	SAME_TEXT(contact_id);
	SAME_TEXT(contact_name);
	SAME_TEXT(contact_type);
	SAME(contact_picked);
	SAME_TEXT(note);
	SAME_TEXT(form);
	SAME_TEXT(body);
	SAME(cut);
}

static void fill_event(struct event *event, char *transcript, size_t len)
{
	memset(transcript, 'x', len);
	memcpy(transcript, "\xf0\x9f\x93\x9e", 4);
	transcript[len] = '\0';
	*event = (struct event){
	    .account = text_of(""),
	    .agent = text_of("101*\xc3\xa9"),
	    .session_id = text_of("0/call-1"),
	    .request_id = text_of("request 1"),
	    .emitted_us = INT64_C(1772323200123456),
	    .hash = UINT64_C(0xfedcba9876543210),
	    .state = CALL_FINAL,
	    .to_self = true,
	    .logged_by = LOGGED_BY_MANUAL,
	    .connected = true,
	    .telephony_session_id = text_of("s-a-1"),
	    .party_id = text_of("p-1"),
	    .other_leg = text_of("12345678901234567890"),
	    .direction = text_of("Inbound"),
	    .from_number = text_of("+14155550100"),
	    .from_name = text_of("O'Brien \"the\" \xe6\x97\xa5\xe6\x9c\xac"),
	    .to_number = text_of("0049301234"),
	    .to_name = text_of("; DROP TABLE event; --"),
	    .queue_call = 1,
	    .started_us = 0,
	    .duration_s = 0,
	    .result = text_of("Call connected"),
	    .ai_note = text_of("line\nline\ttab\x7f"),
	    .transcript = {transcript, len},
	    .recording_id = text_of("7"),
	    .recording_link = text_of("https://example.com/?a=1&b=2"),
	    .recording_uri = text_of("https://example.com/uri"),
	    .recording_type = text_of("Automatic"),
	    .contact_id = text_of("00123"),
	    .contact_name = text_of("1e3"),
	    .contact_type = text_of("NULL"),
	    .contact_picked = true,
	    .note = text_of("note"),
	    .form = text_of("{\"a\":[1,2]}"),
	    .body = text_of("{}"),
	    .cut = 3,
	};
}

static void round_trip(const char *name, struct event *event)
{
	const struct event *events[] = {event};
	struct spool_batch batch = {0};
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);

	ok(spool && spool_append(spool, events, 1, WAIT_MS, &err),
	   "%s: is appended", name);
	spool_close(spool);
	spool = spool_open(path, SPOOL_BYTES, &err);
	ok(spool && spool_read(spool, 10, &batch, WAIT_MS, &err) &&
	       batch.count == 1,
	   "%s: is read by another handle", name);
	if (batch.count == 1) {
		same_event(name, event, batch.events[0]);
		ok(spool_remove(spool, batch.rows, 1, WAIT_MS, &err),
		   "%s: is removed", name);
	}
	spool_batch_free(&batch);
	ok(count_events(spool) == 0, "%s: is gone", name);
	spool_close(spool);
}

static void test_round_trips(void)
{
	size_t len = 262144;
	char *transcript = malloc(len + 1);
	struct event event;

	fill_event(&event, transcript, len);
	round_trip("full", &event);
	event = (struct event){.account = text_of("a"),
			       .agent = text_of("b"),
			       .session_id = text_of("c"),
			       .emitted_us = EVENT_NO_TIME,
			       .started_us = EVENT_NO_TIME,
			       .duration_s = EVENT_NO_NUMBER,
			       .queue_call = -1};
	round_trip("bare", &event);
	event.note = text_of("");
	event.queue_call = 0;
	event.started_us = INT64_MAX;
	event.duration_s = INT32_MAX;
	event.cut = UINT32_MAX;
	event.hash = UINT64_MAX;
	round_trip("edges", &event);
	for (int i = CALL_RINGING; i <= CALL_FINAL; i++) {
		event.state = (enum call_state)i;
		event.logged_by = (enum call_logged_by)(i % 3);
		round_trip(call_state_name(event.state), &event);
	}
	free(transcript);
}

static void test_order(void)
{
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	struct spool_batch batch = {0};
	unsigned calls[] = {7, 7, 3, 7, 5, 3};
	struct made made[6];

	for (unsigned i = 0; i < 6; i++) {
		const struct event *event = &made[i].event;

		make_event(&made[i], calls[i], i);
		spool_append(spool, &event, 1, WAIT_MS, &err);
	}
	ok(spool_read(spool, 10, &batch, WAIT_MS, &err) && batch.count == 3,
	   "a read gives one event of each call");
	ok(batch.count == 3 && batch.events[0]->hash == 2 &&
	       batch.events[1]->hash == 4 && batch.events[2]->hash == 0,
	   "the oldest of each, sorted by key");
	ok(batch.count == 3 && batch.rows[2] < batch.rows[0] &&
	       batch.rows[0] < batch.rows[1],
	   "rows are named in the order of arrival");
	spool_remove(spool, batch.rows, batch.count, WAIT_MS, &err);
	int64_t gone = batch.rows[0];
	spool_batch_free(&batch);
	ok(spool_read(spool, 1, &batch, WAIT_MS, &err) && batch.count == 1 &&
	       batch.events[0]->hash == 1,
	   "the oldest that is left comes first when few are wanted");
	spool_batch_free(&batch);
	ok(spool_remove(spool, &gone, 1, WAIT_MS, &err) &&
	       count_events(spool) == 3,
	   "a row that is gone already is no error, and nobody else's");
	unsigned seen[6] = {0};
	ok(drain(spool, seen, 6, &err) && seen[1] == 1 && seen[3] == 1 &&
	       seen[5] == 1,
	   "all others follow");
	spool_close(spool);
}

static void test_window(void)
{
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	struct spool_batch batch = {0};
	struct made made[60];
	const struct event *events[60];

	for (unsigned i = 0; i < 60; i++) {
		make_event(&made[i], i < 50 ? 0 : i, i);
		events[i] = &made[i].event;
	}
	ok(spool_append(spool, events, 60, WAIT_MS, &err),
	   "a batch may hold many events of one call");
	ok(spool_read(spool, 5, &batch, WAIT_MS, &err) && batch.count >= 1 &&
	       batch.events[0]->hash == 0,
	   "a call with many events does not keep its oldest from coming");
	spool_batch_free(&batch);
	unsigned seen[60] = {0}, total = 0;
	ok(drain(spool, seen, 60, &err), "they can be drained");
	for (int i = 0; i < 60; i++)
		total += seen[i];
	ok(total == 60, "each came once");
	spool_close(spool);
}

static void test_names_are_not_reused(void)
{
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	struct spool_batch batch = {0};

	append_many(spool, 1, 1, &err);
	spool_read(spool, 1, &batch, WAIT_MS, &err);
	spool_remove(spool, batch.rows, 1, WAIT_MS, &err);
	append_many(spool, 2, 1, &err);
	spool_remove(spool, batch.rows, batch.count, WAIT_MS, &err);
	ok(count_events(spool) == 1,
	   "removing a row twice does not touch the one that came after it");
	unlink(path);
	append_many(spool, 3, 1, &err);
	spool_remove(spool, batch.rows, batch.count, WAIT_MS, &err);
	ok(count_events(spool) == 2, "nor when the file was replaced between");
	spool_batch_free(&batch);
	unsigned seen[4] = {0};
	ok(drain(spool, seen, 4, &err) && seen[2] == 1 && seen[3] == 1,
	   "what a deleted file held is taken over into the new one");
	spool_close(spool);
}

static void test_usage(void)
{
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	struct spool_usage usage;
	unsigned *seen = calloc(20001, sizeof(*seen));

	ok(spool_usage(spool, &usage, WAIT_MS, &err) && usage.rows == 0 &&
	       usage.oldest_us == EVENT_NO_TIME,
	   "an empty spool has no oldest event");
	append_many(spool, 1, 20000, &err);
	ok(spool_usage(spool, &usage, WAIT_MS, &err) && usage.rows == 20000 &&
	       usage.oldest_us == 1700000000000001 && usage.bytes > 2000000,
	   "usage tells rows, bytes and the oldest event's time");
	uint64_t bytes = usage.bytes;
	drain(spool, seen, 20001, &err);
	ok(spool_usage(spool, &usage, WAIT_MS, &err) &&
	       usage.bytes < bytes / 20,
	   "the file shrinks once all is replayed");
	struct stat st;
	ok(stat(path, &st) == 0 && (uint64_t)st.st_size == usage.bytes,
	   "its size is what usage says");
	ok((st.st_mode & 0777) == 0600, "nobody else may read it");
	free(seen);
	spool_close(spool);
}

static bool find(struct spool *spool, const char *session_id,
		 struct spool_found *found)
{
	struct err err = {0};

	return spool_find(spool, text_of("account"), text_of("agent"),
			  text_of(session_id), found, WAIT_MS, &err) &&
	       found->found;
}

static void put(struct spool *spool, struct made *made)
{
	const struct event *event = &made->event;
	struct err err = {0};

	if (!spool_append(spool, &event, 1, WAIT_MS, &err))
		diag("append: %s", err.text);
}

/* Closing the file here would drop the spool's locks on it, so a child looks. */
static int look_for(const char *where, const char *text)
{
	int status = -1;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0)
		_exit(count_files_with(where, text));
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void test_traces(void)
{
	enum { EVENTS = 3000 };
	struct err err = {0};
	char made_folder[FIXTURE_PATH];
	unsigned *seen = calloc(3 * EVENTS, sizeof(*seen));
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);

	snprintf(made_folder, sizeof(made_folder), "%s/made", folder);
	for (unsigned first = 0; first < EVENTS; first += 250)
		append_many(spool, first, 250, &err);
	ok(look_for(made_folder, "4155550100") >= 1,
	   "a number can be read in the file while it is spooled");
	ok(drain(spool, seen, EVENTS, &err) &&
	       look_for(made_folder, "415555010") == 0,
	   "and no more when it was replayed, nor in the journal");
	append_many(spool, 0, 1, &err);
	append_many(spool, 1, 1, &err);
	ok(drain(spool, seen, EVENTS, &err) &&
	       look_for(made_folder, "415555010") == 0,
	   "of many events as of two");
	spool_close(spool);
	free(seen);
}

static void test_find(void)
{
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	struct spool_found found;
	struct made made;

	ok(!find(spool, "s-1", &found), "what is not spooled is not found");
	make_event(&made, 1, 10);
	made.event.contact_id = text_of("found");
	put(spool, &made);
	ok(find(spool, "s-1", &found) && !found.saved && !found.note.s &&
	       same_text(found.contact_id, text_of("found")),
	   "a call is found with the contact that the widget found");
	free(found.arena);
	make_event(&made, 1, 5);
	made.event.note = text_of("older");
	made.event.contact_id = text_of("picked");
	made.event.contact_name = text_of("P");
	made.event.contact_picked = true;
	put(spool, &made);
	make_event(&made, 1, 6);
	made.event.note = text_of("newer");
	put(spool, &made);
	make_event(&made, 1, 4);
	made.event.note = text_of("oldest");
	put(spool, &made);
	ok(find(spool, "s-1", &found) && found.saved &&
	       same_text(found.note, text_of("newer")),
	   "the newest note is found, whatever came last");
	ok(same_text(found.contact_id, text_of("picked")) &&
	       same_text(found.contact_name, text_of("P")),
	   "a contact that the agent picked outranks a newer one found");
	free(found.arena);
	ok(!spool_find(spool, text_of("account"), text_of("other"),
		       text_of("s-1"), &found, WAIT_MS, &err) ||
	       !found.found,
	   "another agent's call is not found");
	unsigned seen[16];
	drain(spool, seen, 16, &err);

	int64_t now_us = clock_wall_ms() * 1000;
	make_event(&made, 1, 1);
	made.event.session_id = made.event.telephony_session_id = text_of("t1");
	made.event.emitted_us = now_us - 2000000;
	made.event.contact_id = text_of("live");
	put(spool, &made);
	make_event(&made, 1, 2);
	made.event.session_id = text_of("0/2");
	made.event.state = CALL_RINGING;
	made.event.emitted_us = now_us - 1000000;
	put(spool, &made);
	make_event(&made, 1, 3);
	made.event.session_id = text_of("0/2");
	made.event.state = CALL_ENDED;
	made.event.emitted_us = now_us;
	put(spool, &made);
	ok(find(spool, "0", &found) &&
	       same_text(found.contact_id, text_of("live")),
	   "\"0\" finds the newest \"0\" call that is not ended");
	free(found.arena);
	make_event(&made, 1, 4);
	made.event.session_id = made.event.telephony_session_id = text_of("t1");
	made.event.state = CALL_FINAL;
	made.event.emitted_us = now_us - 3000000;
	put(spool, &made);
	ok(!find(spool, "0", &found), "\"0\" finds none once all are ended");
	ok(find(spool, "t1", &found), "by its own id it is still found");
	free(found.arena);
	drain(spool, seen, 16, &err);
	spool_close(spool);
}

static void test_fork(void)
{
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);

	append_many(spool, 1, 3, &err);
	ok(spool_claim(spool), "a spool that nobody replays can be claimed");
	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		struct spool_batch batch;
		struct spool_usage usage;
		int wrong =
		    append_many(spool, 4, 1, &err) || err.kind != ERR_INTERNAL;

		wrong |= spool_read(spool, 1, &batch, WAIT_MS, &err) << 1;
		wrong |= spool_usage(spool, &usage, WAIT_MS, &err) << 2;
		wrong |= spool_claim(spool) << 3;
		spool_close(spool);
		_exit(wrong);
	}
	int status = -1;
	waitpid(pid, &status, 0);
	ok(status == 0, "after a fork the child's use of a handle is refused");
	struct spool *other = spool_open(path, SPOOL_BYTES, &err);
	ok(!spool_claim(other), "the child's close releases no claim");
	unsigned seen[5] = {0};
	ok(append_many(spool, 4, 1, &err) && drain(spool, seen, 5, &err) &&
	       seen[1] == 1 && seen[4] == 1,
	   "and the parent is unharmed");
	spool_release(spool);
	ok(spool_claim(other), "a claim that was released can be had");
	spool_close(other);
	ok(spool_claim(spool), "and one whose holder closed");
	spool_close(spool);
}

static void test_speed(void)
{
	static const size_t sizes[] = {1, 16, 256};
	struct err err = {0};
	struct spool *spool = spool_open(path, SPOOL_BYTES, &err);
	uint64_t number = 0;

	for (int i = 0; i < 3; i++) {
		char name[64];
		uint64_t start = clock_ns(), events = 0;

		while (clock_ns() - start < 300000000) {
			append_many(spool, number, sizes[i], &err);
			number += sizes[i];
			events += sizes[i];
		}
		snprintf(name, sizeof(name), "spool_append_by_%zu", sizes[i]);
		figure(name, "%.0f events/s",
		       (double)events * 1e9 / (double)(clock_ns() - start));
	}
	unsigned *seen = calloc(number, sizeof(*seen));
	uint64_t start = clock_ns();
	ok(drain(spool, seen, number, &err), "all that was timed is drained");
	figure("spool_drain", "%.0f events/s",
	       (double)number * 1e9 / (double)(clock_ns() - start));
	free(seen);
	spool_close(spool);
}

int main(void)
{
	folder = fixture_folder(true);
	snprintf(path, sizeof(path), "%s/made/spool.db", folder);
	char inner[FIXTURE_PATH];
	snprintf(inner, sizeof(inner), "%s/made", folder);

	test_round_trips();
	test_order();
	test_window();
	test_names_are_not_reused();
	test_usage();
	test_traces();
	test_find();
	test_fork();
	test_speed();
	fixture_remove(inner);
	fixture_remove(folder);
	free(folder);
	return tap_done();
}
