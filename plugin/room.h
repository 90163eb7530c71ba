/* room - whether there is room for recordings now: a folder that is the one, a disk
 * that takes them, and a share of it that is left. It tells the log and the health
 * when that changes. It knows neither SQL nor what is fetched, and belongs to one
 * thread. */
#ifndef CALL_LOG_ROOM_H
#define CALL_LOG_ROOM_H

#include "config.h"
#include "crm_plugin.h"
#include "health.h"

#include <stdbool.h>
#include <stdint.h>

/* What there is none of. */
enum room_want { ROOM_ENOUGH, ROOM_SHARE, ROOM_DISK, ROOM_FOLDER };

struct room {
	const struct config *config; /* borrowed, as the next two */
	const struct crm_host *host;
	struct health *health;
	enum room_want want;
	char why[sizeof(((struct err *)0)->text)];
	unsigned changes;  /* of what it wants, so far */
	uint64_t retry_ns; /* the disk is not tried before */
	unsigned pauses;   /* of that kind, in a row */
	bool has_folder;   /* as far as was seen last */
	bool unproved;     /* room_proved() is waited for */
	bool counted;      /* `bytes` is known */
	uint64_t bytes;    /* that all recordings take */
};

void room_init(struct room *room, const struct config *config,
	       const struct crm_host *host, struct health *health);

/* Whether the folder is there. It may be mounted late, or go away. */
bool room_has_folder(struct room *room);
/* The folder has no mark: it is new if there are no recordings. Whoever can is to find
 * out, and to say whether it is the one. */
bool room_is_unproved(const struct room *room);
void room_proved(struct room *room, bool is_ours);

/* Whether another may be fetched. */
bool room_is_left(struct room *room);
/* What all of them take. */
void room_counted(struct room *room, uint64_t bytes);
/* One more is kept. */
void room_took(struct room *room, uint64_t bytes);
/* The disk took one not, ERR_FULL or ERR_INTERNAL. */
void room_failed(struct room *room, const struct err *err);

/* What is waited for, a line; NULL: nothing, there is room. */
const char *room_why(const struct room *room);
/* When there may be room again: a time; CLOCK_NEVER: it is no matter of that; 0: there
 * is. */
uint64_t room_due_ns(const struct room *room);

#endif
