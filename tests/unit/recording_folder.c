/* recording_folder - the one, a new one, and the bare place where it is mounted. */
#include "../../plugin/recording_folder.h"
#include "../tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	char folder[] = "/tmp/clXXXXXX", inner[300], mark[400], below[400];
	struct err err;

	if (!mkdtemp(folder))
		return 1;
	snprintf(inner, sizeof(inner), "%s/recordings", folder);
	snprintf(mark, sizeof(mark), "%s/" RECORDING_FOLDER_MARK, inner);
	snprintf(below, sizeof(below), "%s/a/b", inner);
	ok(recording_folder_look(inner, &err) == RECORDING_FOLDER_UNMARKED,
	   "a folder that is missing is made, and has no mark");
	ok(recording_folder_look(inner, &err) == RECORDING_FOLDER_UNMARKED,
	   "nor does it get one by being looked at");
	ok(recording_folder_mark(inner, &err) && access(mark, F_OK) == 0 &&
	       recording_folder_look(inner, &err) == RECORDING_FOLDER_OURS,
	   "with a mark it is the one");
	ok(recording_folder_mark(inner, &err), "which does no harm twice");
	ok(recording_folder_is_marked(inner) &&
	       !recording_folder_is_marked(folder) &&
	       recording_folder_has(folder,
				    "recordings/" RECORDING_FOLDER_MARK),
	   "of that folder alone");
	ok(recording_folder_look(below, &err) == RECORDING_FOLDER_AWAY &&
	       err.kind == ERR_CONFIG,
	   "the folders above it are not made");
	ok(unlink(mark) == 0 && rmdir(inner) == 0 &&
	       !recording_folder_mark(inner, &err) && access(inner, F_OK) != 0,
	   "nothing is marked that is not there");
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
