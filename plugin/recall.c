/* recall - see recall.h. */
#include "recall.h"

#include "clock.h"
#include "known.h"
#include "log.h"
#include "spool.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KNOWN_CALLS = 100000,
	IMPATIENT_MS = 2000 /* so long after a wait in vain there is no other */
};

struct recall {
	const struct crm_host *host; /* borrowed */
	struct trigger *trigger;     /* borrowed */
	char *spool_path;            /* owned; NULL: there is none */
	uint64_t spool_max_bytes;
	struct known *known;        /* owned; any thread's */
	_Atomic uint64_t committed; /* events, so far */

	/* the matcher thread's */
	struct spool *spool; /* owned; NULL: there is none */
	uint64_t asking;     /* `committed` when the database was asked last, */
	uint64_t before;     /* and when it was for what is answered now, */
	bool asked;          /* if it was */
	bool looks;          /* there is something in the spool */
	bool silent;         /* nobody knows: it keeps one waiting */
	uint64_t until_ns;   /* how long it may be waited for */
	uint64_t patient_ns; /* from when on it is waited for at all */
	void **arenas;       /* owned, each and the list: what was recalled */
	size_t count, cap;
};

/* ----------------------------------------------------------- life cycle */

struct recall *recall_new(const struct recall_settings *settings,
			  struct err *err)
{
	struct recall *recall = calloc(1, sizeof(*recall));

	if (recall && settings->spool[0])
		recall->spool_path = strdup(settings->spool);
	if (!recall || (settings->spool[0] && !recall->spool_path)) {
		free(recall);
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	recall->host = settings->host;
	recall->trigger = settings->trigger;
	recall->spool_max_bytes = settings->spool_max_bytes;
	return recall;
}

static void forget(struct recall *recall)
{
	while (recall->count > 0)
		free(recall->arenas[--recall->count]);
}

void recall_free(struct recall *recall)
{
	if (!recall)
		return;
	forget(recall);
	free(recall->arenas);
	known_close(recall->known);
	spool_close(recall->spool);
	free(recall->spool_path);
	free(recall);
}

static void tell_spool(struct recall *recall)
{
	char notice[SPOOL_NOTICE];

	while (recall->spool && spool_take_notice(recall->spool, notice))
		log_line(recall->host, CRM_WARN, "%s", notice);
}

static void open_spool(struct recall *recall)
{
	struct err err = {0};

	recall->spool =
	    spool_open(recall->spool_path, recall->spool_max_bytes, &err);
	if (!recall->spool)
		log_line(recall->host, CRM_ERROR,
			 "matches do not find spooled calls: %s", err.text);
	tell_spool(recall);
}

bool recall_open(struct recall *recall, struct err *err)
{
	char notice[SPOOL_NOTICE] = "";
	char *path = NULL;

	if (recall->known)
		return true;
	if (recall->spool_path) {
		open_spool(recall);
		if (asprintf(&path, "%s.known", recall->spool_path) < 0)
			return err_set(err, ERR_NO_MEMORY, "out of memory");
	}
	recall->known =
	    known_open(path, KNOWN_CALLS, notice, sizeof(notice), err);
	if (notice[0])
		log_line(recall->host, CRM_WARN, "%s", notice);
	free(path);
	return recall->known != NULL;
}

/* --------------------------------------------------- the matcher's thread */

void recall_asking(struct recall *recall)
{
	recall->asking = atomic_load(&recall->committed);
}

/* The spool could not be asked. If others hold it on and on, each of many
 * matches in turn must not wait for it anew. */
static void note_silence(struct recall *recall, const struct err *err)
{
	recall->silent = err->kind == ERR_TIMEOUT;
	if (recall->silent && clock_ns() >= recall->patient_ns)
		recall->patient_ns = clock_after(clock_ns(), IMPATIENT_MS);
}

/* Where the spool holds nothing, which is nearly always, no call is looked for
 * in it. */
void recall_begin(struct recall *recall, bool asked, unsigned wait_ms)
{
	struct spool_usage usage;
	uint64_t now = clock_ns();
	struct err err;

	forget(recall);
	recall->asked = asked;
	recall->before = recall->asking;
	if (now < recall->patient_ns)
		wait_ms = 0;
	recall->until_ns = clock_after(now, wait_ms);
	recall->looks = recall->spool != NULL;
	recall->silent = false;
	if (recall->spool && spool_usage(recall->spool, &usage, wait_ms, &err))
		recall->looks = usage.rows > 0;
	else if (recall->spool)
		note_silence(recall, &err);
	tell_spool(recall);
}

/* The text lives until the next answers. */
static bool keep(struct recall *recall, void *arena)
{
	if (recall->count == recall->cap) {
		size_t cap = recall->cap ? recall->cap * 2 : 64;
		void **more = realloc(recall->arenas, cap * sizeof(void *));

		if (!more)
			return false;
		recall->arenas = more;
		recall->cap = cap;
	}
	recall->arenas[recall->count++] = arena;
	return true;
}

/* ---------------------------------------------------------- the call "0"
 *
 * The widget names every conference of an agent "0", which is another call each
 * time; its events carry a name of its own. What is known of "0" is that name
 * of the agent's live one, as its note, by the events that passed here. An empty
 * answer would un-log the call, and one of an older call stream an unlogged. */

static bool is_zero(struct text id)
{
	return id.len == 1 && id.s[0] == '0';
}

static const struct text zero = {.s = "0", .len = 1};

/* As the match query sees it. */
static bool is_of_zero(const struct event *event)
{
	return text_equal(event->session_id, event->telephony_session_id) ||
	       (event->session_id.len > 2 &&
		memcmp(event->session_id.s, "0/", 2) == 0);
}

/* Ringing that is late does not begin a call anew. */
static void follow_zero(struct recall *recall, const struct event *event,
			bool known)
{
	bool ends = event->state == CALL_ENDED || event->state == CALL_FINAL;
	struct known_copy copy;

	if (!is_of_zero(event) || (known && event->state == CALL_RINGING))
		return;
	if (!ends) {
		known_put(recall->known,
			  &(struct known_call){.account = event->account,
					       .agent = event->agent,
					       .session_id = zero,
					       .note = event->session_id});
		return;
	}
	if (!known_get(recall->known, event->account, event->agent, zero,
		       &copy))
		return;
	if (!copy.arena || text_equal(copy.call.note, event->session_id))
		known_drop(recall->known, event->account, event->agent, zero);
	known_copy_free(&copy);
}

/* What is known of the i-th call; of "0", of the call that it is. */
static bool get_known(struct recall *recall, const struct message_match *match,
		      size_t i, struct known_copy *copy)
{
	struct known_copy named;
	bool found = false;

	if (!is_zero(match->ids[i]))
		return known_get(recall->known, match->account, match->agent,
				 match->ids[i], copy);
	if (!known_get(recall->known, match->account, match->agent, zero,
		       &named))
		return false;
	if (named.arena)
		found = known_get(recall->known, match->account, match->agent,
				  named.call.note, copy);
	known_copy_free(&named);
	return found;
}

/* --------------------------------------------------------- its answers */

/* The database has just answered, and the spool does not hold the call. One
 * that was committed since the database was asked is not forgotten for an answer
 * that is older. */
static void learn(struct recall *recall, const struct message_match *match,
		  size_t i, const struct message_entry *entry)
{
	/* which call "0" is the events say, not the answer */
	if (entry->status == MESSAGE_LOGGED && is_zero(match->ids[i]))
		return;
	if (entry->status == MESSAGE_LOGGED)
		recall_logged(recall, match->account, match->agent,
			      match->ids[i], entry);
	else if (atomic_load(&recall->committed) == recall->before)
		known_drop(recall->known, match->account, match->agent,
			   match->ids[i]);
}

static void recall_known(struct recall *recall,
			 const struct message_match *match, size_t i,
			 struct message_entry *entry)
{
	struct known_copy copy;

	if (!get_known(recall, match, i, &copy))
		return;
	if (copy.call.id == KNOWN_SPOOLED) {
		*entry = (struct message_entry){.status = MESSAGE_PENDING};
		known_copy_free(&copy);
		return;
	}
	*entry = (struct message_entry){
	    .status = MESSAGE_LOGGED,
	    .id = copy.call.id,
	};
	if (!copy.arena || !keep(recall, copy.arena)) {
		known_copy_free(&copy);
		return;
	}
	entry->note = copy.call.note;
	entry->contact_id = copy.call.contact_id;
	entry->contact_name = copy.call.contact_name;
	entry->contact_type = copy.call.contact_type;
}

static void overlay(struct recall *recall, struct spool_found *found,
		    struct message_entry *entry)
{
	if (entry->status != MESSAGE_LOGGED)
		*entry = (struct message_entry){.status = MESSAGE_PENDING};
	if (!found->arena || !keep(recall, found->arena)) {
		free(found->arena);
		return;
	}
	if (found->saved && found->note.s && found->note.len > 0)
		entry->note = found->note;
	if (found->contact_id.s && !entry->contact_id.s) {
		entry->contact_id = found->contact_id;
		entry->contact_name = found->contact_name;
		entry->contact_type = found->contact_type;
	}
}

/* What the spool says of a call: it holds it, it does not, or it could not be
 * asked. One that keeps us waiting is not asked again for these answers. */
enum spool_says { SPOOL_HOLDS, SPOOL_LACKS, SPOOL_SILENT };

static enum spool_says recall_spooled(struct recall *recall,
				      const struct message_match *match,
				      size_t i, struct message_entry *entry)
{
	struct spool_found found = {0};
	struct err err;

	if (recall->silent)
		return SPOOL_SILENT;
	if (!recall->looks)
		return SPOOL_LACKS;
	uint64_t now = clock_ns();
	if (!spool_find(recall->spool, match->account, match->agent,
			match->ids[i], &found,
			(unsigned)clock_until_ms(now, recall->until_ns),
			&err)) {
		note_silence(recall, &err);
		tell_spool(recall);
		return SPOOL_SILENT;
	}
	if (!found.found) {
		free(found.arena);
		return SPOOL_LACKS;
	}
	overlay(recall, &found, entry);
	return SPOOL_HOLDS;
}

/* The database was asked before, the spool after: meanwhile a call may have gone
 * from the one to the other. Then it was committed since, and has no id yet; or
 * somebody else wrote what we had spooled. */
static void recall_moved(struct recall *recall,
			 const struct message_match *match, size_t i,
			 struct message_entry *entry)
{
	bool since = atomic_load(&recall->committed) != recall->before;
	struct known_copy copy;

	if (!get_known(recall, match, i, &copy))
		return;
	if (copy.call.id == KNOWN_SPOOLED || (copy.call.id == 0 && since))
		recall_known(recall, match, i, entry);
	known_copy_free(&copy);
}

void recall_entry(struct recall *recall, const struct message_match *match,
		  size_t i, struct message_entry *entry)
{
	enum trigger_when when = recall->asked ? TRIGGER_LATER : TRIGGER_BACK;

	if (!recall->asked)
		recall_known(recall, match, i, entry);
	struct message_entry said = *entry;
	enum spool_says spool = recall_spooled(recall, match, i, entry);
	if (recall->asked && entry->status == MESSAGE_NOT_LOGGED) {
		if (spool == SPOOL_SILENT)
			recall_known(recall, match, i, entry);
		else
			recall_moved(recall, match, i, entry);
	}
	if (recall->asked &&
	    (said.status == MESSAGE_LOGGED || spool == SPOOL_LACKS))
		learn(recall, match, i, &said);
	if (entry->status == MESSAGE_PENDING ||
	    entry->status == MESSAGE_UNKNOWN)
		trigger_add(recall->trigger, match->account, match->agent,
			    match->ids[i], when);
}

/* ------------------------------------------------------------ any thread */

void recall_logged(struct recall *recall, struct text account,
		   struct text agent, struct text session_id,
		   const struct message_entry *entry)
{
	known_put(recall->known,
		  &(struct known_call){.account = account,
				       .agent = agent,
				       .session_id = session_id,
				       .id = entry->id,
				       .note = entry->note,
				       .contact_id = entry->contact_id,
				       .contact_name = entry->contact_name,
				       .contact_type = entry->contact_type});
}

/* What the event says is laid over what is known; the next answer of the
 * database puts right what the merge rule sees otherwise. */
void recall_committed(struct recall *recall, const struct event *event)
{
	struct known_copy copy;
	struct known_call call = {.account = event->account,
				  .agent = event->agent,
				  .session_id = event->session_id};
	bool manual = event->logged_by == LOGGED_BY_MANUAL;

	atomic_fetch_add(&recall->committed, 1);
	bool old = known_get(recall->known, event->account, event->agent,
			     event->session_id, &copy);
	follow_zero(recall, event, old);
	bool spooled = old && copy.call.id == KNOWN_SPOOLED;
	/* What it is to be laid over cannot be had. */
	if (old && !spooled && !copy.arena)
		return;
	if (old && !spooled)
		call = copy.call;
	bool noted = manual && event->note.s && event->note.len > 0;
	bool picked = event->contact_id.s &&
		      (event->contact_picked || !call.contact_id.s);
	if (noted)
		call.note = event->note;
	if (picked) {
		call.contact_id = event->contact_id;
		call.contact_name = event->contact_name;
		call.contact_type = event->contact_type;
	}
	/* most events of a known call tell nothing that a match answers */
	if (!old || spooled || noted || picked)
		known_put(recall->known, &call);
	known_copy_free(&copy);
}

void recall_erased(struct recall *recall, const struct event *event)
{
	struct known_copy copy;
	struct known_call call = {.account = event->account,
				  .agent = event->agent,
				  .session_id = event->session_id};

	atomic_fetch_add(&recall->committed, 1);
	bool old = known_get(recall->known, event->account, event->agent,
			     event->session_id, &copy);
	follow_zero(recall, event, old);
	if (old && copy.call.id != KNOWN_SPOOLED)
		call.id = copy.call.id;
	known_put(recall->known, &call);
	known_copy_free(&copy);
}

/* For as long as a match cannot look into the spool. Of a call that the database
 * is known to have nothing is forgotten. */
void recall_kept(struct recall *recall, const struct event *event)
{
	struct known_copy copy;

	bool old = known_get(recall->known, event->account, event->agent,
			     event->session_id, &copy);
	follow_zero(recall, event, old);
	if (old)
		known_copy_free(&copy);
	else
		known_put(recall->known,
			  &(struct known_call){.account = event->account,
					       .agent = event->agent,
					       .session_id = event->session_id,
					       .id = KNOWN_SPOOLED});
}

void recall_rejected(struct recall *recall, const struct event *event)
{
	struct known_copy copy;

	if (!known_get(recall->known, event->account, event->agent,
		       event->session_id, &copy))
		return;
	if (copy.call.id == KNOWN_SPOOLED)
		known_drop(recall->known, event->account, event->agent,
			   event->session_id);
	known_copy_free(&copy);
}

/* An agent has a name. */
static const struct known_call reach_key = {
    .account = {.s = "", .len = 0},
    .agent = {.s = "", .len = 0},
    .session_id = {.s = "reach", .len = 5},
};

void recall_reached(struct recall *recall, const char *reach)
{
	struct known_call line = reach_key;

	line.note = (struct text){.s = reach, .len = strlen(reach)};
	known_put(recall->known, &line);
}

char *recall_reach(struct recall *recall)
{
	struct known_copy copy;
	char *reach = NULL;

	if (!known_get(recall->known, reach_key.account, reach_key.agent,
		       reach_key.session_id, &copy))
		return NULL;
	if (copy.arena && copy.call.note.s)
		reach = strndup(copy.call.note.s, copy.call.note.len);
	known_copy_free(&copy);
	return reach;
}

void recall_sync(struct recall *recall)
{
	known_sync(recall->known);
}
