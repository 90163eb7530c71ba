/* host_folder - a file is opened below its folder, and nowhere else. */
#include "../tap.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../host-api/folder.h"

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		printf("Bail out! cannot write %s\n", path);
}

/* What is opened, or why nothing is. */
static const char *opened(const char *folder, const char *path, uint64_t bytes,
			  char *buf, size_t cap)
{
	char why[200] = "";
	int fd = crm_folder_open(folder, path, bytes, why, sizeof why);
	ssize_t got;

	if (fd < 0) {
		snprintf(buf, cap, "%s", why);
		return buf;
	}
	got = read(fd, buf, cap - 1);
	buf[got > 0 ? got : 0] = '\0';
	close(fd);
	return buf;
}

static int descriptors(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	close(fd);
	return fd;
}

int main(void)
{
	static const struct {
		const char *path;
		uint64_t bytes;
		const char *wanted;
	} cases[] = {
	    {"2026-11/1.mp3", 5, "sound"},
	    {"top.mp3", 3, "top"},
	    {"2026-11/1.mp3", 4, "it is 5 bytes long, and not 4"},
	    {"2026-11/1.mp3", 6, "it is 5 bytes long, and not 6"},
	    {"2026-11/2.mp3", 5, "No such file or directory"},
	    {"2026-12/1.mp3", 5, "No such file or directory"},
	    {"2026-11", 5, "it is no regular file"},
	    {"2026-11/pipe", 0, "it is no regular file"},
	    {"2026-11/link.mp3", 6, "Too many levels of symbolic links"},
	    {"2026-11/own.mp3", 5, "Too many levels of symbolic links"},
	    {"linked/1.mp3", 5, "Not a directory"},
	    {"2026-11/1.mp3/x", 5, "Not a directory"},
	    {"", 5, "No such file or directory"},
	    {"/2026-11/1.mp3", 5, "No such file or directory"},
	    {"2026-11//1.mp3", 5, "No such file or directory"},
	    {"2026-11/1.mp3/", 5, "Not a directory"},
	    {"2026-11/./1.mp3", 5, "No such file or directory"},
	    {"../secret", 6, "No such file or directory"},
	    {"2026-11/../../secret", 6, "No such file or directory"},
	    {"2026-11/../top.mp3", 3, "No such file or directory"},
	    {"..", 0, "No such file or directory"},
	};
	char root[] = "/tmp/host-folder-XXXXXX", got[200], command[80];
	char long_name[NAME_MAX + 2];
	int before;

	if (!mkdtemp(root) || chdir(root) != 0)
		return 1;
	if (mkdir("folder", 0755) != 0 || mkdir("folder/2026-11", 0755) != 0 ||
	    mkfifo("folder/2026-11/pipe", 0600) != 0 ||
	    symlink("../../secret", "folder/2026-11/link.mp3") != 0 ||
	    symlink("1.mp3", "folder/2026-11/own.mp3") != 0 ||
	    symlink("2026-11", "folder/linked") != 0 ||
	    symlink("folder", "alias") != 0)
		return 1;
	put("secret", "secret");
	put("folder/2026-11/1.mp3", "sound");
	put("folder/top.mp3", "top");
	before = descriptors();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		is(opened("folder", cases[i].path, cases[i].bytes, got,
			  sizeof got),
		   cases[i].wanted, cases[i].path);
	is(opened("alias", "top.mp3", 3, got, sizeof got), "top",
	   "the folder itself may be a link");
	is(opened("nowhere", "top.mp3", 3, got, sizeof got),
	   "No such file or directory", "and may be missing");
	memset(long_name, 'x', sizeof long_name);
	long_name[NAME_MAX + 1] = '\0';
	is(opened("folder", long_name, 3, got, sizeof got),
	   "No such file or directory", "a name may be too long");
	ok(descriptors() == before, "nothing is left open");
	snprintf(command, sizeof command, "rm -r %s", root);
	return system(command) != 0 || tap_done();
}
