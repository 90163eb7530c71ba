/* call - a call's event: one state of a call as one message told it, in plain
 * values. It knows neither the widget's JSON nor SQL; how events become a row
 * is the merge rule's business (sql/). */
#ifndef CALL_LOG_CALL_H
#define CALL_LOG_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* UTF-8 of known length, always followed by a NUL. s == NULL: the member was
 * absent, null or (everywhere but in a note) empty, and carries nothing. */
struct text {
	const char *s;
	size_t len;
};

/* Absent text equals nothing, not even itself. */
bool text_equal(struct text a, struct text b);

enum call_state {
	CALL_RINGING,
	CALL_CONNECTED,
	CALL_HELD,
	CALL_PARKED,
	CALL_ENDED, /* as presence tells it; a later event may reopen it */
	CALL_FINAL  /* the call-log record: nothing automatic outranks it */
};

enum call_logged_by { LOGGED_BY_BACKFILL, LOGGED_BY_AUTO, LOGGED_BY_MANUAL };

/* Times are microseconds of Unix time; EVENT_NO_TIME and EVENT_NO_NUMBER mean
 * absent. All text is borrowed from `arena`. */
#define EVENT_NO_TIME INT64_MIN
#define EVENT_NO_NUMBER INT32_MIN

struct event {
	/* identity; never absent (account may be "" but not NULL) */
	struct text account, agent, session_id;
	struct text request_id; /* the widget's name for the message */

	/* what ranks the event */
	int64_t emitted_us; /* when the widget posted it, in host time */
	uint64_t hash;      /* of the message, to make the order total */
	enum call_state state;
	bool to_self; /* a call to oneself: from and to are the same */

	/* facts */
	enum call_logged_by logged_by; /* MANUAL is a save by the agent */
	bool connected; /* telephonyStatus or result shows an answer */
	struct text telephony_session_id, party_id;
	struct text other_leg; /* session id of the RingOut leg it supersedes */
	struct text direction; /* "Inbound" or "Outbound" */
	struct text from_number, from_name, to_number, to_name;
	int8_t queue_call; /* 0, 1, or -1 when absent */
	int64_t started_us;
	int32_t duration_s; /* not negative */
	struct text result;
	struct text ai_note, transcript;
	struct text recording_id, recording_link, recording_uri, recording_type;
	struct text contact_id, contact_name, contact_type;
	bool contact_picked; /* by the agent; false: found by the widget */
	struct text note;    /* s != NULL and len == 0: saved as empty */
	struct text form;    /* a JSON object, without note and contactId */
	struct text body;    /* the message without tokens, where kept */

	unsigned cut; /* how many values were cut at their limit */
	/* owned: the storage of the texts above; NULL: they are in the event's
	 * own block, or borrowed */
	void *arena;
};

/* Frees the event and its text; NULL is allowed. */
void event_free(struct event *event);

/* "ringing", "connected", "held", "parked", "ended", "final". */
const char *call_state_name(enum call_state state);
/* "backfill", "auto", "manual". */
const char *call_logged_by_name(enum call_logged_by logged_by);

/* A 64-bit hash of the bytes; the same on every machine. */
uint64_t call_hash(const void *bytes, size_t len);

/* Orders events by key (account, agent, session id), bytewise as COLLATE "C".
 */
int event_compare_key(const struct event *a, const struct event *b);

#endif
