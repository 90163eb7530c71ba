/* spool_row - see spool_row.h.
 *
 * SQLite keeps no checksums, and a bit that flipped inside a text looks like
 * any other text: each row carries its own, over the members in the order
 * below. */
#include "spool_row.h"

#include "buf.h"

#include <stdlib.h>
#include <string.h>

enum column_type {
	COLUMN_TEXT,
	COLUMN_KEY, /* text that is never null */
	COLUMN_STATE,
	COLUMN_LOGGED_BY,
	COLUMN_BOOL,
	COLUMN_MAYBE, /* 0, 1, or negative: null */
	COLUMN_INT32, /* EVENT_NO_NUMBER: null */
	COLUMN_COUNT,
	COLUMN_HASH,
	COLUMN_TIME /* EVENT_NO_TIME: null */
};

struct column {
	const char *name;
	enum column_type type;
	size_t offset;
};

#define COLUMN(type, member)                                                   \
	{                                                                      \
#member, type, offsetof(struct event, member)                  \
	}

static const struct column columns[] = {
    COLUMN(COLUMN_KEY, account),
    COLUMN(COLUMN_KEY, agent),
    COLUMN(COLUMN_KEY, session_id),
    COLUMN(COLUMN_TEXT, request_id),
    COLUMN(COLUMN_TIME, emitted_us),
    COLUMN(COLUMN_HASH, hash),
    COLUMN(COLUMN_STATE, state),
    COLUMN(COLUMN_BOOL, to_self),
    COLUMN(COLUMN_LOGGED_BY, logged_by),
    COLUMN(COLUMN_BOOL, connected),
    COLUMN(COLUMN_TEXT, telephony_session_id),
    COLUMN(COLUMN_TEXT, party_id),
    COLUMN(COLUMN_TEXT, other_leg),
    COLUMN(COLUMN_TEXT, direction),
    COLUMN(COLUMN_TEXT, from_number),
    COLUMN(COLUMN_TEXT, from_name),
    COLUMN(COLUMN_TEXT, to_number),
    COLUMN(COLUMN_TEXT, to_name),
    COLUMN(COLUMN_MAYBE, queue_call),
    COLUMN(COLUMN_TIME, started_us),
    COLUMN(COLUMN_INT32, duration_s),
    COLUMN(COLUMN_TEXT, result),
    COLUMN(COLUMN_TEXT, ai_note),
    COLUMN(COLUMN_TEXT, transcript),
    COLUMN(COLUMN_TEXT, recording_id),
    COLUMN(COLUMN_TEXT, recording_link),
    COLUMN(COLUMN_TEXT, recording_uri),
    COLUMN(COLUMN_TEXT, recording_type),
    COLUMN(COLUMN_TEXT, contact_id),
    COLUMN(COLUMN_TEXT, contact_name),
    COLUMN(COLUMN_TEXT, contact_type),
    COLUMN(COLUMN_BOOL, contact_picked),
    COLUMN(COLUMN_TEXT, note),
    COLUMN(COLUMN_TEXT, form),
    COLUMN(COLUMN_TEXT, body),
    COLUMN(COLUMN_COUNT, cut),
};
enum { COLUMNS = sizeof(columns) / sizeof(columns[0]), SQL_MAX = 8192 };

/* The row's name, the members, the checksum. */
enum { SELECT_ROW, SELECT_FIRST, SELECT_CHECKSUM = SELECT_FIRST + COLUMNS };
enum { INSERT_ROW = 1, INSERT_FIRST, INSERT_CHECKSUM = INSERT_FIRST + COLUMNS };

static void *member_of(struct event *event, const struct column *column)
{
	return (char *)event + column->offset;
}

static const void *member_in(const struct event *event,
			     const struct column *column)
{
	return (const char *)event + column->offset;
}

static bool is_text(const struct column *column)
{
	return column->type == COLUMN_TEXT || column->type == COLUMN_KEY;
}

static bool is_name(const struct column *column)
{
	return column->type == COLUMN_STATE || column->type == COLUMN_LOGGED_BY;
}

/* --------------------------------------------------------------- values */

static const struct text no_text = {NULL, 0};

static struct text get_text(const struct event *event,
			    const struct column *column)
{
	return *(const struct text *)member_in(event, column);
}

static const char *get_name(const struct event *event,
			    const struct column *column)
{
	return column->type == COLUMN_STATE
		   ? call_state_name(event->state)
		   : call_logged_by_name(event->logged_by);
}

/* False: it is null. */
static bool get_int(const struct event *event, const struct column *column,
		    int64_t *number)
{
	const void *member = member_in(event, column);

	switch (column->type) {
	case COLUMN_BOOL:
		*number = *(const bool *)member;
		return true;
	case COLUMN_MAYBE:
		*number = *(const int8_t *)member > 0;
		return *(const int8_t *)member >= 0;
	case COLUMN_INT32:
		*number = *(const int32_t *)member;
		return *number != EVENT_NO_NUMBER;
	case COLUMN_COUNT:
		*number = *(const unsigned *)member;
		return true;
	case COLUMN_HASH:
		*number = (int64_t) * (const uint64_t *)member;
		return true;
	case COLUMN_TIME:
		*number = *(const int64_t *)member;
		return *number != EVENT_NO_TIME;
	default:
		return false;
	}
}

static int8_t maybe_of(bool null, int64_t number)
{
	if (null)
		return -1;
	return number != 0 ? 1 : 0;
}

static void set_int(struct event *event, const struct column *column, bool null,
		    int64_t number)
{
	void *member = member_of(event, column);

	switch (column->type) {
	case COLUMN_BOOL:
		*(bool *)member = number != 0;
		break;
	case COLUMN_MAYBE:
		*(int8_t *)member = maybe_of(null, number);
		break;
	case COLUMN_INT32:
		*(int32_t *)member = null ? EVENT_NO_NUMBER : (int32_t)number;
		break;
	case COLUMN_COUNT:
		*(unsigned *)member = (unsigned)number;
		break;
	case COLUMN_HASH:
		*(uint64_t *)member = (uint64_t)number;
		break;
	case COLUMN_TIME:
		*(int64_t *)member = null ? EVENT_NO_TIME : number;
		break;
	default:
		break;
	}
}

static void set_name(struct event *event, const struct column *column,
		     const char *name)
{
	if (column->type == COLUMN_STATE) {
		for (int i = CALL_RINGING; i <= CALL_FINAL; i++)
			if (strcmp(name, call_state_name((enum call_state)i)) ==
			    0)
				event->state = (enum call_state)i;
	} else {
		for (int i = LOGGED_BY_BACKFILL; i <= LOGGED_BY_MANUAL; i++)
			if (strcmp(name, call_logged_by_name(
					     (enum call_logged_by)i)) == 0)
				event->logged_by = (enum call_logged_by)i;
	}
}

static uint64_t checksum(const struct event *event)
{
	uint64_t sum = 0;

	for (int i = 0; i < COLUMNS; i++) {
		struct text text = {NULL, 0};
		int64_t number = 0;
		bool null;

		if (is_text(&columns[i])) {
			text = get_text(event, &columns[i]);
			null = !text.s;
		} else if (is_name(&columns[i])) {
			text.s = get_name(event, &columns[i]);
			text.len = strlen(text.s);
			null = false;
		} else {
			null = !get_int(event, &columns[i], &number);
			text = (struct text){(const char *)&number,
					     sizeof(number)};
		}
		sum = sum * 31 + (null ? 1 : call_hash(text.s, text.len));
	}
	return sum;
}

size_t spool_row_bytes(const struct event *event)
{
	size_t bytes = sizeof(*event);

	for (int i = 0; i < COLUMNS; i++)
		if (is_text(&columns[i]))
			bytes += get_text(event, &columns[i]).len + 1;
	return bytes;
}

/* ------------------------------------------------------------------ SQL */

static const char *sql_type(enum column_type type)
{
	switch (type) {
	case COLUMN_TEXT:
		return " TEXT";
	case COLUMN_KEY:
	case COLUMN_STATE:
	case COLUMN_LOGGED_BY:
		return " TEXT NOT NULL";
	case COLUMN_BOOL:
	case COLUMN_COUNT:
	case COLUMN_HASH:
		return " INTEGER NOT NULL";
	default:
		return " INTEGER";
	}
}

static void add_names(struct buf *sql, bool with_type)
{
	buf_add_string(sql, "id");
	if (with_type)
		buf_add_string(sql, " INTEGER PRIMARY KEY AUTOINCREMENT");
	for (int i = 0; i < COLUMNS; i++) {
		buf_add_string(sql, ", ");
		buf_add_string(sql, columns[i].name);
		if (with_type)
			buf_add_string(sql, sql_type(columns[i].type));
	}
	buf_add_string(sql, ", checksum");
	if (with_type)
		buf_add_string(sql, " INTEGER NOT NULL");
}

static bool out_of_memory(struct err *err)
{
	return err_set(err, ERR_NO_MEMORY, "out of memory");
}

/* A row's name must never be used twice, hence AUTOINCREMENT: who replays may
 * remove a row long after it read it. */
bool spool_row_create(struct sqlite *db, int64_t after, struct err *err)
{
	struct buf sql;
	bool done;

	buf_init(&sql, SQL_MAX);
	buf_add_string(&sql, "CREATE TABLE event (");
	add_names(&sql, true);
	buf_add_string(&sql, ")");
	done = sql.failed ? out_of_memory(err) : sqlite_run(db, sql.bytes, err);
	buf_clear(&sql);
	buf_add_string(&sql, "INSERT INTO sqlite_sequence VALUES ('event', ");
	buf_add_int(&sql, after);
	buf_add_string(&sql, ")");
	if (done)
		done = sql.failed ? out_of_memory(err)
				  : sqlite_run(db, sql.bytes, err);
	buf_free(&sql);
	return done && sqlite_run(db,
				  "CREATE INDEX event_call ON event "
				  "(account, agent, session_id)",
				  err);
}

static struct sqlite_statement *prepare(struct sqlite *db, struct buf *sql,
					struct err *err)
{
	struct sqlite_statement *statement = NULL;

	if (sql->failed)
		out_of_memory(err);
	else
		statement = sqlite_prepare(db, sql->bytes, err);
	buf_free(sql);
	return statement;
}

struct sqlite_statement *spool_row_insert(struct sqlite *db, struct err *err)
{
	struct buf sql;

	buf_init(&sql, SQL_MAX);
	buf_add_string(&sql, "INSERT OR IGNORE INTO event (");
	add_names(&sql, false);
	buf_add_string(&sql, ") VALUES (?");
	for (int i = INSERT_ROW; i < INSERT_CHECKSUM; i++)
		buf_add_string(&sql, ", ?");
	buf_add_string(&sql, ")");
	return prepare(db, &sql, err);
}

struct sqlite_statement *spool_row_select(struct sqlite *db, const char *where,
					  struct err *err)
{
	struct buf sql;

	buf_init(&sql, SQL_MAX);
	buf_add_string(&sql, "SELECT ");
	add_names(&sql, false);
	buf_add_string(&sql, " FROM event ");
	buf_add_string(&sql, where);
	return prepare(db, &sql, err);
}

/* ----------------------------------------------------------------- rows */

static void bind(struct sqlite_statement *insert, int parameter,
		 const struct event *event, const struct column *column)
{
	int64_t number;

	if (is_text(column)) {
		sqlite_bind_text(insert, parameter, get_text(event, column));
	} else if (is_name(column)) {
		const char *name = get_name(event, column);

		sqlite_bind_text(insert, parameter,
				 (struct text){name, strlen(name)});
	} else if (get_int(event, column, &number)) {
		sqlite_bind_int(insert, parameter, number);
	} else {
		sqlite_bind_null(insert, parameter);
	}
}

/* OR IGNORE would also pass over a key that is missing. */
bool spool_row_write(struct sqlite_statement *insert, int64_t row,
		     const struct event *event, struct err *err)
{
	if (!event->account.s || !event->agent.s || !event->session_id.s)
		return err_set(err, ERR_INTERNAL, "an event has no key");
	if (row == 0)
		sqlite_bind_null(insert, INSERT_ROW);
	else
		sqlite_bind_int(insert, INSERT_ROW, row);
	for (int i = 0; i < COLUMNS; i++)
		bind(insert, INSERT_FIRST + i, event, &columns[i]);
	sqlite_bind_int(insert, INSERT_CHECKSUM, (int64_t)checksum(event));
	return sqlite_finish(insert, err);
}

static bool read_texts(struct sqlite_statement *select,
		       struct text texts[COLUMNS], size_t *bytes)
{
	*bytes = 1;
	for (int i = 0; i < COLUMNS; i++) {
		texts[i] = no_text;
		if (!is_text(&columns[i]) ||
		    sqlite_is_null(select, SELECT_FIRST + i))
			continue;
		texts[i] = sqlite_text(select, SELECT_FIRST + i);
		if (!texts[i].s)
			return false;
		*bytes += texts[i].len + 1;
	}
	return true;
}

static struct event *new_event(const struct text texts[COLUMNS], size_t bytes)
{
	struct event *event = calloc(1, sizeof(*event));
	char *at = malloc(bytes);

	if (!event || !at) {
		free(event);
		free(at);
		return NULL;
	}
	event->arena = at;
	for (int i = 0; i < COLUMNS; i++) {
		if (!texts[i].s)
			continue;
		*(struct text *)member_of(event, &columns[i]) =
		    (struct text){at, texts[i].len};
		memcpy(at, texts[i].s, texts[i].len);
		at[texts[i].len] = '\0';
		at += texts[i].len + 1;
	}
	return event;
}

/* False: no memory. A name that nobody knows is left to the checksum. */
static bool read_values(struct sqlite_statement *select, struct event *event)
{
	for (int i = 0; i < COLUMNS; i++) {
		int at = SELECT_FIRST + i;
		bool null = sqlite_is_null(select, at);

		if (is_text(&columns[i]))
			continue;
		if (!is_name(&columns[i])) {
			set_int(event, &columns[i], null,
				sqlite_int(select, at));
		} else if (!null) {
			struct text name = sqlite_text(select, at);

			if (!name.s)
				return false;
			set_name(event, &columns[i], name.s);
		}
	}
	return true;
}

struct event *spool_row_read(struct sqlite_statement *select, int64_t *row,
			     struct err *err)
{
	struct text texts[COLUMNS];
	struct event *event = NULL;
	size_t bytes;

	*row = sqlite_int(select, SELECT_ROW);
	if (read_texts(select, texts, &bytes))
		event = new_event(texts, bytes);
	if (!event || !read_values(select, event))
		out_of_memory(err);
	else if (checksum(event) !=
		 (uint64_t)sqlite_int(select, SELECT_CHECKSUM))
		err_set(err, ERR_ROW, "an event does not match its checksum");
	else
		return event;
	event_free(event);
	return NULL;
}
