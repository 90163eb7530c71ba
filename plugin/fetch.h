/* fetch - one recording on its way: whose it is, its address, its file, and what
 * became of the attempt. It waits for nothing, and knows no database. */
#ifndef CALL_LOG_FETCH_H
#define CALL_LOG_FETCH_H

#include "download.h"
#include "message.h"
#include "recording_file.h"
#include "recordings.h"

#include <stdbool.h>
#include <stdint.h>

enum { FETCH_SHARES = 1024 };

enum fetch_state {
	FETCH_WAITING, /* to be claimed, from due_ns on */
	FETCH_LOADING,
	FETCH_OVER, /* the database is to be told */
	FETCH_ENDED
};

struct fetch {
	struct fetch *next;
	struct recording_key key;                  /* owned by arena */
	char *arena;                               /* owned */
	unsigned short account_share, agent_share; /* whose it is, in short */
	char *address; /* owned, by a vault; NULL: see what is on the disk */
	uint64_t given_ns; /* when it came */
	uint64_t due_ns;
	unsigned tries; /* with this address */
	unsigned looks; /* for its row, in vain */
	enum fetch_state state;
	uint64_t held_ns; /* LOADING: when the database was told last */
	struct recording_file file;
	struct download *download; /* owned while LOADING */

	/* OVER: for recordings_settle() */
	const char *verdict;
	bool stored;
	bool again;  /* and then once more */
	bool unsaid; /* the database refused to hear why */
	struct recording_facts facts;
	struct err err;
};

/* NULL: no memory. `address` absent: none. */
struct fetch *fetch_new(const struct recording_key *key, struct text address);
void fetch_free(struct fetch *fetch);
bool fetch_is(const struct fetch *fetch, const struct recording_key *key);
/* A fresh one, in place of what it had. False: no memory. */
bool fetch_readdress(struct fetch *fetch, struct text address);

/* Its row is not there yet, or not to be had: WAITING for a while longer, or ENDED
 * without an address. */
void fetch_unknown(struct fetch *fetch);
/* Claimed: LOADING, or OVER at once. */
void fetch_begin(struct fetch *fetch, struct downloads *downloads,
		 const char *folder, const char *name);
/* Its download is over: OVER. */
void fetch_loaded(struct fetch *fetch, enum download_result result,
		  const struct err *err);
/* LOADING: given up, to be gone on with later. */
void fetch_interrupt(struct fetch *fetch, const char *why);
/* The database knows: WAITING again, or ENDED. `is_known`: it still has the row; else
 * what is stored goes. False: that could not be deleted. */
bool fetch_settled(struct fetch *fetch, bool is_known, struct err *err);
/* The database refuses to know, and would again: OVER once more, in words that it
 * bears, or ENDED. */
void fetch_refused(struct fetch *fetch);

#endif
