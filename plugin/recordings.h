/* recordings - the SQL of call_log.recordings. Each function adds the statements
 * of one group to the connection (db.h) and sends it, and belongs to the one thread
 * that owns it. It waits for nothing and decides nothing. */
#ifndef CALL_LOG_RECORDINGS_H
#define CALL_LOG_RECORDINGS_H

#include "db.h"
#include "recording_file.h"

#include <stdbool.h>
#include <stdint.h>

struct recording_key {
	struct text account, agent, session_id, recording_id;
};

/* Becomes who fetches it, for so long, unless somebody else is or was. */
enum recording_verdict {
	RECORDING_CLAIMED,
	RECORDING_TAKEN,  /* by another, or there is nothing to be done */
	RECORDING_UNKNOWN /* no call that is committed told of it */
};
bool recordings_claim(struct db *db, const struct recording_key *key,
		      unsigned lease_s, struct err *err);
/* DONE: *name: of its file, borrowed until db_done(). */
enum recording_verdict recordings_verdict(const struct db *db,
					  struct text *name);

/* Goes on fetching it. */
bool recordings_hold(struct db *db, const struct recording_key *key,
		     unsigned lease_s, struct err *err);

/* What became of an attempt. `facts`: it is stored; else NULL. DONE: whether there is
 * still such a row; else the file is nobody's. */
bool recordings_settle(struct db *db, const struct recording_key *key,
		       const char *state, const char *error,
		       const struct recording_facts *facts, struct err *err);
bool recordings_is_known(const struct db *db);

/* Which an agent's page is to find addresses of. DONE: JSON. */
bool recordings_ask_wanted(struct db *db, struct text account,
			   struct text agent, struct err *err);
struct text recordings_wanted(const struct db *db);

/* The chores. DONE: one row each. retention_days 0: for ever; delay: what all that
 * are to be fetched wait for, "": nothing, NULL: that is not known. */
enum recording_chore {
	RECORDING_ASK,  /* this agent's page for addresses; key: the agent's */
	RECORDING_LEFT, /* look what whoever fetched it left */
	RECORDING_MORE, /* sweep again, there was too much at once */
	RECORDING_ERASE /* its file, then recordings_forget() */
};
struct recording_sweep {
	enum recording_chore chore;
	struct recording_key key; /* borrowed, as the next */
	struct text name;
};
bool recordings_sweep(struct db *db, unsigned retention_days, bool with_bytes,
		      const char *delay, struct err *err);
int recordings_swept_count(const struct db *db);
struct recording_sweep recordings_swept(const struct db *db, int row);
/* DONE after a sweep: how many bytes all of them take, 0 unless asked. */
int64_t recordings_bytes(const struct db *db);

/* Its file is gone. */
bool recordings_forget(struct db *db, const struct recording_key *key,
		       struct err *err);

/* Where files should be, of recordings that there are. DONE: one row each, borrowed
 * until db_done(). */
bool recordings_ask_some(struct db *db, struct err *err);
int recordings_some_count(const struct db *db);
struct text recordings_some(const struct db *db, int row);

/* Of these names, one a line, those that nobody will go on with. DONE: one row each,
 * borrowed until db_done(). */
bool recordings_ask_abandoned(struct db *db, struct text names,
			      struct err *err);
int recordings_abandoned_count(const struct db *db);
struct text recordings_abandoned(const struct db *db, int row);

#endif
