/* chores - what is to be looked after among recordings, every now and then: which
 * pages are to be asked for addresses, what whoever died left, what is to be erased,
 * and files that were begun for nothing. One statement at a time, on the connection of
 * the fetcher and in its thread. */
#ifndef CALL_LOG_CHORES_H
#define CALL_LOG_CHORES_H

#include "config.h"
#include "crm_plugin.h"
#include "fetches.h"
#include "recording_parts.h"
#include "room.h"

#include <stdbool.h>
#include <stdint.h>

enum chore { CHORE_NONE, CHORE_SWEEP, CHORE_FORGET, CHORE_PARTS };

struct chores {
	const struct config *config; /* borrowed, as the next three */
	const struct crm_host *host;
	struct fetches *fetches;
	struct room *room;
	enum chore chore;     /* that is under way */
	struct fetch *erased; /* owned: their files are gone, not their rows */
	uint64_t sweep_ns;    /* when the next is due */
	uint64_t parts_ns;
	char month[RECORDING_MONTH]; /* whose parts were looked at */
	struct buf parts;
	/* of the changes of room: */
	unsigned seen;    /* that a sweep was hurried for */
	unsigned telling; /* to the rows that wait, by the sweep under way */
	unsigned told;    /* and before */
};

/* Due at once. */
void chores_init(struct chores *chores, const struct config *config,
		 const struct crm_host *host, struct fetches *fetches,
		 struct room *room);
void chores_free(struct chores *chores);

uint64_t chores_due_ns(const struct chores *chores);
/* Something happened that makes it worth while. */
void chores_soon(struct chores *chores);

/* Whether there is one for the database; it is under way then. */
bool chores_pick(struct chores *chores);
bool chores_send(struct chores *chores, struct db *db, struct err *err);
/* What was sent is done, or has failed and comes again, if not at once. */
void chores_done(struct chores *chores, const struct db *db);
void chores_failed(struct chores *chores);

#endif
