/* recording_folder - the folder of recordings as a whole: whether it is the one, or
 * the bare place where that is to be mounted. A file in it tells, made when the folder
 * is used first. It knows neither files of recordings nor the database. */
#ifndef CALL_LOG_RECORDING_FOLDER_H
#define CALL_LOG_RECORDING_FOLDER_H

#include "err.h"

#include <stdbool.h>

#define RECORDING_FOLDER_MARK "call_log.recordings"

enum recording_folder {
	RECORDING_FOLDER_OURS,
	RECORDING_FOLDER_UNMARKED, /* new, or not the one */
	RECORDING_FOLDER_AWAY /* it cannot be made or written, ERR_CONFIG */
};

/* Makes it if need be. */
enum recording_folder recording_folder_look(const char *folder,
					    struct err *err);
bool recording_folder_is_marked(const char *folder);
/* Whether there is a file of that path below it. */
bool recording_folder_has(const char *folder, const char *path);
/* It is the one from now on; ERR_FULL, ERR_INTERNAL. */
bool recording_folder_mark(const char *folder, struct err *err);

/* Fails with ERR_FULL (there is no room) or ERR_INTERNAL, by errno. */
bool recording_folder_failed(struct err *err, const char *what);
/* What is in a folder is only on the disk when the folder is. */
bool recording_folder_sync(const char *path, struct err *err);

#endif
