/* spool_file - see spool_file.h.
 *
 * A file comes to its path complete or not at all: it is made, and filled with
 * what its predecessor holds, under the name "<path>.new", in one transaction,
 * and then renamed. So when a process dies meanwhile, either <path> is still
 * the old file, or it is missing and "<path>.new" is whole.
 *
 * After an fsync that failed, the kernel may have dropped what was written, and
 * the next fsync would succeed all the same: the file is condemned, by its
 * inode, and never written again.
 *
 * Closing any descriptor of a file drops all locks that the process has on it.
 * So all of them are SQLite's own, which closes none while one of its
 * connections has a lock; but it looks for that a moment before it closes, and
 * a thread that comes in meanwhile loses its lock, unnoticed. So connections
 * are closed by who is alone only. */
#include "spool_file.h"

#include "clock.h"
#include "spool_copy.h"
#include "spool_lock.h"
#include "spool_place.h"
#include "spool_row.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	APPLICATION_ID = 0x43616c6c, /* "Call" */
	CHECK_MS = 300,              /* for the look for damage at opening */
	CLOSE_WAIT_MS = 2000,        /* to be alone, for others to be done */
	RETRY_MS = 1000,             /* after a file could not be made */
	TRIES_MAX = 3,               /* to begin with a file that stays */
	NOTICES_MAX = 4,
	PAGE_BYTES = 4096,
	JOURNAL_MAX = 8 * 1024 * 1024
};
#define BYTES_MIN (UINT64_C(1024) * 1024)
#define ROW_MAX (INT64_C(1) << 60) /* a greater name is damage */

struct spool_file {
	struct spool_place *place; /* owned */
	struct spool_lock *lock;   /* owned */
	uint64_t pages_max, journal_max;

	struct sqlite *db; /* owned; NULL: to be opened */
	struct sqlite_statement *statements[SPOOL_FILE_STATEMENTS];
	struct spool_identity identity; /* of db */
	bool spent;                     /* db failed, and is not to be used */
	/* owned; what the path named before somebody deleted or replaced it:
	 * its events are to be taken over */
	struct sqlite *old;
	uint64_t deadline_ns;

	struct spool_identity condemned; /* never to be used again */
	struct err why;                  /* it is */
	struct err trouble;              /* of the last try to have a file */
	uint64_t retry_ns;               /* when to try again */

	char notices[NOTICES_MAX][SPOOL_FILE_NOTICE];
	unsigned notice_count;
};

static const struct {
	enum spool_file_statement statement;
	const char *where;
} selects[] = {
    {SPOOL_FILE_OLDEST,
     "WHERE id IN (SELECT e.id FROM (SELECT id, account, agent, session_id"
     " FROM event WHERE id > ?3 ORDER BY id LIMIT ?1) AS e"
     " WHERE NOT EXISTS (SELECT 1"
     " FROM event AS o WHERE o.account = e.account AND o.agent = e.agent"
     " AND o.session_id = e.session_id AND o.id < e.id)"
     " ORDER BY e.id LIMIT ?2) ORDER BY id"},
    {SPOOL_FILE_CALL,
     "WHERE account = ?1 AND agent = ?2 AND session_id = ?3 ORDER BY id"},
    {SPOOL_FILE_ZEROES,
     "WHERE account = ?1 AND agent = ?2 AND (session_id GLOB '0/*'"
     " OR session_id = telephony_session_id) ORDER BY session_id, id"},
};

/* -------------------------------------------------------------- notices */

__attribute__((format(printf, 2, 3))) static void
give_notice(struct spool_file *file, const char *format, ...)
{
	va_list args;

	if (file->notice_count == NOTICES_MAX)
		file->notice_count--;
	va_start(args, format);
	vsnprintf(file->notices[file->notice_count++], SPOOL_FILE_NOTICE,
		  format, args);
	va_end(args);
}

bool spool_file_take_notice(struct spool_file *file,
			    char notice[SPOOL_FILE_NOTICE])
{
	if (file->notice_count == 0)
		return false;
	memcpy(notice, file->notices[0], SPOOL_FILE_NOTICE);
	file->notice_count--;
	memmove(file->notices[0], file->notices[1],
		sizeof(file->notices[0]) * file->notice_count);
	return true;
}

/* ----------------------------------------------------------- life cycle */

struct spool_file *spool_file_open(const char *path, uint64_t max_bytes,
				   struct err *err)
{
	struct spool_file *file = calloc(1, sizeof(*file));

	if (!file) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	if (max_bytes < BYTES_MIN)
		max_bytes = BYTES_MIN;
	file->journal_max =
	    max_bytes / 2 < JOURNAL_MAX ? max_bytes / 2 : JOURNAL_MAX;
	file->pages_max = (max_bytes - file->journal_max) / PAGE_BYTES;
	file->place = spool_place_open(path, err);
	if (!file->place)
		goto failed;
	file->lock = spool_lock_new(file->place->lock);
	if (file->lock)
		return file;
	err_set(err, ERR_NO_MEMORY, "out of memory");
failed:
	spool_file_close(file, false);
	return NULL;
}

/* Where the lock cannot be had, nobody else comes in either. But a connection
 * stays open, for good, rather than take the locks of another that is held up:
 * its disk does not answer. */
static void disconnect(struct spool_file *file)
{
	struct err err = {0};

	if (!file->db && !file->old)
		return;
	if (!spool_lock_enter(file->lock, true,
			      clock_after(clock_ns(), CLOSE_WAIT_MS), &err) &&
	    err.kind == ERR_TIMEOUT)
		return;
	sqlite_close(file->db);
	sqlite_close(file->old);
	spool_lock_leave(file->lock);
}

void spool_file_close(struct spool_file *file, bool inherited)
{
	if (!file)
		return;
	if (!inherited)
		disconnect(file);
	spool_lock_free(file->lock);
	spool_place_close(file->place);
	free(file);
}

/* ----------------------------------------------------------- connecting */

/* What became of an attempt to connect. */
enum fitness {
	FIT,
	UNFIT,  /* to be replaced */
	UNKNOWN /* it could not be tried */
};

static bool prepare_statements(struct sqlite *db,
			       struct sqlite_statement **statements,
			       struct err *err)
{
	size_t count = sizeof(selects) / sizeof(selects[0]);

	statements[SPOOL_FILE_INSERT] = spool_row_insert(db, err);
	if (!statements[SPOOL_FILE_INSERT])
		return false;
	statements[SPOOL_FILE_REMOVE] =
	    sqlite_prepare(db, "DELETE FROM event WHERE id = ?1", err);
	if (!statements[SPOOL_FILE_REMOVE])
		return false;
	for (size_t i = 0; i < count; i++) {
		struct sqlite_statement *select =
		    spool_row_select(db, selects[i].where, err);

		if (!select)
			return false;
		statements[selects[i].statement] = select;
	}
	return true;
}

static enum fitness check_format(struct sqlite *db, struct err *err)
{
	int64_t application, format;

	if (!sqlite_number(db, "PRAGMA application_id", &application, err) ||
	    !sqlite_number(db, "PRAGMA user_version", &format, err))
		return sqlite_fault(db) == SQLITE_FAULT_FILE ? UNFIT : UNKNOWN;
	if (application != APPLICATION_ID) {
		err_set(err, ERR_INTERNAL, "it is some other database");
		return UNFIT;
	}
	if (format > SPOOL_ROW_FORMAT) {
		err_set(err, ERR_INTERNAL,
			"its format %d is of a newer version", (int)format);
		return UNFIT;
	}
	return FIT;
}

static bool configure(struct spool_file *file, struct sqlite *db,
		      struct err *err)
{
	return sqlite_set_journal(db, SQLITE_JOURNAL_KEPT, true, err) &&
	       sqlite_set(db, "PRAGMA journal_size_limit =",
			  (int64_t)file->journal_max, err) &&
	       sqlite_set(db,
			  "PRAGMA max_page_count =", (int64_t)file->pages_max,
			  err) &&
	       sqlite_run(db, "PRAGMA secure_delete = ON", err);
}

/* Opens what the path names. A journal that a dead process left is rolled back
 * by the first read. */
static enum fitness connect(struct spool_file *file, struct err *err)
{
	struct sqlite_statement *statements[SPOOL_FILE_STATEMENTS];
	struct sqlite *db =
	    sqlite_open(file->place->path, SQLITE_MODE_EXISTING, err);

	if (!db) {
		struct err why = *err;

		err_set(err, why.kind, "cannot open the spool '%s': %s",
			file->place->path, why.text);
		return UNKNOWN;
	}
	sqlite_set_deadline(db, file->deadline_ns);
	enum fitness fitness = check_format(db, err);
	if (fitness == FIT && !(configure(file, db, err) &&
				prepare_statements(db, statements, err) &&
				sqlite_check(db, CHECK_MS, err)))
		fitness =
		    sqlite_fault(db) == SQLITE_FAULT_FILE ? UNFIT : UNKNOWN;
	if (fitness == FIT &&
	    !spool_place_identify(file->place->path, &file->identity)) {
		err_set(err, ERR_INTERNAL, "the spool '%s' was taken away",
			file->place->path);
		fitness = UNKNOWN;
	}
	if (fitness != FIT) {
		sqlite_close(db);
		return fitness;
	}
	memcpy(file->statements, statements, sizeof(statements));
	file->db = db;
	return FIT;
}

/* --------------------------------------------------------- making a file */

static bool fill(struct sqlite *db, struct sqlite *from,
		 struct spool_copy *copied, struct err *err)
{
	int64_t after = clock_wall_ms() * 1000;
	int64_t last = from ? spool_copy_last(from) : 0;

	/* Above all names that were ever given here: who still holds some of
	 * a file that is gone must not remove others' rows by them. */
	if (last < ROW_MAX && last > after)
		after = last;
	return sqlite_set(db, "PRAGMA application_id =", APPLICATION_ID, err) &&
	       sqlite_set(db, "PRAGMA user_version =", SPOOL_ROW_FORMAT, err) &&
	       spool_row_create(db, after, err) &&
	       (!from || spool_copy(from, db, copied, err));
}

/* Makes <path>.new, with the events that `from` (may be NULL) holds. */
static bool make(struct spool_file *file, struct sqlite *from,
		 struct spool_copy *copied, struct err *err)
{
	bool made = false;

	if (!spool_place_make_new(file->place, err))
		return false;
	struct sqlite *db =
	    sqlite_open(file->place->new_path, SQLITE_MODE_EXISTING, err);
	if (db && sqlite_set_journal(db, SQLITE_JOURNAL_REMOVED, true, err) &&
	    sqlite_set(db, "PRAGMA page_size =", PAGE_BYTES, err) &&
	    sqlite_run(db, "PRAGMA auto_vacuum = INCREMENTAL", err) &&
	    sqlite_begin(db, err)) {
		made = fill(db, from, copied, err) && sqlite_commit(db, err);
		sqlite_rollback(db);
	}
	sqlite_close(db);
	if (!made)
		spool_place_remove_new(file->place);
	return made;
}

/* The path names nothing. */
static bool make_first(struct spool_file *file, struct err *err)
{
	struct spool_copy copied;
	struct sqlite *db;
	int64_t application = 0;
	char aside[SPOOL_PLACE_ASIDE];
	struct err ignored;

	if (!spool_place_set_journal_aside(file->place, aside, err))
		return false;
	if (aside[0])
		give_notice(file,
			    "the spool '%s' is missing, but not its journal: "
			    "that is set aside as '%s'",
			    file->place->path, aside);
	db = sqlite_open(file->place->new_path, SQLITE_MODE_EXISTING, &ignored);
	if (db)
		sqlite_number(db, "PRAGMA application_id", &application,
			      &ignored);
	sqlite_close(db);
	if (application == APPLICATION_ID)
		give_notice(file,
			    "a process died while it replaced the spool '%s': "
			    "the new one serves, the old one lies beside it",
			    file->place->path);
	else if (!make(file, NULL, &copied, err))
		return false;
	return spool_place_adopt_new(file->place, err);
}

/* ------------------------------------------------------ replacing a file */

/* The file at the path cannot be used, for `why`. Whatever is wrong with it, a
 * row that matches its checksum is ours. */
static bool replace(struct spool_file *file, bool readable, const char *why,
		    struct err *err)
{
	struct spool_copy copied = {0};
	struct sqlite *from = NULL;
	char aside[SPOOL_PLACE_ASIDE];
	struct err unread;

	if (readable) {
		from = sqlite_open(file->place->path, SQLITE_MODE_EXISTING,
				   &unread);
		if (!from && unread.kind == ERR_NO_MEMORY)
			return err_set(err, ERR_NO_MEMORY, "out of memory");
		copied.missed = !from;
	}
	if (from)
		sqlite_set_deadline(from, file->deadline_ns);
	bool made = make(file, from, &copied, err);
	sqlite_close(from);
	if (!made || !spool_place_set_aside(file->place, aside, err) ||
	    !spool_place_adopt_new(file->place, err))
		return false;
	give_notice(file,
		    "the spool '%s' cannot be used (%s): it is set aside as "
		    "'%s'; %zu events of it go on in a new one%s",
		    file->place->path, why, aside, copied.events,
		    copied.missed ? ", whatever else it holds stays there"
				  : "");
	return true;
}

static bool try_path(struct spool_file *file, struct err *err)
{
	enum spool_found_file found;
	struct spool_identity identity;

	if (!spool_place_check(file->place, &found, &identity, err))
		return false;
	if (found != SPOOL_FOUND_NOTHING)
		spool_place_remove_new(file->place);
	switch (found) {
	case SPOOL_FOUND_NOTHING:
		if (!make_first(file, err))
			return false;
		break;
	case SPOOL_FOUND_OTHER:
		if (!replace(file, false, "it is no file", err))
			return false;
		break;
	case SPOOL_FOUND_EMPTY:
		if (!replace(file, false, "it is empty", err))
			return false;
		break;
	case SPOOL_FOUND_FILE:
		if (spool_identity_equal(&identity, &file->condemned) &&
		    !replace(file, true, file->why.text, err))
			return false;
		break;
	}
	enum fitness fitness = connect(file, err);
	if (fitness == UNFIT) {
		struct err why = *err;

		fitness = replace(file, true, why.text, err)
			      ? connect(file, err)
			      : UNKNOWN;
	}
	return fitness == FIT && spool_place_sync(file->place, err);
}

/* Makes the path name a file that can be used, and connects to it. To be called
 * alone; which keeps nobody from deleting the file meanwhile. */
static bool settle_path(struct spool_file *file, struct err *err)
{
	struct spool_identity ignored;

	for (int i = 0; i < TRIES_MAX; i++) {
		if (try_path(file, err))
			return true;
		if (spool_place_identify(file->place->path, &ignored))
			return false;
	}
	return false;
}

/* ---------------------------------------------------------------- using */

bool spool_file_is_current(const struct spool_file *file)
{
	struct spool_identity now;

	return file->db && spool_place_identify(file->place->path, &now) &&
	       spool_identity_equal(&now, &file->identity);
}

/* Copies what the old file holds. Names that the new one has are passed over:
 * when another process replaced the file, all of them. */
static bool take_over(struct spool_file *file, struct err *err)
{
	struct spool_copy copied = {0};
	bool done = sqlite_begin(file->db, err) &&
		    spool_copy(file->old, file->db, &copied, err) &&
		    sqlite_commit(file->db, err);

	sqlite_rollback(file->db);
	if (!done)
		return false;
	if (copied.events > 0)
		give_notice(
		    file,
		    "the spool '%s' was deleted or replaced: %zu events "
		    "of it go on in a new one%s",
		    file->place->path, copied.events,
		    copied.missed ? ", not all could be read" : "");
	sqlite_close(file->old);
	file->old = NULL;
	return true;
}

/* Alone with the folder: makes file->db one that can be used. */
static bool settle_alone(struct spool_file *file, struct err *err)
{
	if (!spool_place_check_folder(file->place, err) ||
	    !spool_lock_enter(file->lock, true, file->deadline_ns, err))
		return false;
	if (file->db && !file->old && !spool_file_is_current(file))
		file->old = file->db;
	else
		sqlite_close(file->db);
	file->db = NULL;
	file->spent = false;
	bool done = settle_path(file, err);
	if (done && file->old)
		done = take_over(file, err);
	spool_lock_leave(file->lock);
	return done;
}

static bool settle(struct spool_file *file, struct err *err)
{
	if (clock_ns() < file->retry_ns)
		return err_set(err, file->trouble.kind, "%s",
			       file->trouble.text);
	if (settle_alone(file, err))
		return true;
	if (err->kind != ERR_TIMEOUT && err->kind != ERR_NO_MEMORY) {
		file->trouble = *err;
		file->retry_ns = clock_after(clock_ns(), RETRY_MS);
	}
	return false;
}

bool spool_file_begin(struct spool_file *file, uint64_t deadline_ns,
		      struct err *err)
{
	file->deadline_ns = deadline_ns;
	for (int i = 0; i < TRIES_MAX; i++) {
		if (spool_lock_enter(file->lock, false, deadline_ns, err)) {
			if (!file->old && !file->spent &&
			    spool_file_is_current(file)) {
				sqlite_set_deadline(file->db, deadline_ns);
				return true;
			}
			spool_lock_leave(file->lock);
		} else if (err->kind == ERR_TIMEOUT) {
			return false;
		}
		if (!settle(file, err))
			return false;
	}
	return err_set(err, ERR_INTERNAL,
		       "the spool is replaced again and again");
}

bool spool_file_end(struct spool_file *file, const struct err *err)
{
	enum sqlite_fault fault = sqlite_fault(file->db);

	if (err && err->kind == ERR_ROW)
		fault = SQLITE_FAULT_FILE;
	if (fault == SQLITE_FAULT_FILE) {
		file->condemned = file->identity;
		file->why = err ? *err : (struct err){.text = "it failed"};
	}
	file->spent = fault != SQLITE_FAULT_NONE;
	spool_lock_leave(file->lock);
	return fault != SQLITE_FAULT_NONE;
}

struct sqlite *spool_file_db(struct spool_file *file)
{
	return file->db;
}

struct sqlite_statement *
spool_file_statement(struct spool_file *file,
		     enum spool_file_statement statement)
{
	return file->statements[statement];
}

void spool_file_keep_journal(struct spool_file *file, bool kept)
{
	struct err ignored;

	sqlite_set(file->db, "PRAGMA journal_size_limit =",
		   kept ? (int64_t)file->journal_max : 0, &ignored);
}

bool spool_file_claim(struct spool_file *file)
{
	return spool_lock_claim(file->lock);
}

void spool_file_release(struct spool_file *file)
{
	spool_lock_release(file->lock);
}
