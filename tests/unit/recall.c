/* recall - what a match is answered without the database, and who is asked
 * again. */
#include "../../plugin/recall.h"
#include "../../plugin/clock.h"
#include "../../plugin/known.h"
#include "../../plugin/spool.h"
#include "../spool_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/recall.XXXXXX";
static char posted[4096];
static int posts;
static enum crm_status post_status;

static void host_log(const struct crm_host *host, enum crm_level level,
		     const char *line)
{
	(void)host;
	diag("log %d %s", (int)level, line);
}

static enum crm_status host_post(const struct crm_host *host,
				 const char *account, const char *agent,
				 const char *body, size_t len)
{
	(void)host;
	posts++;
	snprintf(posted, sizeof(posted), "%s/%s %.*s", account, agent, (int)len,
		 body);
	return post_status;
}

static const struct crm_host host = {.log = host_log, .post = host_post};

static struct text text(const char *s)
{
	return (struct text){s, strlen(s)};
}

static struct event event(const char *session_id)
{
	return (struct event){.account = text("acme"),
			      .agent = text("ann"),
			      .session_id = text(session_id),
			      .request_id = text("r"),
			      .emitted_us = 1,
			      .queue_call = -1,
			      .started_us = EVENT_NO_TIME,
			      .duration_s = EVENT_NO_NUMBER};
}

struct parts {
	char path[128];
	struct health *health;
	struct trigger *trigger;
	struct recall *recall;
	struct spool *spool; /* as the writer has it */
};

static void make(struct parts *parts, const char *name)
{
	struct err err = {0};
	struct recall_settings settings = {
	    .spool = parts->path, .spool_max_bytes = 1 << 24, .host = &host};

	*parts = (struct parts){0};
	if (name)
		snprintf(parts->path, sizeof(parts->path), "%s/%s", folder,
			 name);
	parts->health = health_new(&host);
	parts->trigger = trigger_new(&host, parts->health, &err);
	settings.trigger = parts->trigger;
	parts->recall = recall_new(&settings, &err);
	ok(recall_open(parts->recall, &err), "it opens %s", err.text);
	if (name)
		parts->spool = spool_open(parts->path, 1 << 24, &err);
}

static void unmake(struct parts *parts)
{
	recall_sync(parts->recall);
	recall_free(parts->recall);
	trigger_free(parts->trigger);
	health_free(parts->health);
	spool_close(parts->spool);
}

/* The answer for one id, with what the database said of it. */
static char *answer(struct parts *parts, const char *id, bool asked,
		    struct message_entry entry)
{
	struct text ids[] = {text(id)};
	struct message_match match = {.account = text("acme"),
				      .agent = text("ann"),
				      .request_id = text("m"),
				      .ids = ids,
				      .id_count = 1};
	static char kept[1024];

	recall_asking(parts->recall);
	recall_begin(parts->recall, asked, 1000);
	recall_entry(parts->recall, &match, 0, &entry);
	char *full = message_answer_match(&match, &entry, NULL);
	char *data = strstr(full, "\"data\":") + 7;

	snprintf(kept, sizeof(kept), "%.*s", (int)strlen(data) - 2, data);
	free(full);
	return kept;
}

static char *away(struct parts *parts, const char *id)
{
	return answer(parts, id, false,
		      (struct message_entry){.status = MESSAGE_UNKNOWN});
}

static const struct message_entry none;
static const struct message_entry logged = {
    .status = MESSAGE_LOGGED, .id = 7, .note = {"old", 3}};

static void spool(struct parts *parts, const struct event *event)
{
	struct err err = {0};

	ok(spool_append(parts->spool, &event, 1, 1000, &err), "spooled %s",
	   err.text);
}

static void remembers_answers(void)
{
	struct parts parts;

	make(&parts, "known");
	is(away(&parts, "1"), "{}", "what is unknown is left out");
	answer(&parts, "1", true, logged);
	is(away(&parts, "1"), "{\"1\":[{\"id\":\"7\",\"note\":\"old\"}]}",
	   "what the database said is known while it is away");
	answer(&parts, "0", true, logged);
	is(away(&parts, "0"), "{}",
	   "but of \"0\" not by an answer, which names no call");
	answer(&parts, "1", true, none);
	is(away(&parts, "1"), "{}",
	   "until the database says that it is not logged");
	answer(&parts, "2", true,
	       (struct message_entry){.status = MESSAGE_FAILED});
	is(away(&parts, "2"), "{}", "a refused call is not logged");
	struct event saved = event("3");
	recall_committed(parts.recall, &saved);
	is(away(&parts, "3"), "{\"3\":[{\"note\":\"\"}]}",
	   "a committed call is known at once");
	saved.logged_by = LOGGED_BY_MANUAL;
	saved.note = text("mine");
	saved.contact_id = text("c-1");
	recall_committed(parts.recall, &saved);
	is(away(&parts, "3"),
	   "{\"3\":[{\"note\":\"mine\",\"contact\":{\"id\":\"c-1\"}}]}",
	   "and what was saved with it");
	saved = event("3");
	recall_committed(parts.recall, &saved);
	ok(strstr(away(&parts, "3"), "mine") != NULL,
	   "which a later event does not forget");
	unmake(&parts);

	make(&parts, "known");
	ok(strstr(away(&parts, "3"), "mine") != NULL,
	   "another process knows it too");
	unmake(&parts);
	make(&parts, NULL);
	recall_committed(parts.recall, &saved);
	is(away(&parts, "3"), "{\"3\":[{\"note\":\"\"}]}",
	   "without a spool it is known in memory");
	unmake(&parts);
}

static void finds_spooled_calls(void)
{
	struct parts parts;
	struct event saved = event("1");

	make(&parts, "spool");
	saved.logged_by = LOGGED_BY_MANUAL;
	saved.note = text("new");
	spool(&parts, &saved);
	ok(strstr(away(&parts, "1"),
		  "{\"1\":[{\"type\":\"status\",\"status\":\"pending\","
		  "\"message\":"),
	   "a call in the spool alone is pending");
	ok(strstr(answer(&parts, "1", true, none), "pending") != NULL,
	   "also when the database does not know it yet");
	is(answer(&parts, "1", true, logged),
	   "{\"1\":[{\"id\":\"7\",\"note\":\"new\"}]}",
	   "one that is logged too is itself, with the spooled note");
	is(away(&parts, "1"), "{\"1\":[{\"id\":\"7\",\"note\":\"new\"}]}",
	   "also while the database is away");
	is(away(&parts, "2"), "{}", "another call is not there");
	is(answer(&parts, "2", true,
		  (struct message_entry){.status = MESSAGE_FAILED}),
	   "{\"2\":[{\"type\":\"status\",\"status\":\"failed\","
	   "\"message\":\"The database refused this call\"}]}",
	   "a refused call has failed");
	unmake(&parts);
}

static struct event zero_event(const char *name, enum call_state state)
{
	struct event made = event(name);

	made.telephony_session_id = made.session_id;
	made.state = state;
	return made;
}

/* The widget names it "0". */
static void follows_conferences(void)
{
	static const char yes[] = "{\"0\":[{\"note\":\"\"}]}";
	static const char no[] = "{}";
	struct event ringing = zero_event("s-1", CALL_RINGING);
	struct event live = zero_event("s-1", CALL_CONNECTED);
	struct event ended = zero_event("s-1", CALL_ENDED);
	struct event other = zero_event("s-2", CALL_HELD);
	struct event unnamed = event("0/7"), plain = event("7");
	struct parts parts;

	make(&parts, "zero");
	plain.telephony_session_id = text("s-7");
	recall_committed(parts.recall, &plain);
	is(away(&parts, "0"), no, "a call with an id of its own is not \"0\"");
	recall_committed(parts.recall, &ringing);
	is(away(&parts, "0"), yes, "a live conference is known as \"0\"");
	answer(&parts, "0", true, logged);
	is(away(&parts, "0"), yes, "also after the database said so");
	ended.logged_by = LOGGED_BY_MANUAL;
	ended.note = text("bye");
	recall_committed(parts.recall, &live);
	recall_committed(parts.recall, &ended);
	is(away(&parts, "0"), no, "one that ended is not");
	recall_committed(parts.recall, &ringing);
	is(away(&parts, "0"), no, "also when its ringing comes late");
	recall_committed(parts.recall, &live);
	is(away(&parts, "0"), "{\"0\":[{\"note\":\"bye\"}]}",
	   "but when it goes on, with its note");
	recall_committed(parts.recall, &other);
	recall_committed(parts.recall, &ended);
	is(away(&parts, "0"), yes, "the end of another does not end it");
	answer(&parts, "0", true, none);
	is(away(&parts, "0"), no, "the database knows better");
	recall_committed(parts.recall, &unnamed);
	is(away(&parts, "0"), yes, "one without a telephony session is known");
	unnamed.state = CALL_ENDED;
	recall_kept(parts.recall, &unnamed);
	is(away(&parts, "0"), no, "until its end is in the spool");
	live = zero_event("s-3", CALL_CONNECTED);
	recall_kept(parts.recall, &live);
	ok(strstr(away(&parts, "0"), "pending") != NULL,
	   "one that is in the spool is pending");
	recall_rejected(parts.recall, &live);
	is(away(&parts, "0"), no, "one that was refused is not logged");
	unmake(&parts);
}

/* Between the question to the database and the look into the spool. */
static void finds_what_moves(void)
{
	struct message_entry entry = none;
	struct event first = event("4"), second = event("5"),
		     third = event("6");
	struct text ids[] = {text("4"), text("5"), text("6")};
	struct message_match match = {.account = text("acme"),
				      .agent = text("ann"),
				      .ids = ids,
				      .id_count = 3};
	struct parts parts;

	make(&parts, "spool");
	recall_kept(parts.recall, &second);
	recall_asking(parts.recall);
	recall_committed(parts.recall, &first);
	recall_begin(parts.recall, true, 1000);
	recall_entry(parts.recall, &match, 0, &entry);
	ok(entry.status == MESSAGE_LOGGED,
	   "a call that is replayed while the database is asked is found");
	entry = none;
	recall_entry(parts.recall, &match, 1, &entry);
	ok(entry.status == MESSAGE_PENDING,
	   "one that we spooled and another process replayed is pending");
	entry = none;
	recall_entry(parts.recall, &match, 2, &entry);
	ok(entry.status == MESSAGE_NOT_LOGGED, "an unknown one is not logged");
	recall_committed(parts.recall, &third);
	recall_asking(parts.recall);
	recall_entry(parts.recall, &match, 2, &entry);
	ok(entry.status == MESSAGE_LOGGED,
	   "nor is it forgotten when others are asked for meanwhile");
	answer(&parts, "5", true, none);
	is(answer(&parts, "5", true, none), "{\"5\":[]}",
	   "but not for ever, if the database never hears of it");
	unmake(&parts);
}

/* While somebody else holds the file, only the first of many waits for it. */
static void waits_once(void)
{
	struct parts parts;

	make(&parts, "spool");
	struct holder holder = fixture_hold(parts.path);
	uint64_t start = clock_ns();
	for (int i = 0; i < 20; i++)
		away(&parts, "7");
	ok(clock_until_ms(start, clock_ns()) < 10 * 1000,
	   "of 20 matches only the first waits for a second");
	fixture_let_go(holder);
	unmake(&parts);
}

static void asks_again(void)
{
	struct parts parts;

	make(&parts, "again");
	away(&parts, "1");
	away(&parts, "2");
	away(&parts, "1");
	answer(&parts, "3", true, none);
	ok(trigger_due_ns(parts.trigger) == CLOCK_NEVER,
	   "what was answered unknowing waits for the database");
	trigger_back(parts.trigger);
	ok(trigger_due_ns(parts.trigger) < CLOCK_NEVER, "then it is due");
	post_status = CRM_BUSY;
	while (posts == 0)
		trigger_send(parts.trigger);
	ok(trigger_due_ns(parts.trigger) < CLOCK_NEVER,
	   "a busy host is asked again");
	post_status = CRM_OK;
	while (posts == 1)
		trigger_send(parts.trigger);
	is(posted,
	   "acme/ann {\"type\":\"rc-adapter-trigger-call-logger-match\","
	   "\"sessionIds\":[\"1\",\"2\"]}",
	   "the agent's widgets ask once for each");
	ok(trigger_due_ns(parts.trigger) == CLOCK_NEVER, "and that was all");
	unmake(&parts);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	remembers_answers();
	finds_spooled_calls();
	follows_conferences();
	finds_what_moves();
	waits_once();
	asks_again();
	static const char *const files[] = {"known", "spool", "again", "zero"};
	static const char *const ends[] = {"", ".known", ".lock"};
	for (int i = 0; i < 12; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/%s%s", folder, files[i / 3],
			 ends[i % 3]);
		unlink(path);
	}
	rmdir(folder);
	return tap_done();
}
