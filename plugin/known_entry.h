/* known_entry - one call that is known, in as little memory as it takes: there
 * may be a hundred thousand. It knows neither of the others nor of a lock. */
#ifndef CALL_LOG_KNOWN_ENTRY_H
#define CALL_LOG_KNOWN_ENTRY_H

#include "known_file.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In a ring with its head. */
struct known_link {
	struct known_link *before, *after;
};

struct known_entry {
	/* known.c's */
	struct known_link used; /* first: so a link of it is the entry */
	struct known_link dirty;
	struct known_entry *next; /* in the bucket */
	uint64_t version;
	bool is_dirty;

	/* for the rest to read */
	bool logged;
	uint32_t hash; /* of account, agent and session id */
	int64_t id;
	char storage[]; /* the texts */
};

uint32_t known_entry_hash(const struct known_call *call);

/* Owned, to free(); NULL: no memory. What is known.c's is zero, or as in the
 * entry that is copied. */
struct known_entry *known_entry_new(const struct known_line *line,
				    uint32_t hash);
struct known_entry *known_entry_copy(const struct known_entry *entry);
size_t known_entry_bytes(const struct known_entry *entry);

/* Text is the entry's own. */
struct known_line known_entry_line(const struct known_entry *entry);
bool known_entry_is_about(const struct known_entry *entry,
			  const struct known_call *call, uint32_t hash);
bool known_entry_says(const struct known_entry *entry,
		      const struct known_line *line);

#endif
