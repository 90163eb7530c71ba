/* room - see room.h. */
#include "room.h"

#include "clock.h"
#include "log.h"
#include "recording_folder.h"

#include <stdio.h>
#include <string.h>

/* Until a disk that takes nothing is tried again, at first and at last. */
enum { PAUSE_MS = 1000, PAUSE_MAX_MS = 60000 };

void room_init(struct room *room, const struct config *config,
	       const struct crm_host *host, struct health *health)
{
	*room = (struct room){
	    .config = config,
	    .host = host,
	    .health = health,
	};
	health_recordings(health, NULL);
}

/* ----------------------------------------------------------------- saying */

/* Once, until there is room again or something else is wanting. */
static void lack(struct room *room, enum room_want want, enum crm_level level,
		 const char *why)
{
	bool is_new = room->want != want;

	if (!is_new && strcmp(room->why, why) == 0)
		return;
	snprintf(room->why, sizeof(room->why), "%s", why);
	room->want = want;
	room->changes++;
	health_recordings(room->health, room->why);
	if (is_new)
		log_line(room->host, level,
			 "recordings wait: %s; calls are logged as ever", why);
}

static void have(struct room *room)
{
	if (room->want == ROOM_ENOUGH)
		return;
	room->want = ROOM_ENOUGH;
	room->changes++;
	room->pauses = 0;
	room->retry_ns = 0;
	health_recordings(room->health, NULL);
	log_line(room->host, CRM_INFO, "there is room for recordings again");
}

const char *room_why(const struct room *room)
{
	return room->want == ROOM_ENOUGH ? NULL : room->why;
}

/* Nothing is tried for a while, and for longer each time. */
static void pause_for(struct room *room, enum room_want want,
		      enum crm_level level, const char *why)
{
	uint64_t now = clock_ns();
	uint64_t ms = (uint64_t)PAUSE_MS << room->pauses;

	if (now < room->retry_ns)
		return; /* another of those under way */
	if (ms < PAUSE_MAX_MS)
		room->pauses++;
	else
		ms = PAUSE_MAX_MS;
	room->retry_ns = clock_after(now, ms);
	lack(room, want, level, why);
}

/* ----------------------------------------------------------------- folder */

bool room_has_folder(struct room *room)
{
	const char *folder = room->config->recordings_dir;
	struct err err;

	if (room->has_folder && recording_folder_is_marked(folder))
		return true;
	room->has_folder = false;
	if (room->unproved || clock_ns() < room->retry_ns)
		return false;
	switch (recording_folder_look(folder, &err)) {
	case RECORDING_FOLDER_OURS:
		room->has_folder = true;
		if (room->want == ROOM_FOLDER)
			have(room);
		break;
	case RECORDING_FOLDER_UNMARKED:
		room->unproved = true;
		break;
	case RECORDING_FOLDER_AWAY:
		pause_for(room, ROOM_FOLDER, CRM_ERROR, err.text);
		break;
	}
	return room->has_folder;
}

bool room_is_unproved(const struct room *room)
{
	return room->unproved;
}

void room_proved(struct room *room, bool is_ours)
{
	const char *folder = room->config->recordings_dir;
	struct err err;

	room->unproved = false;
	if (!is_ours)
		err_set(&err, ERR_CONFIG,
			"the folder '%.120s' of 'recordings_dir' has none of "
			"the recordings that there are: mount it; or, if it is "
			"the right one, make a file " RECORDING_FOLDER_MARK
			" in it",
			folder);
	else if (recording_folder_mark(folder, &err))
		return;
	pause_for(room, ROOM_FOLDER, CRM_ERROR, err.text);
}

/* ------------------------------------------------------------------- share */

static bool is_full(const struct room *room)
{
	uint64_t quota = (uint64_t)room->config->recordings_quota_gb << 30;

	return quota > 0 && room->bytes >= quota &&
	       room->config->recordings == CONFIG_RECORDINGS_FETCH;
}

static void look_at_share(struct room *room)
{
	if (is_full(room))
		lack(room, ROOM_SHARE, CRM_WARN,
		     "'recordings_quota_gb' is reached");
	else if (room->want == ROOM_SHARE)
		have(room);
}

bool room_is_left(struct room *room)
{
	return room_has_folder(room) &&
	       (room->counted || room->config->recordings_quota_gb == 0) &&
	       !is_full(room) && clock_ns() >= room->retry_ns;
}

void room_counted(struct room *room, uint64_t bytes)
{
	room->bytes = bytes;
	room->counted = true;
	look_at_share(room);
}

void room_took(struct room *room, uint64_t bytes)
{
	room->bytes += bytes;
	room->pauses = 0;
	if (room->want == ROOM_DISK)
		have(room);
	look_at_share(room);
}

void room_failed(struct room *room, const struct err *err)
{
	if (err->kind == ERR_FULL) {
		pause_for(room, ROOM_DISK, CRM_WARN,
			  "there is no room on the disk");
		return;
	}
	room->has_folder = false;
	pause_for(room, ROOM_DISK, CRM_ERROR, err->text);
}

uint64_t room_due_ns(const struct room *room)
{
	if (is_full(room))
		return CLOCK_NEVER;
	return clock_ns() < room->retry_ns ? room->retry_ns : 0;
}
