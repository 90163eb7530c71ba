/* question - see question.h. */
#include "question.h"

#include "db.h"

enum {
	ASK_MAX = 5000, /* ids a statement */
	ARRAY_MAX = 256 * 1024 * 1024
};

static void begin_arrays(struct question *question)
{
	for (int i = 0; i < QUESTION_COLUMNS; i++)
		array_begin(&question->asked[i]);
}

void question_init(struct question *question, struct store *store)
{
	question->store = store;
	for (int i = 0; i < QUESTION_COLUMNS; i++)
		array_init(&question->asked[i], ARRAY_TEXT, ARRAY_MAX);
	begin_arrays(question);
}

void question_free(struct question *question)
{
	for (int i = 0; i < QUESTION_COLUMNS; i++)
		array_free(&question->asked[i]);
}

/* Every ASK_MAX ids become a statement of the same group. */
static bool queue_asked(struct question *question, struct err *err)
{
	static const char sql[] =
	    "SELECT ordinal, id, note, contact_id, contact_name, contact_type "
	    "FROM call_log.match_calls($1, $2, $3)";
	uint32_t types[QUESTION_COLUMNS];
	const char *values[QUESTION_COLUMNS];
	int lengths[QUESTION_COLUMNS];
	bool whole = true;

	for (int i = 0; i < QUESTION_COLUMNS; i++) {
		whole = array_end(&question->asked[i]) && whole;
		types[i] = array_oid(ARRAY_TEXT);
		values[i] = question->asked[i].buf.bytes;
		lengths[i] = (int)question->asked[i].buf.len;
	}
	if (!whole) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return store_abandon(question->store, err);
	}
	bool queued =
	    store_queue(question->store,
			&(struct db_statement){.sql = sql,
					       .count = QUESTION_COLUMNS,
					       .types = types,
					       .values = values,
					       .lengths = lengths,
					       .repeats = true},
			err);
	begin_arrays(question);
	return queued;
}

bool question_begin(struct question *question, uint64_t deadline_ns,
		    struct err *err)
{
	begin_arrays(question);
	if (!store_begin(question->store, STORE_READS, deadline_ns, err))
		return false;
	question->statement = store_first(question->store);
	question->row = 0;
	return true;
}

bool question_add(struct question *question, struct text account,
		  struct text agent, struct text session_id, struct err *err)
{
	if (question->asked[0].count == ASK_MAX && !queue_asked(question, err))
		return false;
	array_add_text(&question->asked[0], account);
	array_add_text(&question->asked[1], agent);
	array_add_text(&question->asked[2], session_id);
	return true;
}

bool question_ask(struct question *question, struct err *err)
{
	return queue_asked(question, err) && store_go(question->store, err);
}

bool question_next(struct question *question, struct question_found *found)
{
	enum { ORDINAL, ID, NOTE, CONTACT_ID, CONTACT_NAME, CONTACT_TYPE };
	const struct db *db = store_results(question->store);
	size_t first = store_first(question->store);

	while (question->row >= db_rows(db, question->statement)) {
		if (question->statement >= db_count(db))
			return false;
		question->statement++;
		question->row = 0;
	}
	size_t statement = question->statement;
	int row = question->row++;
	*found = (struct question_found){
	    .index = (statement - first) * ASK_MAX +
		     (size_t)db_int4(db, statement, row, ORDINAL) - 1,
	    .refused = db_is_null(db, statement, row, ID),
	    .id = db_int8(db, statement, row, ID),
	    .note = db_text(db, statement, row, NOTE),
	    .contact_id = db_text(db, statement, row, CONTACT_ID),
	    .contact_name = db_text(db, statement, row, CONTACT_NAME),
	    .contact_type = db_text(db, statement, row, CONTACT_TYPE),
	};
	return true;
}
