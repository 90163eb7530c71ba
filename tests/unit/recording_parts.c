/* recording_parts - which recordings were begun, month by month. */
#include "../../plugin/recording_parts.h"
#include "../tap.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/clXXXXXX";

static void make(const char *name, bool is_folder)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (is_folder)
		mkdir(path, 0700);
	else
		close(open(path, O_CREAT | O_WRONLY, 0600));
}

static void months(void)
{
	static const char *const folders[] = {"2026-11", "2025-02",    "2026-1",
					      "2026-12", "lost+found", NULL};
	static const char *const files[] = {"2025-02/1-0a.part",
					    "2025-02/1-0a.mp3",
					    "2025-02/2-0b.part",
					    "2025-02/x.part",
					    "2025-02/3-0c.part.a",
					    "2025-02/.part",
					    "2026-12/9-0123.part",
					    "2026-1/4-0d.part",
					    "1999-01",
					    NULL};
	char month[RECORDING_MONTH] = "";
	struct buf names;

	for (const char *const *name = folders; *name; name++)
		make(*name, true);
	for (const char *const *name = files; *name; name++)
		make(*name, false);
	buf_init(&names, 1000);
	ok(recording_parts_next(folder, month, &names) && names.len == 0,
	   "what is no folder has none");
	ok(recording_parts_next(folder, month, &names), "months, oldest first");
	is(month, "2025-02", "the first");
	ok(names.len == 25 && strstr(names.bytes, "2025-02/1-0a") &&
	       strstr(names.bytes, "2025-02/2-0b"),
	   "names what was begun, and nothing else");
	ok(recording_parts_next(folder, month, &names) && names.len == 0,
	   "a month may have none");
	is(month, "2026-11", "the second");
	ok(recording_parts_next(folder, month, &names), "the next");
	is(names.bytes, "2026-12/9-0123", "has its own");
	ok(!recording_parts_next(folder, month, &names) && !month[0],
	   "after the last the first is next");
	buf_free(&names);
	buf_init(&names, 16);
	recording_parts_next(folder, month, &names);
	recording_parts_next(folder, month, &names);
	ok(!names.failed && names.len > 0 && names.len <= 16,
	   "what there is no room for is left");
	buf_free(&names);
	ok(!recording_parts_next("/none", month, &names),
	   "a folder that is not there has none");
	buf_free(&names);
}

static int drop(const char *path, const struct stat *found, int kind,
		struct FTW *place)
{
	(void)found;
	(void)kind;
	(void)place;
	return remove(path);
}

int main(void)
{
	if (!mkdtemp(folder))
		return 1;
	months();
	nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
	return tap_done();
}
