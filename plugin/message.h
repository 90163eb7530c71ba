/* message - the widget's JSON and our C values, both ways: checks, limits,
 * token stripping. It does no I/O, knows nothing of SQL, keeps nothing between
 * calls, and may be used by any thread. */
#ifndef CALL_LOG_MESSAGE_H
#define CALL_LOG_MESSAGE_H

#include "call.h"
#include "err.h"

/* Values longer than these (bytes of UTF-8) are cut at a character's start and
 * end in MESSAGE_CUT_MARK. What would mean something else when cut, ids other
 * than those that identify the call and the form, is left out. Both are counted
 * in event.cut. A message is refused when an id that identifies the call is too
 * long. */
enum {
	MESSAGE_ID_MAX = 256,     /* ids of calls, agents, accounts, contacts */
	MESSAGE_SHORT_MAX = 1024, /* names, numbers, results, types */
	MESSAGE_LINK_MAX = 8192,  /* recording link and uri */
	MESSAGE_NOTE_MAX = 65536, /* note, AI note, form */
	MESSAGE_TRANSCRIPT_MAX = 262144,
	MESSAGE_ANSWER_MAX = 256 * 1024 * 1024, /* a longer one is not built */
	MESSAGE_DEPTH_MAX = 32
};
#define MESSAGE_CUT_MARK " [cut]"

/* More than this ahead of the host's clock is no time of emission. */
#define MESSAGE_AHEAD_MAX_MS INT64_C(600000)

enum message_body { MESSAGE_BODY_NONE, MESSAGE_BODY_FINAL, MESSAGE_BODY_ALL };

/* Where a message came from. Borrowed during the call. */
struct message_origin {
	const char *account, *agent;
	int64_t sent_at_ms;  /* when the widget posted it; 0 = unknown */
	int64_t received_ms; /* the host's clock now */
	enum message_body keep_body;
	bool drop_recording; /* nothing of a recording is kept */
};

/* A request to log: who is to be answered and, unless the message writes
 * nothing (viewLog), the event. */
struct message_log {
	struct text request_id; /* borrowed from one of these */
	struct event *event;    /* owned, or NULL */
	void *arena;            /* owned, or NULL */
};

/* A match query. `ids` are distinct, in the order first asked, of any length:
 * one that is too long was never logged. */
struct message_match {
	struct text account, agent, request_id;
	struct text *ids;
	size_t id_count;
	void *arena; /* owned: all of the above */
};

/* What is known of one asked id. */
enum message_status {
	MESSAGE_NOT_LOGGED,
	MESSAGE_UNKNOWN, /* nobody could be asked: the answer leaves it out */
	MESSAGE_LOGGED,
	MESSAGE_PENDING, /* acknowledged, and not yet in the database */
	MESSAGE_FAILED   /* the database refused it */
};
struct message_entry {
	enum message_status status;
	int64_t id; /* 0: not known; of a logged one */
	struct text note, contact_id, contact_name, contact_type; /* borrowed */
};

/* What a notification says: a call that was changed elsewhere, or the token of
 * somebody who listens for himself. */
struct message_change {
	struct text account, agent, session_id;
	struct text request_id; /* of the save; s == NULL: not told */
	struct text token;      /* s == NULL: it is a call */
	void *arena;            /* owned: all of the above */
};

/* Calls that the widget did not log. */
enum { MESSAGE_BACKFILL_MAX = 200 };
struct message_backfill_call {
	char *session_id;       /* owned; as the widget names it, or "" */
	struct message_log log; /* owned; its request id is the message's */
	struct err err;         /* why it is not logged */
};
struct message_backfill {
	struct text request_id;              /* borrowed from arena */
	struct message_backfill_call *calls; /* owned */
	size_t count;
	void *arena; /* owned */
};

/* A question of the plugin's own pages, or a notification of the widget, whole:
 * JSON that the database understands. */
struct message_ask {
	struct text account, agent;
	struct text request_id; /* s == NULL: a notification, wants no answer */
	struct text body;
	void *arena; /* owned: all of the above */
};

/* Addresses of recordings with the live token of the agent: secret. */
enum { MESSAGE_RECORDINGS_MAX = 200 };
struct message_recording {
	struct text session_id, recording_id, address; /* borrowed */
};
struct message_recordings {
	struct text account, agent, request_id;
	struct message_recording *list; /* owned */
	size_t count;
	void *arena; /* owned: all text; of a vault */
};

/* Each returns false with err->kind ERR_INPUT (a sentence that names the
 * member) or ERR_NO_MEMORY, and then owns nothing. `body` need not end in a NUL
 * and is never read past `len`. */
bool message_decode_log(const char *body, size_t len,
			const struct message_origin *origin,
			struct message_log *log, struct err *err);
bool message_decode_match(const char *body, size_t len,
			  const struct message_origin *origin,
			  struct message_match *match, struct err *err);
bool message_decode_ask(const char *body, size_t len,
			const struct message_origin *origin,
			struct message_ask *ask, struct err *err);
bool message_decode_notice(const char *body, size_t len,
			   const struct message_origin *origin,
			   struct message_ask *ask, struct err *err);
/* A call that cannot be understood has its err set, and no event. */
bool message_decode_backfill(const char *body, size_t len,
			     const struct message_origin *origin,
			     struct message_backfill *backfill,
			     struct err *err);
/* What cannot be an address is left out. */
bool message_decode_recordings(const char *body, size_t len,
			       const struct message_origin *origin,
			       struct message_recordings *recordings,
			       struct err *err);
bool message_decode_change(const char *payload, size_t len,
			   struct message_change *change, struct err *err);

/* The answers, as a NUL-terminated string to free(), its length in *len; NULL
 * when memory is out or MESSAGE_ANSWER_MAX exceeded. message_answer_match()
 * takes one entry an id, in order. */
char *message_answer_ok(struct text request_id, size_t *len);
/* `json` is the answer's data, as text. */
char *message_answer_data(struct text request_id, struct text json,
			  size_t *len);
char *message_answer_match(const struct message_match *match,
			   const struct message_entry *entries, size_t *len);
char *message_answer_backfill(const struct message_backfill *backfill,
			      size_t *len);
/* What makes the widget ask for these calls again, in the same form. */
char *message_trigger(const struct text *ids, size_t count, size_t *len);

/* Free what the structs own (not the struct); harmless when zeroed or twice. */
void message_log_free(struct message_log *log);
void message_match_free(struct message_match *match);
void message_change_free(struct message_change *change);
void message_ask_free(struct message_ask *ask);
void message_recordings_free(struct message_recordings *recordings);
void message_backfill_free(struct message_backfill *backfill);

#endif
