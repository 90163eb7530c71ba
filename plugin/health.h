/* health - what the plugin knows of its own state: counters, and whether its
 * connections can work. It prints this as JSON, and tells the log of an outage:
 * once when it starts, once a minute while it lasts, once when it ends. It
 * never decides what is done about it. */
#ifndef CALL_LOG_HEALTH_H
#define CALL_LOG_HEALTH_H

#include "crm_plugin.h"
#include "err.h"

#include <stddef.h>
#include <stdint.h>

enum health_count {
	HEALTH_STORED,    /* events committed and acknowledged */
	HEALTH_SPOOLED,   /* events spooled and acknowledged */
	HEALTH_REPLAYED,  /* events committed out of the spool */
	HEALTH_WRITTEN,   /* rows these changed */
	HEALTH_REPEATED,  /* events that told nothing new */
	HEALTH_BATCHES,   /* transactions that wrote */
	HEALTH_REFUSED,   /* messages that were wrong */
	HEALTH_REJECTED,  /* events kept in call_log.rejected */
	HEALTH_FAILED,    /* requests that the database or the spool refuses */
	HEALTH_BUSY,      /* answered "try later" */
	HEALTH_CUT,       /* values cut at their limit */
	HEALTH_MATCHES,   /* match queries answered */
	HEALTH_ASKED,     /* ids in these */
	HEALTH_FOUND,     /* ids of these that are logged */
	HEALTH_RECALLED,  /* match queries answered without the database */
	HEALTH_NOTIFIED,  /* calls that were changed elsewhere */
	HEALTH_TRIGGERED, /* ids that agents' widgets were to ask again */
	HEALTH_UNTRIGGERED, /* ids for which there was no room */
	HEALTH_PURGED,      /* rows of calls that were too old */
	HEALTH_FETCHED,     /* recordings stored */
	HEALTH_UNFETCHED,   /* attempts at one that failed */
	HEALTH_COUNTS
};

/* Each thread with a connection reports on its own. */
enum health_connection { HEALTH_WRITER, HEALTH_MATCHER, HEALTH_CONNECTIONS };

/* Whether changes from elsewhere are heard of: by notifications, by looking for
 * them, not at all. */
enum health_listener { LISTENER_AWAY, LISTENER_OK, LISTENER_POLLING };

struct health;

struct health *health_new(const struct crm_host *host);
void health_free(struct health *health);

/* [any] */
void health_add(struct health *health, enum health_count count, uint64_t more);

/* [any] That connection cannot work now; err->kind ERR_SCHEMA, ERR_TIMEOUT (a
 * statement took too long) or ERR_AWAY. To be called at every failed attempt. */
void health_away(struct health *health, enum health_connection connection,
		 const struct err *err);
/* [any] It can. Cheap when that is known. */
void health_ok(struct health *health, enum health_connection connection);

/* [any] The database refused events, which are kept in call_log.rejected. */
void health_rejected(struct health *health, uint64_t count,
		     const struct err *why);
/* [any] Tells the log of what was rejected: at once, then once a minute, and at
 * the end. To be called now and then. */
void health_tell_rejected(struct health *health, bool at_end);

/* [any] What the spool holds; to be told every second or so, and when it has
 * become empty. An outage ends when it has. `error` says why it cannot be used,
 * NULL: it can. */
struct health_spool {
	uint64_t rows, bytes;
	int64_t oldest_us; /* when its oldest event was emitted */
	const char *error;
};
void health_spool(struct health *health, const struct health_spool *spool);

/* [any] */
void health_listener(struct health *health, enum health_listener state);

/* [any] For how many days calls are kept (0: for ever); `error` says why older
 * ones cannot be purged, NULL: they can. */
void health_retention(struct health *health, unsigned days, const char *error);

/* [any] Recordings are kept, or deleted; `why` says what those wait for that are to
 * be, NULL: for nothing, there is room. */
void health_recordings(struct health *health, const char *why);

/* [any] Writes a JSON object into buf like snprintf. `queued` is the number of
 * events accepted and not yet answered. */
size_t health_print(struct health *health, size_t queued, char *buf,
		    size_t cap);

#endif
