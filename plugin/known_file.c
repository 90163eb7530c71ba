/* known_file - see known_file.h. Lines are numbered in the order of their
 * change, so that each process finds what it has not seen. */
#include "known_file.h"

#include "clock.h"
#include "sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	APPLICATION_ID = 0x436b6e6f, /* "Ckno" */
	FORMAT = 1,
	CHECK_MS = 100,
	OPEN_WAIT_MS = 500,
	RETRY_MS = 10000, /* after no file could be had */
	PAGES_MORE = 64,  /* beyond one a call */
	TRIM_SHARE = 8    /* it is trimmed when so much of it is new */
};

struct known_file {
	char *path, *bad_path; /* owned */
	size_t max_calls;
	struct sqlite *db; /* owned; NULL: to be opened */
	struct sqlite_statement *since, *put;
	int64_t seen, last; /* numbers: read before; given */
	int64_t now_seen;   /* seen, once this ends well */
	size_t put_count;   /* since it was trimmed */
	uint64_t retry_ns;
	bool failed; /* since it began */
};

#define COLUMNS                                                                \
	"account, agent, session_id, logged, id, note, contact_id, "           \
	"contact_name, contact_type, checksum"
enum { CALL_TEXTS = 7 };

static const char create[] =
    "CREATE TABLE IF NOT EXISTS call (changed INTEGER NOT NULL,"
    " account TEXT NOT NULL, agent TEXT NOT NULL, session_id TEXT NOT NULL,"
    " logged INTEGER NOT NULL, id INTEGER NOT NULL, note TEXT,"
    " contact_id TEXT, contact_name TEXT, contact_type TEXT,"
    " checksum INTEGER NOT NULL, PRIMARY KEY (account, agent, session_id))";

struct known_file *known_file_new(const char *path, size_t max_calls)
{
	struct known_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->max_calls = max_calls;
	file->path = strdup(path);
	if (asprintf(&file->bad_path, "%s.bad", path) < 0)
		file->bad_path = NULL;
	if (file->path && file->bad_path)
		return file;
	known_file_free(file, false);
	return NULL;
}

void known_file_free(struct known_file *file, bool inherited)
{
	if (!file)
		return;
	if (!inherited)
		sqlite_close(file->db);
	free(file->path);
	free(file->bad_path);
	free(file);
}

/* -------------------------------------------------------------- opening */

/* Only one that is new is closed here: closing another's would drop the locks
 * that SQLite has on it in this process. */
static void create_private(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
}

/* A file without any application's mark and table is a new one. */
static bool check_format(struct sqlite *db, struct err *err)
{
	int64_t application, format, tables;

	if (!sqlite_number(db, "PRAGMA application_id", &application, err) ||
	    !sqlite_number(db, "PRAGMA user_version", &format, err) ||
	    !sqlite_number(db, "SELECT count(*) FROM sqlite_master", &tables,
			   err))
		return false;
	if (application == APPLICATION_ID ? format == FORMAT
					  : application == 0 && tables == 0)
		return true;
	return err_set(err, ERR_ROW, "it is some other file");
}

static bool create_table(struct sqlite *db, struct err *err)
{
	bool done =
	    sqlite_begin(db, err) &&
	    sqlite_set(db, "PRAGMA application_id =", APPLICATION_ID, err) &&
	    sqlite_set(db, "PRAGMA user_version =", FORMAT, err) &&
	    sqlite_run(db, create, err) &&
	    sqlite_run(db,
		       "CREATE INDEX IF NOT EXISTS call_changed ON "
		       "call (changed)",
		       err) &&
	    sqlite_commit(db, err);

	sqlite_rollback(db);
	return done;
}

static bool prepare(struct known_file *file, struct sqlite *db, struct err *err)
{
	file->since = sqlite_prepare(db,
				     "SELECT changed, " COLUMNS " FROM call"
				     " WHERE changed > ?1 ORDER BY changed",
				     err);
	file->put = sqlite_prepare(db,
				   "REPLACE INTO call (changed, " COLUMNS ") "
				   "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
				   err);
	return file->since && file->put;
}

static void put_away(struct known_file *file)
{
	char journal[4096];

	rename(file->path, file->bad_path);
	snprintf(journal, sizeof(journal), "%s-journal", file->path);
	unlink(journal);
}

static bool connect(struct known_file *file, struct err *err)
{
	create_private(file->path);
	struct sqlite *db = sqlite_open(file->path, SQLITE_MODE_EXISTING, err);

	if (!db)
		return false;
	sqlite_set_deadline(db, clock_after(clock_ns(), OPEN_WAIT_MS));
	if (check_format(db, err) &&
	    sqlite_set_journal(db, SQLITE_JOURNAL_KEPT, false, err) &&
	    /* what is forgotten is gone from the disk */
	    sqlite_run(db, "PRAGMA secure_delete = ON", err) &&
	    sqlite_set(db, "PRAGMA journal_size_limit =", 0, err) &&
	    sqlite_set(db, "PRAGMA max_page_count =",
		       (int64_t)file->max_calls + PAGES_MORE, err) &&
	    create_table(db, err) && prepare(file, db, err) &&
	    sqlite_check(db, CHECK_MS, err)) {
		file->db = db;
		file->seen = 0;
		return true;
	}
	bool bad =
	    err->kind == ERR_ROW || sqlite_fault(db) == SQLITE_FAULT_FILE;
	sqlite_close(db);
	if (bad) {
		put_away(file);
		err->kind = ERR_ROW;
	}
	return false;
}

/* ---------------------------------------------------------------- using */

static void fail(struct known_file *file, const struct err *err)
{
	bool bad =
	    err->kind == ERR_ROW || sqlite_fault(file->db) == SQLITE_FAULT_FILE;

	file->failed = true;
	sqlite_reset(file->since);
	sqlite_rollback(file->db);
	if (!bad && sqlite_fault(file->db) == SQLITE_FAULT_NONE)
		return;
	sqlite_close(file->db);
	file->db = NULL;
	if (bad)
		put_away(file);
}

bool known_file_begin(struct known_file *file, struct err *err)
{
	if (!file->db) {
		if (clock_ns() < file->retry_ns)
			return err_set(err, ERR_INTERNAL, "not tried");
		if (!connect(file, err)) {
			if (err->kind != ERR_ROW)
				file->retry_ns =
				    clock_after(clock_ns(), RETRY_MS);
			return false;
		}
	}
	sqlite_set_deadline(file->db, 0);
	file->failed = false;
	file->now_seen = file->seen;
	if (!sqlite_begin(file->db, err) ||
	    !sqlite_number(file->db, "SELECT max(changed) FROM call",
			   &file->last, err)) {
		fail(file, err);
		return false;
	}
	sqlite_bind_int(file->since, 1, file->seen);
	return true;
}

static void list_texts(const struct known_call *call,
		       struct text texts[CALL_TEXTS])
{
	texts[0] = call->account;
	texts[1] = call->agent;
	texts[2] = call->session_id;
	texts[3] = call->note;
	texts[4] = call->contact_id;
	texts[5] = call->contact_name;
	texts[6] = call->contact_type;
}

static uint64_t checksum(const struct known_line *line)
{
	struct text texts[CALL_TEXTS];
	uint64_t sum = (uint64_t)line->call.id * 2 + line->logged;

	list_texts(&line->call, texts);
	for (int i = 0; i < CALL_TEXTS; i++)
		sum = sum * 31 +
		      (texts[i].s ? call_hash(texts[i].s, texts[i].len) : 1);
	return sum;
}

bool known_file_next(struct known_file *file, struct known_line *line)
{
	struct sqlite_statement *since = file->since;
	struct err err;

	if (file->failed)
		return false;
	switch (sqlite_step(since, &err)) {
	case SQLITE_STEP_END:
		sqlite_reset(since);
		return false;
	case SQLITE_STEP_FAILED:
		fail(file, &err);
		return false;
	case SQLITE_STEP_ROW:
		break;
	}
	*line =
	    (struct known_line){.call = {.account = sqlite_text(since, 1),
					 .agent = sqlite_text(since, 2),
					 .session_id = sqlite_text(since, 3),
					 .id = sqlite_int(since, 5),
					 .note = sqlite_text(since, 6),
					 .contact_id = sqlite_text(since, 7),
					 .contact_name = sqlite_text(since, 8),
					 .contact_type = sqlite_text(since, 9)},
				.logged = sqlite_int(since, 4) != 0};
	if (checksum(line) != (uint64_t)sqlite_int(since, 10)) {
		err_set(&err, ERR_ROW, "a line does not match its checksum");
		fail(file, &err);
		return false;
	}
	file->now_seen = sqlite_int(since, 0);
	return true;
}

bool known_file_put(struct known_file *file, const struct known_line *line)
{
	const struct known_call *call = &line->call;
	struct sqlite_statement *put = file->put;
	struct err err;

	if (file->failed)
		return false;
	sqlite_bind_int(put, 1, ++file->last);
	sqlite_bind_text(put, 2, call->account);
	sqlite_bind_text(put, 3, call->agent);
	sqlite_bind_text(put, 4, call->session_id);
	sqlite_bind_int(put, 5, line->logged);
	sqlite_bind_int(put, 6, call->id);
	sqlite_bind_text(put, 7, call->note);
	sqlite_bind_text(put, 8, call->contact_id);
	sqlite_bind_text(put, 9, call->contact_name);
	sqlite_bind_text(put, 10, call->contact_type);
	sqlite_bind_int(put, 11, (int64_t)checksum(line));
	if (sqlite_finish(put, &err)) {
		file->put_count++;
		file->now_seen = file->last;
		return true;
	}
	bool full = err.kind == ERR_FULL;
	fail(file, &err);
	if (full && file->db) /* the older half makes room */
		sqlite_run(file->db,
			   "DELETE FROM call WHERE changed <= (SELECT "
			   "(min(changed) + max(changed)) / 2 FROM call)",
			   &err);
	return false;
}

/* Forgets the oldest lines beyond the bound. */
static bool trim(struct known_file *file, struct err *err)
{
	char sql[160];

	snprintf(sql, sizeof(sql),
		 "DELETE FROM call WHERE changed <= (SELECT changed FROM call "
		 "ORDER BY changed DESC LIMIT 1 OFFSET %zu)",
		 file->max_calls);
	file->put_count = 0;
	return sqlite_run(file->db, sql, err);
}

bool known_file_end(struct known_file *file)
{
	struct err err;

	if (file->failed)
		return false;
	if ((file->put_count > file->max_calls / TRIM_SHARE &&
	     !trim(file, &err)) ||
	    !sqlite_commit(file->db, &err)) {
		fail(file, &err);
		return false;
	}
	file->seen = file->now_seen;
	return true;
}
