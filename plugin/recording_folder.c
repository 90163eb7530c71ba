/* recording_folder - see recording_folder.h. */
#include "recording_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

bool recording_folder_failed(struct err *err, const char *what)
{
	bool full = errno == ENOSPC || errno == EDQUOT || errno == EFBIG;

	return err_set(err, full ? ERR_FULL : ERR_INTERNAL, "%s: %s", what,
		       full ? "there is no room on the disk" : strerror(errno));
}

bool recording_folder_sync(const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;

	if (!done)
		recording_folder_failed(err,
					"cannot sync the folder of recordings");
	if (fd >= 0)
		close(fd);
	return done;
}

bool recording_folder_has(const char *folder, const char *path)
{
	char whole[PATH_BYTES];
	int len = snprintf(whole, sizeof(whole), "%s/%s", folder, path);

	return len > 0 && len < PATH_BYTES && access(whole, F_OK) == 0;
}

bool recording_folder_is_marked(const char *folder)
{
	return recording_folder_has(folder, RECORDING_FOLDER_MARK);
}

enum recording_folder recording_folder_look(const char *folder, struct err *err)
{
	const char *what = "made";

	if (mkdir(folder, 0750) == 0 || errno == EEXIST) {
		what = "written";
		if (access(folder, R_OK | W_OK | X_OK) == 0)
			return recording_folder_is_marked(folder)
				   ? RECORDING_FOLDER_OURS
				   : RECORDING_FOLDER_UNMARKED;
	}
	err_set(err, ERR_CONFIG,
		"the folder '%s' of 'recordings_dir' cannot be %s: %s", folder,
		what, strerror(errno));
	return RECORDING_FOLDER_AWAY;
}

/* It is for people to read, and may be empty. */
bool recording_folder_mark(const char *folder, struct err *err)
{
	static const char text[] =
	    "Recordings of phone calls are kept here. A folder without this "
	    "file is taken for one\nthat is not mounted: nothing is fetched "
	    "into it, and nothing deleted.\n";
	char path[PATH_BYTES];
	int fd = -1;

	if (snprintf(path, sizeof(path), "%s/" RECORDING_FOLDER_MARK, folder) <
	    PATH_BYTES)
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			  0640);
	bool done = fd >= 0 &&
		    write(fd, text, sizeof(text) - 1) == sizeof(text) - 1 &&
		    fsync(fd) == 0;
	if (!done)
		recording_folder_failed(err,
					"cannot mark the folder of recordings");
	if (fd >= 0)
		close(fd);
	return done && recording_folder_sync(folder, err);
}
