/* recording_file - a recording on the disk, from its first bytes to its end. */
#include "../../plugin/recording_file.h"
#include "../../plugin/recording_folder.h"
#include "../tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

/* two frames of AMR */
#define AMR_FIRST "#!AMR\n\x04 a frame of "
#define AMR_SECOND "\x04 and another"
#define NAME "2026-11/17-0123456789abcdef"

static char folder[] = "/tmp/clXXXXXX";
static char mark[300];

static bool there(const char *name)
{
	char path[300];
	struct stat found;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return stat(path, &found) == 0;
}

static bool write_part(const char *bytes, struct recording_file *file)
{
	struct err err;

	return recording_file_open(file, folder, NAME, &err) &&
	       recording_file_append(file, bytes, strlen(bytes), &err);
}

static void names(void)
{
	static const char *const bad[] = {"",
					  "x",
					  "../../etc/passwd",
					  "2026-11/",
					  "2026-11/../x",
					  "2026-11/17/18",
					  "/026-11/17",
					  "2026-11/.17",
					  "2026-11/17.part",
					  NULL};
	struct recording_file file;
	struct err err;

	for (const char *const *name = bad; *name; name++) {
		ok(!recording_file_open(&file, folder, *name, &err) &&
		       file.fd < 0,
		   "'%s' is no name", *name);
		ok(!recording_file_erase(folder, *name, &err),
		   "also to be erased");
	}
}

static void whole(void)
{
	static const unsigned char sha256[] = {0xf9, 0x41, 0x20, 0x20};
	struct recording_file file, second;
	struct recording_facts facts;
	struct err err;

	ok(write_part(AMR_FIRST, &file) && there(NAME ".part"),
	   "it begins as a part");
	ok(!recording_file_open(&second, folder, NAME, &err) &&
	       err.kind == ERR_AWAY && second.fd < 0,
	   "that nobody else may write meanwhile");
	ok(file.hashed == file.bytes, "its sum follows what comes");
	recording_file_close(&file);
	recording_file_close(&file);
	ok(write_part(AMR_SECOND, &file) && file.bytes == 32,
	   "and grows where it ended");
	ok(file.hashed == file.bytes, "and so does its sum");
	ok(!recording_file_find(folder, NAME, &facts), "and is not whole");
	ok(recording_file_finish(&file, &facts, &err), "until it is");
	ok(facts.bytes == 32 && memcmp(facts.sha256, sha256, 4) == 0,
	   "then its length and sum are known (%02x%02x%02x%02x)",
	   facts.sha256[0], facts.sha256[1], facts.sha256[2], facts.sha256[3]);
	is(facts.media_type, "audio/amr", "and what it is");
	is(facts.path, NAME ".amr", "and where");
	ok(there(NAME ".amr") && !there(NAME ".part"), "it is there alone");
	facts = (struct recording_facts){0};
	ok(recording_file_find(folder, NAME, &facts) && facts.bytes == 32 &&
	       strcmp(facts.path, NAME ".amr") == 0,
	   "and is found again");
	ok(recording_file_erase(folder, NAME, &err) && !there(NAME ".amr"),
	   "until it is erased");
	ok(recording_file_erase(folder, NAME, &err),
	   "which does no harm twice");
	ok(recording_file_erase(folder, "2001-01/1-a", &err),
	   "nor where there is no such month");
	unlink(mark);
	ok(!recording_file_erase(folder, NAME, &err) &&
	       err.kind == ERR_INTERNAL,
	   "but where the folder is not the one nothing is known to be gone");
}

static void none(void)
{
	struct recording_file file;
	struct recording_facts facts;
	struct err err;

	ok(write_part("<html>this is no sound</html>", &file) &&
	       !recording_file_finish(&file, &facts, &err) &&
	       err.kind == ERR_INPUT && !there(NAME ".part"),
	   "what is no sound is not kept");
	is(err.text, "what came is no sound (29 bytes)", "and told");
	ok(write_part(AMR_FIRST "\x04 and", &file) &&
	       !recording_file_finish(&file, &facts, &err) &&
	       !there(NAME ".part"),
	   "nor what ends too early");
	is(err.text, "what came is no audio/amr (24 bytes)", "which is told");
	ok(write_part("not it", &file) &&
	       recording_file_empty(&file, "", &err) && file.bytes == 0 &&
	       recording_file_append(&file, AMR_FIRST AMR_SECOND, 32, &err) &&
	       recording_file_finish(&file, &facts, &err) && facts.bytes == 32,
	   "it can be begun anew");
	recording_file_erase(folder, NAME, &err);
}

/* By a host that took this one for dead. */
static void erased(void)
{
	struct recording_file file;
	struct recording_facts facts;
	struct err err;

	ok(write_part(AMR_FIRST AMR_SECOND, &file) &&
	       recording_file_erase(folder, NAME, &err) &&
	       !recording_file_finish(&file, &facts, &err) &&
	       err.kind == ERR_AWAY,
	   "what was erased meanwhile is no fault of the disk");
	is(err.text, "it was erased meanwhile", "which is told");
	ok(!there(NAME ".part") && !there(NAME ".amr"), "nothing is there");
}

/* A child has every descriptor that its parent had, until it ends. */
static void forked(void)
{
	struct recording_file file;
	struct err err;
	int gate[2];
	char end;

	ok(write_part("some", &file) && pipe(gate) == 0,
	   "while one is written");
	pid_t child = fork();
	if (child == 0) {
		close(gate[1]);
		_exit(read(gate[0], &end, 1) != 0);
	}
	close(gate[0]);
	recording_file_close(&file);
	ok(child > 0 && recording_file_open(&file, folder, NAME, &err),
	   "the host forks, and it can be gone on with");
	recording_file_close(&file);
	close(gate[1]);
	ok(waitpid(child, NULL, 0) == child, "whatever the child does");
	recording_file_erase(folder, NAME, &err);
}

/* Of a file system without attributes it is known to who wrote it alone. */
static void marks(void)
{
	struct recording_file file = {0}, other = {0};
	struct err err;

	ok(write_part("some", &file), "of what is begun");
	is(file.mark, "", "nothing is known");
	ok(recording_file_empty(&file, "100 \"v1\"", &err) &&
	       recording_file_append(&file, "ID3", 3, &err),
	   "until it is told");
	bool has = fsetxattr(file.fd, "user.call_log.test", "", 0, 0) == 0;
	recording_file_close(&file);
	ok(recording_file_open(&other, folder, NAME, &err) && other.bytes == 3,
	   "another process finds what there is");
	is(other.mark, has ? "100 \"v1\"" : "", "and what it is of");
	recording_file_append(&other, "more", 4, &err);
	recording_file_close(&other);
	ok(recording_file_open(&file, folder, NAME, &err), "the first again");
	is(file.mark, has ? "100 \"v1\"" : "",
	   "knows that of another's bytes from the file alone");
	recording_file_empty(&file, "", &err);
	recording_file_close(&file);
	recording_file_open(&other, folder, NAME, &err);
	is(other.mark, "", "a mark can be taken off");
	recording_file_close(&other);
	recording_file_erase(folder, NAME, &err);
}

int main(void)
{
	char month[300];
	struct err err;

	if (!mkdtemp(folder) || !recording_folder_mark(folder, &err))
		return 1;
	snprintf(mark, sizeof(mark), "%s/" RECORDING_FOLDER_MARK, folder);
	names();
	whole();
	none();
	marks();
	erased();
	forked();
	snprintf(month, sizeof(month), "%s/2026-11", folder);
	rmdir(month);
	ok(rmdir(folder) == 0, "nothing is left");
	return tap_done();
}
