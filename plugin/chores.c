/* chores - see chores.h. */
#include "chores.h"

#include "clock.h"
#include "log.h"

enum {
	SWEEP_MS = 60000,
	PARTS_MS = 3600000,
	SOON_MS = 5000, /* after a failure */
	TELL_MS = 1000, /* after a change of room */
	PARTS_BYTES = 8192
};
static const char ASK[] = "{\"type\":\"call-log-recordings\"}";

void chores_init(struct chores *chores, const struct config *config,
		 const struct crm_host *host, struct fetches *fetches,
		 struct room *room)
{
	*chores = (struct chores){
	    .config = config,
	    .host = host,
	    .fetches = fetches,
	    .room = room,
	    .told = room->changes - 1, /* what a host before told */
	    .seen = room->changes,
	    .sweep_ns = clock_ns(),
	    .parts_ns = clock_ns(),
	};
	buf_init(&chores->parts, PARTS_BYTES);
}

static void drop_erased(struct chores *chores)
{
	struct fetch *fetch = chores->erased;

	chores->erased = fetch->next;
	fetch_free(fetch);
}

void chores_free(struct chores *chores)
{
	while (chores->erased)
		drop_erased(chores);
	buf_free(&chores->parts);
}

uint64_t chores_due_ns(const struct chores *chores)
{
	return chores->sweep_ns < chores->parts_ns || !chores->room->has_folder
		   ? chores->sweep_ns
		   : chores->parts_ns;
}

static void sweep_in(struct chores *chores, uint64_t ms)
{
	uint64_t due_ns = clock_after(clock_ns(), ms);

	if (due_ns < chores->sweep_ns)
		chores->sweep_ns = due_ns;
}

void chores_soon(struct chores *chores)
{
	sweep_in(chores, SOON_MS);
}

/* A month at a time, so that the downloads need not wait for a large folder. */
static bool pick_parts(struct chores *chores)
{
	bool more = recording_parts_next(chores->config->recordings_dir,
					 chores->month, &chores->parts);

	chores->parts_ns = clock_after(clock_ns(), more ? 0 : PARTS_MS);
	return chores->parts.len > 0;
}

bool chores_pick(struct chores *chores)
{
	uint64_t now = clock_ns();

	chores->chore = CHORE_NONE;
	if (chores->seen != chores->room->changes) {
		chores->seen = chores->room->changes;
		sweep_in(chores, TELL_MS);
	}
	if (chores->erased)
		chores->chore = CHORE_FORGET;
	else if (now >= chores->sweep_ns)
		chores->chore = CHORE_SWEEP;
	else if (now >= chores->parts_ns && room_has_folder(chores->room) &&
		 pick_parts(chores))
		chores->chore = CHORE_PARTS;
	return chores->chore != CHORE_NONE;
}

/* What recordings wait for, as far as this process is to tell their rows: "" takes back
 * what was told. Only who fetches knows; and who has room leaves alone what another tells
 * that has none. */
static const char *to_tell(const struct chores *chores)
{
	const char *why = room_why(chores->room);

	if (chores->config->recordings != CONFIG_RECORDINGS_FETCH)
		return NULL;
	if (why)
		return why;
	return chores->told == chores->room->changes ? NULL : "";
}

static bool sweep(struct chores *chores, struct db *db, struct err *err)
{
	const struct config *config = chores->config;

	chores->telling = chores->room->changes;
	return recordings_sweep(db, (unsigned)config->recordings_retention_days,
				config->recordings_quota_gb > 0,
				to_tell(chores), err);
}

bool chores_send(struct chores *chores, struct db *db, struct err *err)
{
	switch (chores->chore) {
	case CHORE_SWEEP:
		return sweep(chores, db, err);
	case CHORE_FORGET:
		return recordings_forget(db, &chores->erased->key, err);
	case CHORE_PARTS:
		return recordings_ask_abandoned(
		    db, (struct text){chores->parts.bytes, chores->parts.len},
		    err);
	case CHORE_NONE:
		break;
	}
	return true;
}

/* --------------------------------------------------------------- results */

/* The file goes first: a row without a file is found again by its erase_at, a
 * file without a row by nobody. */
static void erase(struct chores *chores, const struct recording_sweep *sweep)
{
	struct err err;
	struct fetch *fetch;

	if (sweep->name.s &&
	    !recording_file_erase(chores->config->recordings_dir, sweep->name.s,
				  &err)) {
		log_line(chores->host, CRM_ERROR, "%s", err.text);
		return;
	}
	fetch = fetch_new(&sweep->key, (struct text){0});
	if (!fetch)
		return;
	fetch->next = chores->erased;
	chores->erased = fetch;
}

static void ask(struct chores *chores, const struct recording_key *agent)
{
	if (chores->config->recordings == CONFIG_RECORDINGS_FETCH)
		chores->host->post(chores->host, agent->account.s,
				   agent->agent.s, ASK, sizeof(ASK) - 1);
}

static void swept(struct chores *chores, const struct db *db)
{
	int count = recordings_swept_count(db);
	/* what is to be looked after there comes again */
	bool has_folder = room_has_folder(chores->room);
	unsigned told = chores->told;

	chores->told = chores->telling;
	chores->sweep_ns = clock_after(clock_ns(), SWEEP_MS);
	room_counted(chores->room, (uint64_t)recordings_bytes(db));
	for (int i = 0; i < count; i++) {
		struct recording_sweep sweep = recordings_swept(db, i);

		switch (sweep.chore) {
		case RECORDING_ASK:
			ask(chores, &sweep.key);
			break;
		case RECORDING_LEFT:
			if (has_folder)
				fetches_add(chores->fetches, &sweep.key,
					    (struct text){0});
			break;
		case RECORDING_MORE:
			chores->sweep_ns = clock_ns();
			chores->told = told;
			break;
		case RECORDING_ERASE:
			if (has_folder)
				erase(chores, &sweep);
			break;
		}
	}
}

static void forgotten(struct chores *chores)
{
	drop_erased(chores);
	if (!chores->erased) /* there may be more of them */
		chores->sweep_ns = clock_ns();
}

static void remove_parts(struct chores *chores, const struct db *db)
{
	int count = recordings_abandoned_count(db);
	struct err err;

	for (int i = 0; i < count; i++)
		if (!recording_file_erase_part(chores->config->recordings_dir,
					       recordings_abandoned(db, i).s,
					       &err))
			log_line(chores->host, CRM_ERROR, "%s", err.text);
}

void chores_done(struct chores *chores, const struct db *db)
{
	switch (chores->chore) {
	case CHORE_SWEEP:
		swept(chores, db);
		break;
	case CHORE_FORGET:
		forgotten(chores);
		break;
	case CHORE_PARTS:
		remove_parts(chores, db);
		break;
	case CHORE_NONE:
		break;
	}
	chores->chore = CHORE_NONE;
}

/* A row that cannot be forgotten now is found by the next sweep. */
void chores_failed(struct chores *chores)
{
	if (chores->chore == CHORE_SWEEP)
		chores->sweep_ns = clock_after(clock_ns(), SOON_MS);
	if (chores->chore == CHORE_FORGET)
		drop_erased(chores);
	chores->chore = CHORE_NONE;
}
