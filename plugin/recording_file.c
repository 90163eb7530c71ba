/* recording_file - see recording_file.h.
 *
 * After a power cut a .part may lack its end, and nothing else: it only grows, and
 * file systems write data before they write its length. Its mark is an attribute of
 * it, so that no file has another's; where a file system has none, it is known to the
 * process that began it alone, and what another left is not gone on with. */
#include "recording_file.h"

#include "recording_folder.h"
#include "sound.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char MARK[] = "user.call_log.mark";

enum {
	READ_BYTES = 64 * 1024,
	WRITE_BYTES = 8 * 1024 * 1024, /* until the disk is to begin */
	PATH_BYTES = 4096,
	FOLDER_BYTES = 7
};

/* A name is a month, a slash and a plain file name. */
static bool is_name(const char *name)
{
	size_t len = strlen(name);

	return len > FOLDER_BYTES + 1 && len < RECORDING_NAME_MAX - 8 &&
	       name[FOLDER_BYTES] == '/' &&
	       strspn(name, "0123456789-") == FOLDER_BYTES &&
	       strspn(name + FOLDER_BYTES + 1, "0123456789abcdef-") ==
		   len - FOLDER_BYTES - 1;
}

static bool make_path(char path[PATH_BYTES], const char *folder,
		      const char *name, const char *ending)
{
	int len = snprintf(path, PATH_BYTES, "%s/%s%s", folder, name, ending);

	return is_name(name) && len > 0 && len < PATH_BYTES;
}

static void month_of(char path[PATH_BYTES], const char *folder,
		     const char *name)
{
	snprintf(path, PATH_BYTES, "%s/%.*s", folder, FOLDER_BYTES, name);
}

static bool make_month(const char *folder, const char *name, struct err *err)
{
	char month[PATH_BYTES];

	month_of(month, folder, name);
	if (mkdir(month, 0750) == 0)
		return recording_folder_sync(folder, err);
	return errno == EEXIST ||
	       recording_folder_failed(err,
				       "cannot make a folder for recordings");
}

/* ------------------------------------------------------------------- sum */

static struct evp_md_ctx_st *begin_hash(void)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();

	if (hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1)
		return hash;
	EVP_MD_CTX_free(hash);
	return NULL;
}

/* So many more bytes, or as many as there are. */
static bool hash_more(struct recording_file *file, uint64_t max)
{
	unsigned char buffer[READ_BYTES];
	ssize_t got = 1;

	while (max > 0 && (got = pread(file->fd, buffer,
				       max < READ_BYTES ? max : READ_BYTES,
				       (off_t)file->hashed)) > 0) {
		if (!file->hash ||
		    EVP_DigestUpdate(file->hash, buffer, (size_t)got) != 1)
			return false;
		file->hashed += (uint64_t)got;
		max -= (uint64_t)got;
	}
	return got >= 0;
}

static bool finish_hash(struct recording_file *file,
			struct recording_facts *facts, struct err *err)
{
	unsigned len;
	bool done = file->hash && hash_more(file, UINT64_MAX) &&
		    EVP_DigestFinal_ex(file->hash, facts->sha256, &len) == 1;

	facts->bytes = file->hashed;
	return done ||
	       err_set(err, ERR_INTERNAL, "cannot read a recording again");
}

/* ------------------------------------------------------------------ part */

/* Only one process writes a file: two may believe that it is theirs to do, when the
 * database was away for longer than a lease. Whoever had it before may have put it
 * in its place meanwhile. */
static bool lock(int fd, const char *path)
{
	struct stat ours, there;

	return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &ours) == 0 &&
	       stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
	       ours.st_dev == there.st_dev;
}

/* Of another process's bytes the mark that is in memory says nothing. */
static void read_mark(struct recording_file *file, uint64_t bytes)
{
	ssize_t len =
	    fgetxattr(file->fd, MARK, file->mark, sizeof(file->mark) - 1);

	if (len >= 0)
		file->mark[len] = '\0';
	else if (bytes != file->bytes)
		file->mark[0] = '\0';
	file->bytes = bytes;
}

static void write_mark(struct recording_file *file, const char *mark)
{
	snprintf(file->mark, sizeof(file->mark), "%s", mark);
	if (fsetxattr(file->fd, MARK, file->mark, strlen(file->mark), 0) != 0)
		(void)fremovexattr(file->fd, MARK);
}

bool recording_file_open(struct recording_file *file, const char *folder,
			 const char *name, struct err *err)
{
	char path[PATH_BYTES];
	struct stat found;

	file->folder = folder;
	file->fd = -1;
	file->hash = NULL;
	if (!make_path(path, folder, name, ".part"))
		return err_set(err, ERR_INPUT,
			       "'%.40s' is no name of a recording", name);
	snprintf(file->name, sizeof(file->name), "%s", name);
	if (!make_month(folder, name, err))
		return false;
	file->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (file->fd < 0 || fstat(file->fd, &found) != 0 ||
	    fchmod(file->fd, 0640) != 0) {
		recording_folder_failed(err,
					"cannot open the file of a recording");
		recording_file_close(file);
		return false;
	}
	if (!lock(file->fd, path)) {
		recording_file_close(file);
		return err_set(err, ERR_AWAY, "another process fetches it");
	}
	read_mark(file, (uint64_t)found.st_size);
	file->hash = begin_hash();
	file->hashed = 0;
	return true;
}

void recording_file_close(struct recording_file *file)
{
	/* a child that the host forked has the descriptor, too, and would keep
	 * the lock */
	if (file->fd >= 0) {
		(void)flock(file->fd, LOCK_UN);
		close(file->fd);
	}
	file->fd = -1;
	EVP_MD_CTX_free(file->hash);
	file->hash = NULL;
}

/* What the end would else take long to do, and hold the others up: the sum follows
 * what comes, faster than it where an earlier attempt left some, and the disk begins
 * to write. What fails here fails there again. */
static void work_ahead(struct recording_file *file, size_t len)
{
	(void)hash_more(file, 4 * (uint64_t)len);
	if (file->bytes / WRITE_BYTES != (file->bytes - len) / WRITE_BYTES)
		(void)sync_file_range(file->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

bool recording_file_append(struct recording_file *file, const void *bytes,
			   size_t len, struct err *err)
{
	const char *at = bytes;
	size_t whole = len;

	while (len > 0) {
		ssize_t done = pwrite(file->fd, at, len, (off_t)file->bytes);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return recording_folder_failed(
			    err, "cannot write a recording");
		at += done;
		len -= (size_t)done;
		file->bytes += (uint64_t)done;
	}
	work_ahead(file, whole);
	return true;
}

bool recording_file_empty(struct recording_file *file, const char *mark,
			  struct err *err)
{
	file->bytes = 0;
	if (ftruncate(file->fd, 0) != 0)
		return recording_folder_failed(
		    err, "cannot empty the file of a recording");
	write_mark(file, mark);
	EVP_MD_CTX_free(file->hash);
	file->hash = begin_hash();
	file->hashed = 0;
	return true;
}

static void fill(struct recording_facts *facts, const char *name,
		 const struct media_type *type)
{
	facts->media_type = type->name;
	snprintf(facts->path, sizeof(facts->path), "%s%s", name, type->ending);
}

/* The order keeps a file without .part whole whatever happens. */
static bool put_in_place(struct recording_file *file, const char *part,
			 const char *ending, struct err *err)
{
	char whole[PATH_BYTES], month[PATH_BYTES];

	month_of(month, file->folder, file->name);
	if (!make_path(whole, file->folder, file->name, ending))
		return err_set(err, ERR_INTERNAL, "the path is too long");
	(void)fremovexattr(file->fd, MARK);
	if (fsync(file->fd) != 0 || rename(part, whole) != 0) {
		if (errno == ENOENT)
			return err_set(err, ERR_AWAY,
				       "it was erased meanwhile");
		return recording_folder_failed(err, "cannot keep a recording");
	}
	return recording_folder_sync(month, err);
}

bool recording_file_finish(struct recording_file *file,
			   struct recording_facts *facts, struct err *err)
{
	char part[PATH_BYTES];
	bool sound, done = false;
	const struct media_type *type =
	    sound_judge(file->fd, file->bytes, &sound);

	make_path(part, file->folder, file->name, ".part");
	if (!type || !sound) {
		unlink(part);
		err_set(err, ERR_INPUT, "what came is no %s (%llu bytes)",
			type ? type->name : "sound",
			(unsigned long long)file->bytes);
	} else {
		fill(facts, file->name, type);
		done = finish_hash(file, facts, err) &&
		       put_in_place(file, part, type->ending, err);
	}
	recording_file_close(file);
	return done;
}

bool recording_file_find(const char *folder, const char *name,
			 struct recording_facts *facts)
{
	char path[PATH_BYTES];
	struct err err;

	for (const struct media_type *type = media_types; type->name; type++) {
		if (!make_path(path, folder, name, type->ending))
			return false;
		struct recording_file file = {
		    .fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
		if (file.fd < 0)
			continue;
		fill(facts, name, type);
		file.hash = begin_hash();
		bool done = finish_hash(&file, facts, &err);
		recording_file_close(&file);
		return done;
	}
	return false;
}

static bool erase_one(const char *folder, const char *name, const char *ending,
		      bool *any, struct err *err)
{
	char path[PATH_BYTES];

	if (!make_path(path, folder, name, ending))
		return err_set(err, ERR_INTERNAL,
			       "'%.40s' is no name of a recording", name);
	if (unlink(path) == 0) {
		*any = true;
		return true;
	}
	return errno == ENOENT || errno == ENOTDIR ||
	       recording_folder_failed(err, "cannot delete a recording");
}

bool recording_file_erase(const char *folder, const char *name, struct err *err)
{
	char month[PATH_BYTES];
	bool any = false;

	if (!erase_one(folder, name, ".part", &any, err))
		return false;
	for (const struct media_type *type = media_types; type->name; type++)
		if (!erase_one(folder, name, type->ending, &any, err))
			return false;
	/* what cannot be seen is not gone */
	if (!any && !recording_folder_is_marked(folder))
		return err_set(err, ERR_INTERNAL,
			       "cannot delete a recording: its folder is away");
	month_of(month, folder, name);
	return !any || recording_folder_sync(month, err);
}

bool recording_file_erase_part(const char *folder, const char *name,
			       struct err *err)
{
	bool any;

	return erase_one(folder, name, ".part", &any, err);
}
