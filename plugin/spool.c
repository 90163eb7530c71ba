/* spool - see spool.h. */
#include "spool.h"

#include "clock.h"
#include "spool_file.h"
#include "spool_find.h"
#include "spool_row.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	OPEN_WAIT_MS = 5000,
	TRIES_MAX = 3, /* the later ones with a fresh file */
	LOOK_TIMES =
	    4, /* rows looked at, of those wanted, for distinct calls */
	READ_BYTES_MAX = 8 * 1024 * 1024,
	LIST_FIRST = 64,
	/* a call that was silent for longer is not live any more */
	LIVE_MAX_MS = 24 * 3600 * 1000
};

struct spool {
	pid_t process;              /* whose it is */
	struct spool_file *file;    /* owned */
	char trouble[SPOOL_NOTICE]; /* at opening; "": none */
};

/* What is done with the file, between begin and end. */
typedef bool use_work(struct spool *spool, void *argument, struct err *err);

/* ----------------------------------------------------------- life cycle */

static bool is_mine(const struct spool *spool, struct err *err)
{
	return spool->process == getpid() ||
	       err_set(err, ERR_INTERNAL,
		       "the spool was opened by another process");
}

struct spool *spool_open(const char *path, uint64_t max_bytes, struct err *err)
{
	struct spool *spool = calloc(1, sizeof(*spool));

	if (!spool) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	spool->process = getpid();
	spool->file = spool_file_open(path, max_bytes, err);
	if (!spool->file)
		goto failed;
	if (spool_file_begin(spool->file, clock_after(clock_ns(), OPEN_WAIT_MS),
			     err))
		spool_file_end(spool->file, NULL);
	else if (err->kind == ERR_CONFIG || err->kind == ERR_NO_MEMORY)
		goto failed;
	else
		snprintf(spool->trouble, sizeof(spool->trouble),
			 "the spool '%s' cannot be used now: %s", path,
			 err->text);
	return spool;
failed:
	spool_close(spool);
	return NULL;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	spool_file_close(spool->file, spool->process != getpid());
	free(spool);
}

bool spool_take_notice(struct spool *spool, char notice[SPOOL_NOTICE])
{
	if (!spool->trouble[0])
		return spool_file_take_notice(spool->file, notice);
	memcpy(notice, spool->trouble, SPOOL_NOTICE);
	spool->trouble[0] = '\0';
	return true;
}

bool spool_claim(struct spool *spool)
{
	struct err ignored;

	return is_mine(spool, &ignored) && spool_file_claim(spool->file);
}

void spool_release(struct spool *spool)
{
	struct err ignored;

	if (is_mine(spool, &ignored))
		spool_file_release(spool->file);
}

/* A connection that failed is made anew, a file that is unfit is replaced, and
 * then the work is tried again. `writes`: nothing is gained when the file is
 * not the path's any more. */
static bool use(struct spool *spool, use_work *work, void *argument,
		bool writes, unsigned wait_ms, struct err *err)
{
	uint64_t deadline_ns = clock_after(clock_ns(), wait_ms);

	if (!is_mine(spool, err))
		return false;
	for (int tries = 0; tries < TRIES_MAX; tries++) {
		if (!spool_file_begin(spool->file, deadline_ns, err))
			return false;
		bool done = work(spool, argument, err);
		bool lost =
		    done && writes && !spool_file_is_current(spool->file);
		if (!done)
			sqlite_rollback(spool_file_db(spool->file));
		bool anew = spool_file_end(spool->file, done ? NULL : err);
		if (done && !lost)
			return true;
		if (!lost && (!anew || err->kind == ERR_FULL))
			break;
		if (lost)
			err_set(err, ERR_INTERNAL,
				"the spool's file was taken away");
	}
	if (err->kind == ERR_ROW)
		err->kind = ERR_INTERNAL;
	return false;
}

/* ------------------------------------------------------- append, remove */

struct events {
	const struct event *const *events;
	size_t count;
};

static bool append(struct spool *spool, void *argument, struct err *err)
{
	const struct events *events = argument;
	struct sqlite *db = spool_file_db(spool->file);
	struct sqlite_statement *insert =
	    spool_file_statement(spool->file, SPOOL_FILE_INSERT);

	if (!sqlite_begin(db, err))
		return false;
	for (size_t i = 0; i < events->count; i++)
		if (!spool_row_write(insert, 0, events->events[i], err))
			return false;
	return sqlite_commit(db, err);
}

bool spool_append(struct spool *spool, const struct event *const *events,
		  size_t count, unsigned wait_ms, struct err *err)
{
	struct events argument = {events, count};

	return use(spool, append, &argument, true, wait_ms, err);
}

/* Once nothing is left in the file its last pages are overwritten as a whole.
 */
static bool wipe(struct sqlite *db, bool *empty, struct err *err)
{
	int64_t some;

	if (!sqlite_number(db, "SELECT EXISTS (SELECT 1 FROM event)", &some,
			   err))
		return false;
	*empty = !some;
	return some || sqlite_run(db, "DELETE FROM event", err);
}

/* Gives the pages of a file that is empty back: that moves none. It does not
 * matter whether it works. */
static void shrink(struct sqlite *db)
{
	int64_t unused;
	struct err ignored;

	if (!sqlite_number(db, "PRAGMA freelist_count", &unused, &ignored) ||
	    unused == 0)
		return;
	if (!sqlite_run(db, "PRAGMA incremental_vacuum", &ignored))
		sqlite_rollback(db);
}

struct rows {
	const int64_t *rows;
	size_t count;
};

/* What is removed is overwritten in the file, and gone from the journal as soon
 * as nothing is left: it may be what somebody wants to be forgotten. */
static bool remove_rows(struct spool *spool, void *argument, struct err *err)
{
	const struct rows *rows = argument;
	struct sqlite *db = spool_file_db(spool->file);
	struct sqlite_statement *remove =
	    spool_file_statement(spool->file, SPOOL_FILE_REMOVE);
	bool empty = false;

	if (!sqlite_begin(db, err))
		return false;
	for (size_t i = 0; i < rows->count; i++) {
		sqlite_bind_int(remove, 1, rows->rows[i]);
		if (!sqlite_finish(remove, err))
			return false;
	}
	if (!wipe(db, &empty, err))
		return false;
	spool_file_keep_journal(spool->file, !empty);
	bool done = sqlite_commit(db, err);
	if (done && empty)
		shrink(db);
	spool_file_keep_journal(spool->file, true);
	return done;
}

/* Where the disk has no room left for the journal of many rows, it may have for
 * that of few: the blocks of the last journal are kept. */
bool spool_remove(struct spool *spool, const int64_t *rows, size_t count,
		  unsigned wait_ms, struct err *err)
{
	struct rows argument = {rows, count};
	size_t half = count / 2;

	if (use(spool, remove_rows, &argument, true, wait_ms, err))
		return true;
	return err->kind == ERR_FULL && half > 0 &&
	       spool_remove(spool, rows, half, wait_ms, err) &&
	       spool_remove(spool, rows + half, count - half, wait_ms, err);
}

/* ----------------------------------------------------------------- read */

struct entry {
	struct event *event; /* owned */
	int64_t row;
};

struct list {
	struct entry *entries; /* owned */
	size_t count, cap;
	size_t bytes; /* of the events */
};

static void list_free(struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		event_free(list->entries[i].event);
	free(list->entries);
	*list = (struct list){0};
}

static bool list_add(struct list *list, const struct entry *entry)
{
	if (list->count == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : LIST_FIRST;
		struct entry *entries =
		    realloc(list->entries, cap * sizeof(*entries));

		if (!entries)
			return false;
		list->entries = entries;
		list->cap = cap;
	}
	list->entries[list->count++] = *entry;
	list->bytes += spool_row_bytes(entry->event);
	return true;
}

/* All rows that the select gives, but ends with the one that exceeds
 * max_bytes. On failure the list is empty. */
static bool list_read(struct list *list, struct sqlite_statement *select,
		      size_t max_bytes, struct err *err)
{
	enum sqlite_step step = SQLITE_STEP_END;
	bool good = true;

	while (good && list->bytes < max_bytes &&
	       (step = sqlite_step(select, err)) == SQLITE_STEP_ROW) {
		struct entry entry;

		entry.event = spool_row_read(select, &entry.row, err);
		good = entry.event != NULL;
		if (good && !list_add(list, &entry)) {
			event_free(entry.event);
			good = err_set(err, ERR_NO_MEMORY, "out of memory");
		}
	}
	sqlite_reset(select);
	good = good && step != SQLITE_STEP_FAILED;
	if (!good)
		list_free(list);
	return good;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;
	int order = event_compare_key(left->event, right->event);

	return order != 0 ? order
			  : (left->row > right->row) - (left->row < right->row);
}

/* Sorts by key. An index that is damaged might give a call twice. */
static void list_sort(struct list *list)
{
	size_t kept = 0;

	if (list->count > 0)
		qsort(list->entries, list->count, sizeof(*list->entries),
		      compare_entries);
	for (size_t i = 0; i < list->count; i++) {
		struct entry *entry = &list->entries[i];

		if (kept > 0 && event_compare_key(list->entries[kept - 1].event,
						  entry->event) == 0)
			event_free(entry->event);
		else
			list->entries[kept++] = *entry;
	}
	list->count = kept;
}

struct oldest {
	int64_t after;
	size_t max;
	struct list list; /* owned */
};

static bool read_oldest(struct spool *spool, void *argument, struct err *err)
{
	struct oldest *oldest = argument;
	struct sqlite_statement *select =
	    spool_file_statement(spool->file, SPOOL_FILE_OLDEST);

	sqlite_bind_int(select, 1, (int64_t)oldest->max * LOOK_TIMES);
	sqlite_bind_int(select, 2, (int64_t)oldest->max);
	sqlite_bind_int(select, 3, oldest->after);
	return list_read(&oldest->list, select, READ_BYTES_MAX, err);
}

bool spool_read_after(struct spool *spool, int64_t after, size_t max,
		      struct spool_batch *batch, unsigned wait_ms,
		      struct err *err)
{
	struct oldest oldest = {.after = after, .max = max};
	struct list *list = &oldest.list;

	*batch = (struct spool_batch){0};
	if (!use(spool, read_oldest, &oldest, false, wait_ms, err))
		return false;
	list_sort(list);
	batch->events = calloc(list->count + 1, sizeof(*batch->events));
	batch->rows = calloc(list->count + 1, sizeof(*batch->rows));
	if (!batch->events || !batch->rows) {
		list_free(list);
		spool_batch_free(batch);
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	}
	for (size_t i = 0; i < list->count; i++) {
		batch->events[i] = list->entries[i].event;
		batch->rows[i] = list->entries[i].row;
	}
	batch->count = list->count;
	free(list->entries);
	return true;
}

bool spool_read(struct spool *spool, size_t max, struct spool_batch *batch,
		unsigned wait_ms, struct err *err)
{
	return spool_read_after(spool, INT64_MIN, max, batch, wait_ms, err);
}

void spool_batch_free(struct spool_batch *batch)
{
	for (size_t i = 0; batch->events && i < batch->count; i++)
		event_free(batch->events[i]);
	free(batch->events);
	free(batch->rows);
	*batch = (struct spool_batch){0};
}

/* ----------------------------------------------------------------- find */

struct question {
	struct text account, agent, session_id;
	struct list list; /* owned: the call's events, or all "0" calls' */
};

static bool is_zero(struct text session_id)
{
	return session_id.len == 1 && session_id.s[0] == '0';
}

static bool read_call(struct spool *spool, void *argument, struct err *err)
{
	struct question *question = argument;
	bool zero = is_zero(question->session_id);
	struct sqlite_statement *select = spool_file_statement(
	    spool->file, zero ? SPOOL_FILE_ZEROES : SPOOL_FILE_CALL);

	sqlite_bind_text(select, 1, question->account);
	sqlite_bind_text(select, 2, question->agent);
	if (!zero)
		sqlite_bind_text(select, 3, question->session_id);
	return list_read(&question->list, select, SIZE_MAX, err);
}

/* Of several calls, in the order of their keys: the live one that spoke last.
 */
static struct spool_find choose(const struct list *list, bool only_live)
{
	int64_t since_us = (clock_wall_ms() - LIVE_MAX_MS) * 1000;
	struct spool_find chosen = {0}, call = {0};

	for (size_t i = 0; i < list->count; i++) {
		const struct event *event = list->entries[i].event;

		if (call.last && event_compare_key(call.last, event) != 0)
			call = (struct spool_find){0};
		spool_find_add(&call, event);
		bool ends =
		    i + 1 == list->count ||
		    event_compare_key(event, list->entries[i + 1].event) != 0;
		if (!ends || (only_live && (!spool_find_is_live(&call) ||
					    call.last->emitted_us < since_us)))
			continue;
		if (!chosen.last ||
		    call.last->emitted_us > chosen.last->emitted_us)
			chosen = call;
	}
	return chosen;
}

static bool copy_found(struct spool_found *found, const struct spool_find *find)
{
	static const struct text none = {NULL, 0};
	const struct event *contact = find->contact;
	struct text texts[] = {
	    find->save ? find->save->note : none,
	    contact ? contact->contact_id : none,
	    contact ? contact->contact_name : none,
	    contact ? contact->contact_type : none,
	};
	struct text *copies[] = {&found->note, &found->contact_id,
				 &found->contact_name, &found->contact_type};
	size_t bytes = 1;

	for (int i = 0; i < 4; i++)
		bytes += texts[i].len + 1;
	char *at = malloc(bytes);
	if (!at)
		return false;
	found->arena = at;
	found->found = true;
	found->saved = find->save != NULL;
	for (int i = 0; i < 4; i++) {
		if (!texts[i].s)
			continue;
		memcpy(at, texts[i].s, texts[i].len + 1);
		*copies[i] = (struct text){at, texts[i].len};
		at += texts[i].len + 1;
	}
	return true;
}

bool spool_find(struct spool *spool, struct text account, struct text agent,
		struct text session_id, struct spool_found *found,
		unsigned wait_ms, struct err *err)
{
	struct question question = {account, agent, session_id, {0}};
	bool done = true;

	*found = (struct spool_found){0};
	if (!use(spool, read_call, &question, false, wait_ms, err))
		return false;
	struct spool_find find = choose(&question.list, is_zero(session_id));
	if (find.last && !copy_found(found, &find))
		done = err_set(err, ERR_NO_MEMORY, "out of memory");
	list_free(&question.list);
	return done;
}

/* ---------------------------------------------------------------- usage */

static bool measure(struct spool *spool, void *argument, struct err *err)
{
	struct spool_usage *usage = argument;
	struct sqlite *db = spool_file_db(spool->file);
	int64_t rows, pages, page_bytes, oldest_us = EVENT_NO_TIME;

	if (!sqlite_number(db, "SELECT count(*) FROM event", &rows, err) ||
	    !sqlite_number(db, "PRAGMA page_count", &pages, err) ||
	    !sqlite_number(db, "PRAGMA page_size", &page_bytes, err))
		return false;
	if (rows > 0 &&
	    !sqlite_number(db,
			   "SELECT emitted_us FROM event ORDER BY id LIMIT 1",
			   &oldest_us, err))
		return false;
	*usage = (struct spool_usage){.rows = (uint64_t)rows,
				      .bytes = (uint64_t)(pages * page_bytes),
				      .oldest_us = oldest_us};
	return true;
}

bool spool_usage(struct spool *spool, struct spool_usage *usage,
		 unsigned wait_ms, struct err *err)
{
	return use(spool, measure, usage, false, wait_ms, err);
}
