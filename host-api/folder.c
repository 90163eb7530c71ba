/* folder - see folder.h. */
#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The next name of a path, its end in *rest (NULL: it was the last). */
static bool next_name(const char *path, char name[NAME_MAX + 1],
		      const char **rest)
{
	size_t len = strcspn(path, "/");

	if (len == 0 || len > NAME_MAX)
		return false;
	memcpy(name, path, len);
	name[len] = '\0';
	*rest = path[len] == '/' ? path + len + 1 : NULL;
	return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* One step after the other, none of which follows a link. A pipe that lies there
 * is not waited for. */
static int walk(int fd, const char *path)
{
	char name[NAME_MAX + 1];

	while (fd >= 0 && path) {
		const char *rest = NULL;
		int next = -1, error = ENOENT;

		if (next_name(path, name, &rest)) {
			next = openat(fd, name,
				      O_CLOEXEC | O_NOFOLLOW |
					  (rest ? O_PATH | O_DIRECTORY
						: O_RDONLY | O_NONBLOCK));
			error = errno;
		}
		close(fd);
		fd = next;
		errno = error;
		path = rest;
	}
	return fd;
}

int crm_folder_open(const char *folder, const char *path, uint64_t bytes,
		    char *why, size_t why_cap)
{
	int fd = walk(open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC), path);
	struct stat found;

	if (fd < 0) {
		snprintf(why, why_cap, "%s", strerror(errno));
		return -1;
	}
	if (fstat(fd, &found) != 0)
		snprintf(why, why_cap, "%s", strerror(errno));
	else if (!S_ISREG(found.st_mode))
		snprintf(why, why_cap, "it is no regular file");
	else if ((uint64_t)found.st_size != bytes)
		snprintf(why, why_cap,
			 "it is %" PRIu64 " bytes long, and not %" PRIu64,
			 (uint64_t)found.st_size, bytes);
	else
		return fd;
	close(fd);
	return -1;
}
