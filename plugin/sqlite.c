/* sqlite - see sqlite.h. */
#include "sqlite.h"

#include "clock.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	STEPS_A_LOOK =
	    1000,     /* of SQLite's machine between looks at the clock */
	WAIT_US = 500 /* between tries for a lock */
};

struct sqlite {
	sqlite3 *handle;      /* owned */
	uint64_t deadline_ns; /* for locks */
	uint64_t check_ns;    /* for sqlite_check() */
	enum sqlite_fault fault;
	struct sqlite_statement *statements; /* owned, a list */
};

struct sqlite_statement {
	struct sqlite *db;  /* borrowed */
	sqlite3_stmt *stmt; /* owned */
	int bind_code;      /* of the first binding that failed */
	struct sqlite_statement *next;
};

/* --------------------------------------------------------------- errors */

static bool is_no_space(int system_code)
{
	return system_code == ENOSPC || system_code == EDQUOT ||
	       system_code == EFBIG;
}

/* SQLite knows of ENOSPC alone that it is no failure. file_code is 0 when it was
 * the journal that could not be written: then the file is as it was. */
static enum sqlite_fault classify_write(int system_code, int file_code,
					enum err_kind *kind)
{
	if (is_no_space(file_code != 0 ? file_code : system_code))
		*kind = ERR_FULL;
	else if (file_code != 0)
		return SQLITE_FAULT_FILE;
	return SQLITE_FAULT_CONNECTION;
}

static enum sqlite_fault classify_io(int code, int system_code, int file_code,
				     enum err_kind *kind)
{
	switch (code) {
	case SQLITE_IOERR_NOMEM:
		*kind = ERR_NO_MEMORY;
		return SQLITE_FAULT_NONE;
	case SQLITE_IOERR_WRITE:
	case SQLITE_IOERR_TRUNCATE: /* so a commit empties its journal */
		return classify_write(system_code, file_code, kind);
	case SQLITE_IOERR_LOCK:
	case SQLITE_IOERR_RDLOCK:
	case SQLITE_IOERR_UNLOCK:
	case SQLITE_IOERR_CHECKRESERVEDLOCK:
	case SQLITE_IOERR_BLOCKED:
	case SQLITE_IOERR_ACCESS:
	case SQLITE_IOERR_FSTAT: /* deleted meanwhile */
	case SQLITE_IOERR_CLOSE:
	case SQLITE_IOERR_DIR_CLOSE:
	case SQLITE_IOERR_DELETE:
	case SQLITE_IOERR_DELETE_NOENT:
		return SQLITE_FAULT_CONNECTION;
	default:
		return SQLITE_FAULT_FILE;
	}
}

static enum sqlite_fault classify(int code, int system_code, int file_code,
				  enum err_kind *kind)
{
	*kind = ERR_INTERNAL;
	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		*kind = ERR_TIMEOUT;
		return SQLITE_FAULT_NONE;
	case SQLITE_FULL:
		*kind = ERR_FULL;
		return SQLITE_FAULT_NONE;
	case SQLITE_NOMEM:
		*kind = ERR_NO_MEMORY;
		return SQLITE_FAULT_NONE;
	case SQLITE_CONSTRAINT:
		return SQLITE_FAULT_NONE;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return SQLITE_FAULT_FILE;
	case SQLITE_IOERR:
		return classify_io(code, system_code, file_code, kind);
	case SQLITE_CANTOPEN:
		if (system_code == EACCES || system_code == EPERM)
			*kind = ERR_CONFIG;
		else if (is_no_space(system_code))
			*kind = ERR_FULL;
		return SQLITE_FAULT_CONNECTION;
	default:
		return SQLITE_FAULT_CONNECTION;
	}
}

static void raise_fault(struct sqlite *db, enum sqlite_fault fault)
{
	if (fault > db->fault)
		db->fault = fault;
}

/* SQLite's words for a code quote no value; its message might. The system's code
 * it does not keep when it is a commit that could not write its journal, but
 * leaves it in errno. If that is older, it was as true of the disk then. */
static bool fail(struct sqlite *db, int code, struct err *err)
{
	enum err_kind kind;
	int left = errno;
	int system_code = sqlite3_system_errno(db->handle);
	int family = code & 0xff, file_code = 0;

	if (system_code == 0 && family == SQLITE_IOERR)
		system_code = left;
	sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_LAST_ERRNO,
			     &file_code);
	raise_fault(db, classify(code, system_code, file_code, &kind));
	if (file_code != 0)
		system_code = file_code;
	if ((family == SQLITE_IOERR || family == SQLITE_CANTOPEN) &&
	    system_code != 0) {
		char text[128];

		return err_set(err, kind, "%s (%d): %s", sqlite3_errstr(code),
			       code,
			       strerror_r(system_code, text, sizeof(text)));
	}
	return err_set(err, kind, "%s (%d)", sqlite3_errstr(code), code);
}

/* ----------------------------------------------------------- life cycle */

static int wait_for_lock(void *argument, int tries)
{
	struct sqlite *db = argument;
	struct timespec pause = {.tv_nsec = WAIT_US * 1000};

	(void)tries;
	if (clock_ns() >= db->deadline_ns)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

/* The file's schema may be anybody's work: it is to run nothing. */
static bool configure(struct sqlite *db, struct err *err)
{
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_handler(db->handle, wait_for_lock, db);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	return sqlite_run(db, "PRAGMA mmap_size = 0", err) &&
	       sqlite_run(db, "PRAGMA temp_store = MEMORY", err) &&
	       sqlite_run(db, "PRAGMA cell_size_check = ON", err);
}

struct sqlite *sqlite_open(const char *path, enum sqlite_mode mode,
			   struct err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_PRIVATECACHE;
	struct sqlite *db = calloc(1, sizeof(*db));

	if (!db) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	if (mode == SQLITE_MODE_CREATE)
		flags |= SQLITE_OPEN_CREATE;
	int code = sqlite3_open_v2(path, &db->handle, flags, NULL);
	if (!db->handle)
		err_set(err, ERR_NO_MEMORY, "out of memory");
	else if (code != SQLITE_OK)
		fail(db, sqlite3_extended_errcode(db->handle), err);
	else if (sqlite3_db_readonly(db->handle, "main") == 1)
		err_set(err, ERR_CONFIG, "it cannot be written");
	else if (configure(db, err))
		return db;
	sqlite_close(db);
	return NULL;
}

void sqlite_close(struct sqlite *db)
{
	if (!db)
		return;
	while (db->statements) {
		struct sqlite_statement *statement = db->statements;

		db->statements = statement->next;
		sqlite3_finalize(statement->stmt);
		free(statement);
	}
	sqlite3_close(db->handle);
	free(db);
}

enum sqlite_fault sqlite_fault(const struct sqlite *db)
{
	return db->fault;
}

void sqlite_set_deadline(struct sqlite *db, uint64_t deadline_ns)
{
	db->deadline_ns = deadline_ns;
}

/* ----------------------------------------------------------- statements */

/* A statement that the file's schema does not know is the file's fault. */
static sqlite3_stmt *prepare(struct sqlite *db, const char *sql,
			     struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int code = sqlite3_prepare_v3(db->handle, sql, -1,
				      SQLITE_PREPARE_PERSISTENT, &stmt, NULL);

	if (code == SQLITE_OK)
		return stmt;
	if (code == SQLITE_ERROR) {
		raise_fault(db, SQLITE_FAULT_FILE);
		err_set(err, ERR_INTERNAL, "%s", sqlite3_errmsg(db->handle));
	} else {
		fail(db, code, err);
	}
	return NULL;
}

bool sqlite_number(struct sqlite *db, const char *sql, int64_t *number,
		   struct err *err)
{
	sqlite3_stmt *stmt = prepare(db, sql, err);

	*number = 0;
	if (!stmt)
		return false;
	int code = sqlite3_step(stmt);
	if (code == SQLITE_ROW) {
		*number = sqlite3_column_int64(stmt, 0);
		do
			code = sqlite3_step(stmt);
		while (code == SQLITE_ROW);
	}
	if (code != SQLITE_DONE)
		fail(db, code, err);
	sqlite3_finalize(stmt);
	return code == SQLITE_DONE;
}

bool sqlite_run(struct sqlite *db, const char *sql, struct err *err)
{
	int64_t ignored;

	return sqlite_number(db, sql, &ignored, err);
}

bool sqlite_set(struct sqlite *db, const char *sql, int64_t number,
		struct err *err)
{
	char text[128];

	snprintf(text, sizeof(text), "%s %lld", sql, (long long)number);
	return sqlite_run(db, text, err);
}

/* SQLite answers with the mode that is now in force. */
bool sqlite_set_journal(struct sqlite *db, enum sqlite_journal journal,
			bool durable, struct err *err)
{
	const char *sql = journal == SQLITE_JOURNAL_KEPT
			      ? "PRAGMA journal_mode = persist"
			      : "PRAGMA journal_mode = delete";
	const char *mode = strrchr(sql, ' ') + 1;
	sqlite3_stmt *stmt = prepare(db, sql, err);

	if (!stmt)
		return false;
	int code = sqlite3_step(stmt);
	const unsigned char *now =
	    code == SQLITE_ROW ? sqlite3_column_text(stmt, 0) : NULL;
	bool is_set = now && strcmp((const char *)now, mode) == 0;
	if (code != SQLITE_ROW)
		fail(db, code, err);
	else if (!is_set)
		fail(db, now ? SQLITE_BUSY : SQLITE_NOMEM, err);
	sqlite3_finalize(stmt);
	return is_set && sqlite_run(db,
				    durable ? "PRAGMA synchronous = EXTRA"
					    : "PRAGMA synchronous = OFF",
				    err);
}

bool sqlite_begin(struct sqlite *db, struct err *err)
{
	return sqlite_run(db, "BEGIN IMMEDIATE", err);
}

bool sqlite_commit(struct sqlite *db, struct err *err)
{
	return sqlite_run(db, "COMMIT", err);
}

void sqlite_rollback(struct sqlite *db)
{
	struct err ignored;

	if (!sqlite3_get_autocommit(db->handle) &&
	    !sqlite_run(db, "ROLLBACK", &ignored))
		raise_fault(db, SQLITE_FAULT_CONNECTION);
}

unsigned sqlite_changes(const struct sqlite *db)
{
	return (unsigned)sqlite3_total_changes(db->handle);
}

static int look_at_clock(void *argument)
{
	const struct sqlite *db = argument;

	return clock_ns() >= db->check_ns;
}

bool sqlite_check(struct sqlite *db, unsigned budget_ms, struct err *err)
{
	sqlite3_stmt *stmt = prepare(db, "PRAGMA quick_check(1)", err);
	const unsigned char *text = NULL;
	bool good;

	if (!stmt)
		return false;
	db->check_ns = clock_after(clock_ns(), budget_ms);
	sqlite3_progress_handler(db->handle, STEPS_A_LOOK, look_at_clock, db);
	int code = sqlite3_step(stmt);
	sqlite3_progress_handler(db->handle, 0, NULL, NULL);
	if (code == SQLITE_ROW)
		text = sqlite3_column_text(stmt, 0);
	good = code == SQLITE_INTERRUPT ||
	       (text && strcmp((const char *)text, "ok") == 0);
	if (!good && text) {
		raise_fault(db, SQLITE_FAULT_FILE);
		err_set(err, ERR_INTERNAL, "%s", text);
		err_flatten(err->text);
	} else if (!good) {
		fail(db, code == SQLITE_ROW ? SQLITE_NOMEM : code, err);
	}
	sqlite3_finalize(stmt);
	return good;
}

struct sqlite_statement *sqlite_prepare(struct sqlite *db, const char *sql,
					struct err *err)
{
	struct sqlite_statement *statement = calloc(1, sizeof(*statement));

	if (!statement) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	statement->stmt = prepare(db, sql, err);
	if (!statement->stmt) {
		free(statement);
		return NULL;
	}
	statement->db = db;
	statement->next = db->statements;
	db->statements = statement;
	return statement;
}

static void note_binding(struct sqlite_statement *statement, int code)
{
	if (statement->bind_code == SQLITE_OK)
		statement->bind_code = code;
}

void sqlite_bind_text(struct sqlite_statement *statement, int parameter,
		      struct text text)
{
	note_binding(statement,
		     text.s ? sqlite3_bind_text64(statement->stmt, parameter,
						  text.s, text.len,
						  SQLITE_STATIC, SQLITE_UTF8)
			    : sqlite3_bind_null(statement->stmt, parameter));
}

void sqlite_bind_int(struct sqlite_statement *statement, int parameter,
		     int64_t number)
{
	note_binding(statement,
		     sqlite3_bind_int64(statement->stmt, parameter, number));
}

void sqlite_bind_null(struct sqlite_statement *statement, int parameter)
{
	note_binding(statement, sqlite3_bind_null(statement->stmt, parameter));
}

enum sqlite_step sqlite_step(struct sqlite_statement *statement,
			     struct err *err)
{
	int code = statement->bind_code;

	if (code == SQLITE_OK)
		code = sqlite3_step(statement->stmt);
	if (code == SQLITE_ROW)
		return SQLITE_STEP_ROW;
	if (code == SQLITE_DONE)
		return SQLITE_STEP_END;
	fail(statement->db, code, err);
	return SQLITE_STEP_FAILED;
}

void sqlite_reset(struct sqlite_statement *statement)
{
	sqlite3_reset(statement->stmt);
	sqlite3_clear_bindings(statement->stmt);
	statement->bind_code = SQLITE_OK;
}

bool sqlite_finish(struct sqlite_statement *statement, struct err *err)
{
	enum sqlite_step step;

	do
		step = sqlite_step(statement, err);
	while (step == SQLITE_STEP_ROW);
	sqlite_reset(statement);
	return step == SQLITE_STEP_END;
}

bool sqlite_is_null(struct sqlite_statement *statement, int column)
{
	return sqlite3_column_type(statement->stmt, column) == SQLITE_NULL;
}

int64_t sqlite_int(struct sqlite_statement *statement, int column)
{
	return sqlite3_column_int64(statement->stmt, column);
}

/* Want of memory looks like NULL: who must not mix them up keeps a checksum. */
struct text sqlite_text(struct sqlite_statement *statement, int column)
{
	const unsigned char *s = sqlite3_column_text(statement->stmt, column);
	int len = sqlite3_column_bytes(statement->stmt, column);

	return (struct text){(const char *)s, s ? (size_t)len : 0};
}
