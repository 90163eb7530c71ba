/* matcher - see matcher.h.
 *
 * The thread never blocks but in store_wait(). A round of queries is
 * one group of statements; one whose connection dies is asked again on the next.
 * A query that expires is answered from memory.
 *
 * From then on the database counts as away: queries are answered from memory at
 * once, until it has answered again. While none asks it is probed for that. */
#include "matcher.h"

#include "clock.h"
#include "message.h"
#include "question.h"
#include "queue.h"
#include "round.h"
#include "store.h"
#include "trigger.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	PROBE_MS = 1000,    /* how often the database is probed */
	SPOOL_WAIT_MS = 500 /* for a spool that others use, a round */
};

struct matcher {
	struct queue *queue; /* owned */
	struct store *store; /* owned */
	struct question question;
	const struct crm_host *host; /* borrowed */
	struct health *health;       /* borrowed */
	struct recall *recall;       /* borrowed */
	struct trigger *trigger;     /* borrowed */
	unsigned match_deadline_ms;
	_Atomic uint64_t stop_ns; /* when to give up; CLOCK_NEVER: runs */

	/* the thread's own */
	struct round round;
	bool away;         /* the database does not answer in time */
	uint64_t probe_ns; /* when it is probed, should it be away */
};

struct matcher *matcher_new(const struct matcher_settings *settings,
			    struct err *err)
{
	struct store_settings store = {
	    .conninfo = settings->conninfo,
	    .health = settings->health,
	    .connection = HEALTH_MATCHER,
	    .patience_ms = settings->match_deadline_ms,
	};
	struct matcher *matcher = calloc(1, sizeof(*matcher));

	if (!matcher) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	matcher->host = settings->host;
	matcher->health = settings->health;
	matcher->recall = settings->recall;
	matcher->trigger = settings->trigger;
	matcher->match_deadline_ms = settings->match_deadline_ms;
	round_init(&matcher->round);
	atomic_init(&matcher->stop_ns, CLOCK_NEVER);
	matcher->queue =
	    queue_new(settings->queue_max, settings->queue_max_bytes, err);
	if (matcher->queue)
		matcher->store = store_new(&store, err);
	if (!matcher->store) {
		matcher_free(matcher);
		return NULL;
	}
	question_init(&matcher->question, matcher->store);
	return matcher;
}

void matcher_free(struct matcher *matcher)
{
	if (!matcher)
		return;
	question_free(&matcher->question);
	store_free(matcher->store);
	queue_free(matcher->queue);
	free(matcher);
}

bool matcher_open(struct matcher *matcher, struct err *err)
{
	return queue_open(matcher->queue, err);
}

/* ---------------------------------------------------------- the handler */

static void complete(struct matcher *matcher, uint64_t id,
		     enum crm_status status, const char *body)
{
	matcher->host->complete(matcher->host, id, status, body, strlen(body));
}

static void complete_match(struct matcher *matcher, const struct query *query,
			   const struct message_entry *entries)
{
	size_t len;
	char *body = message_answer_match(&query->match, entries, &len);

	if (!body) {
		health_add(matcher->health, HEALTH_BUSY, 1);
		complete(matcher, query->id, CRM_BUSY, "out of memory");
		return;
	}
	health_add(matcher->health, HEALTH_MATCHES, 1);
	health_add(matcher->health, HEALTH_ASKED, query->match.id_count);
	matcher->host->complete(matcher->host, query->id, CRM_OK, body, len);
	free(body);
}

static bool decode(const struct crm_request *request,
		   struct message_match *match, struct err *err)
{
	struct message_origin origin = {
	    .account = request->account,
	    .agent = request->agent,
	    .sent_at_ms = request->sent_at_ms,
	    .received_ms = clock_wall_ms(),
	};

	return message_decode_match(request->body, request->body_len, &origin,
				    match, err);
}

enum crm_status matcher_submit(struct matcher *matcher,
			       const struct crm_request *request)
{
	struct query *query = calloc(1, sizeof(*query));
	struct err err = {0};

	if (!query)
		return CRM_BUSY;
	if (!decode(request, &query->match, &err)) {
		free(query);
		if (err.kind != ERR_INPUT)
			return CRM_BUSY;
		health_add(matcher->health, HEALTH_REFUSED, 1);
		complete(matcher, request->id, CRM_BAD_REQUEST, err.text);
		return CRM_OK;
	}
	query->id = request->id;
	if (query->match.id_count == 0) {
		complete_match(matcher, query, NULL);
		query_free(query);
		return CRM_OK;
	}
	query->deadline_ns =
	    clock_after(clock_ns(), matcher->match_deadline_ms);
	query->link.bytes = sizeof(*query) + request->body_len +
			    query->match.id_count * sizeof(struct text);
	switch (queue_push(matcher->queue, &query->link)) {
	case QUEUE_ACCEPTED:
		return CRM_OK;
	case QUEUE_FULL:
		health_add(matcher->health, HEALTH_BUSY, 1);
		query_free(query);
		return CRM_BUSY;
	default:
		query_free(query);
		return CRM_STOPPING;
	}
}

size_t matcher_queued(struct matcher *matcher)
{
	return queue_length(matcher->queue);
}

void matcher_stop(struct matcher *matcher, uint64_t deadline_ns)
{
	atomic_store(&matcher->stop_ns, deadline_ns);
	queue_close(matcher->queue);
}

/* ------------------------------------------------------------ one query */

static void refuse(struct matcher *matcher, struct query *query)
{
	health_add(matcher->health, HEALTH_BUSY, 1);
	queue_release(matcher->queue, &query->link);
	complete(matcher, query->id, CRM_BUSY, "out of memory");
	query_free(query);
}

/* `entries` holds what the database said, where it was asked. */
static void answer(struct matcher *matcher, struct query *query,
		   struct message_entry *entries)
{
	for (size_t i = 0; i < query->match.id_count; i++)
		recall_entry(matcher->recall, &query->match, i, &entries[i]);
	queue_release(matcher->queue, &query->link);
	complete_match(matcher, query, entries);
	query_free(query);
}

/* Without the database. What is answered so is to be asked again when the
 * database is back, so it has to be noticed when it is. */
static void answer_from_memory(struct matcher *matcher, struct query *query)
{
	struct message_entry *entries =
	    calloc(query->match.id_count, sizeof(*entries));

	if (!matcher->away)
		matcher->probe_ns = clock_after(clock_ns(), PROBE_MS);
	matcher->away = true;
	if (!entries) {
		refuse(matcher, query);
		return;
	}
	/* The widget takes what is left out for not logged as well, but who
	 * stands between may know better. */
	for (size_t i = 0; i < query->match.id_count; i++)
		entries[i].status = MESSAGE_UNKNOWN;
	health_add(matcher->health, HEALTH_RECALLED, 1);
	recall_begin(matcher->recall, false, SPOOL_WAIT_MS);
	answer(matcher, query, entries);
	free(entries);
}

/* ---------------------------------------------------------------- round */

/* Answers what of the round is left without the database. */
static void recall_round(struct matcher *matcher)
{
	struct query *query;

	while ((query = round_take(&matcher->round)))
		answer_from_memory(matcher, query);
}

/* Asks the round, or nothing at all for a probe. What could not be asked stays
 * for a new connection. */
static void ask_next(struct matcher *matcher)
{
	struct round *round = &matcher->round;
	struct question *question = &matcher->question;
	uint64_t now = clock_ns();
	struct err err;

	if (!round_prepare(round)) {
		if (!matcher->away || now < matcher->probe_ns)
			return;
		matcher->probe_ns = clock_after(now, PROBE_MS);
		round->deadline_ns =
		    clock_after(now, matcher->match_deadline_ms);
	}
	recall_asking(matcher->recall);
	bool asked = question_begin(question, round->deadline_ns, &err);
	for (size_t i = 0; asked && i < round->len; i++) {
		const struct message_match *match = &round->queries[i]->match;

		for (size_t k = 0; asked && k < match->id_count; k++)
			asked = question_add(question, match->account,
					     match->agent, match->ids[k], &err);
	}
	if (asked)
		question_ask(question, &err);
}

static void read_found(struct matcher *matcher, struct message_entry *entries)
{
	struct question_found found;
	size_t count = 0;

	while (question_next(&matcher->question, &found)) {
		if (found.index >= matcher->round.ids)
			continue;
		entries[found.index] = (struct message_entry){
		    .status = found.refused ? MESSAGE_FAILED : MESSAGE_LOGGED,
		    .id = found.id,
		    .note = found.note,
		    .contact_id = found.contact_id,
		    .contact_name = found.contact_name,
		    .contact_type = found.contact_type,
		};
		count += found.refused ? 0 : 1;
	}
	health_add(matcher->health, HEALTH_FOUND, count);
}

/* The database works on the next round while this one is answered. */
static void round_done(struct matcher *matcher)
{
	struct message_entry *entries =
	    calloc(matcher->round.ids + 1, sizeof(*entries));
	struct query *queries[ROUND_MAX + 1];
	size_t count = 0;

	if (matcher->away)
		trigger_back(matcher->trigger);
	matcher->away = false;
	if (!entries)
		recall_round(matcher);
	else if (matcher->round.ids > 0) {
		recall_begin(matcher->recall, true, SPOOL_WAIT_MS);
		read_found(matcher, entries);
	}
	while ((queries[count] = round_take(&matcher->round)))
		count++;
	store_keep(matcher->store);
	ask_next(matcher);
	for (size_t i = 0; i < count; i++)
		answer(matcher, queries[i], entries + queries[i]->first);
	store_forget(matcher->store);
	free(entries);
}

/* ----------------------------------------------------------------- loop */

/* False when nothing more will come. */
static bool take(struct matcher *matcher)
{
	bool closed;
	struct queue_item *first = queue_take(matcher->queue, &closed);

	if (first) {
		store_hurry(matcher->store);
		round_add(&matcher->round, first);
	}
	return !closed;
}

/* Answers from memory every query that must not wait beyond `now`. */
static void expire(struct matcher *matcher, uint64_t now)
{
	struct query *query;

	while ((query = round_take_due(&matcher->round, now)))
		answer_from_memory(matcher, query);
}

/* True: there may be more to do at once, with those who asked again when they
 * were answered. */
static bool work(struct matcher *matcher)
{
	enum store_state state;
	struct err err;

	do {
		state = store_step(matcher->store, &err);
		if (state == STORE_DONE)
			round_done(matcher);
		if (state == STORE_IDLE)
			ask_next(matcher);
		if (state == STORE_FAILED && err.kind != ERR_AWAY &&
		    err.kind != ERR_SCHEMA)
			recall_round(matcher);
		if (state == STORE_AWAY &&
		    store_hopeless(matcher->store) != ERR_NONE)
			expire(matcher, CLOCK_NEVER);
	} while (state == STORE_FAILED);
	return state == STORE_DONE;
}

void *matcher_run(void *argument)
{
	struct matcher *matcher = argument;

	for (;;) {
		bool open = take(matcher);
		uint64_t now = clock_ns();
		uint64_t stop_ns = atomic_load(&matcher->stop_ns);

		if (!open && now >= stop_ns)
			break;
		expire(matcher, matcher->away ? CLOCK_NEVER : now);
		if (work(matcher))
			continue;
		uint64_t until_ns = round_due_ns(&matcher->round);
		if (!open && until_ns == CLOCK_NEVER)
			break;
		bool busy = store_is_busy(matcher->store);
		if (!busy || matcher->away)
			queue_arm(matcher->queue);
		if (!busy && matcher->away && matcher->probe_ns > now &&
		    matcher->probe_ns < until_ns)
			until_ns = matcher->probe_ns;
		store_wait(matcher->store, queue_fd(matcher->queue),
			   until_ns < stop_ns ? until_ns : stop_ns);
	}
	expire(matcher, CLOCK_NEVER);
	return NULL;
}
