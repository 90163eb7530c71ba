/* recorder - see recorder.h. */
#include "recorder.h"

#include "db.h"

#include <string.h>

/* Whoever turned synchronous_commit off did not mean calls that were
 * acknowledged. */
#define DURABLY                                                                \
	"CASE current_setting('synchronous_commit') WHEN 'off' THEN "          \
	"set_config('synchronous_commit', 'on', true) END"

void recorder_init(struct recorder *recorder, struct store *store,
		   bool empty_note_erases, bool keeps_recordings)
{
	recorder->store = store;
	recorder->empty_note_erases = empty_note_erases;
	recorder->keeps_recordings = keeps_recordings;
	recorder->prepared = false;
	columns_init(&recorder->columns);
}

void recorder_free(struct recorder *recorder)
{
	columns_free(&recorder->columns);
}

static bool queue_calls(struct recorder *recorder, struct err *err)
{
	static const char sql[] =
	    "SELECT call_log.record_calls($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,"
	    "$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,"
	    "$28,$29,$30,$31,$32,$33,$34,$35,$36), " DURABLY;
	uint32_t types[COLUMNS + 1];
	const char *values[COLUMNS + 1];
	int lengths[COLUMNS + 1];
	char erases = recorder->empty_note_erases ? 1 : 0;

	columns_bind(&recorder->columns, types, values, lengths);
	types[COLUMNS] = ARRAY_BOOL;
	values[COLUMNS] = &erases;
	lengths[COLUMNS] = 1;
	return store_queue(recorder->store,
			   &(struct db_statement){.sql = sql,
						  .count = COLUMNS + 1,
						  .types = types,
						  .values = values,
						  .lengths = lengths,
						  .repeats = true},
			   err);
}

static bool queue_recordings(struct recorder *recorder, struct err *err)
{
	static const char sql[] =
	    "SELECT call_log.record_recordings($1, $2, $3, $4)";
	uint32_t types[COLUMNS_RECORDING];
	const char *values[COLUMNS_RECORDING];
	int lengths[COLUMNS_RECORDING];

	columns_bind_recording(&recorder->columns, types, values, lengths);
	return store_queue(recorder->store,
			   &(struct db_statement){.sql = sql,
						  .count = COLUMNS_RECORDING,
						  .types = types,
						  .values = values,
						  .lengths = lengths,
						  .repeats = true},
			   err);
}

static bool has_recording(const struct recorder *recorder,
			  const struct event *const *events, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (events[i]->recording_id.s)
			return recorder->keeps_recordings;
	return false;
}

/* What is under way has been copied. */
void recorder_prepare(struct recorder *recorder,
		      const struct event *const *events, size_t count)
{
	recorder->prepared = columns_encode(&recorder->columns, events, count);
}

bool recorder_write(struct recorder *recorder,
		    const struct event *const *events, size_t count,
		    bool prepared, uint64_t deadline_ns, struct err *err)
{
	struct store *store = recorder->store;
	bool ready = prepared && recorder->prepared;

	recorder->prepared = false;
	if (!ready && !columns_encode(&recorder->columns, events, count))
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	return store_begin(store, STORE_WRITES, deadline_ns, err) &&
	       queue_calls(recorder, err) &&
	       (!has_recording(recorder, events, count) ||
		queue_recordings(recorder, err)) &&
	       store_go(store, err);
}

int32_t recorder_written(const struct recorder *recorder, bool *erased)
{
	const struct db *db = store_results(recorder->store);
	size_t calls = store_first(recorder->store);

	int32_t said = db_rows(db, calls) == 1 ? db_int4(db, calls, 0, 0) : 0;

	*erased = said < 0;
	return *erased ? -1 - said : said;
}

/* What the event tells is kept by the names of record_calls()'s parameters. */
static bool queue_rejected(struct recorder *recorder, const struct err *why,
			   struct err *err)
{
	static const char sql[] =
	    "INSERT INTO call_log.rejected (account, agent, session_id, "
	    "request_id, sqlstate, reason, body) "
	    "SELECT account, agent, session_id, coalesce(request_id, ''), "
	    "$36, $37, json_strip_nulls(row_to_json(e))::text "
	    "FROM unnest($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,"
	    "$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30,$31,"
	    "$32,$33,$34,$35) AS e (" COLUMNS_NAMES ") "
	    "ON CONFLICT DO NOTHING RETURNING " DURABLY;
	enum { SQLSTATE = COLUMNS, REASON, PARAMS };
	uint32_t types[PARAMS];
	const char *values[PARAMS];
	int lengths[PARAMS];

	columns_bind(&recorder->columns, types, values, lengths);
	types[SQLSTATE] = types[REASON] = ARRAY_TEXT;
	values[SQLSTATE] = why->sqlstate;
	lengths[SQLSTATE] = (int)strlen(why->sqlstate);
	values[REASON] = why->text;
	lengths[REASON] = (int)strlen(why->text);
	return store_queue(recorder->store,
			   &(struct db_statement){.sql = sql,
						  .count = PARAMS,
						  .types = types,
						  .values = values,
						  .lengths = lengths},
			   err);
}

bool recorder_reject(struct recorder *recorder, const struct event *event,
		     const struct err *why, uint64_t deadline_ns,
		     struct err *err)
{
	struct store *store = recorder->store;

	recorder->prepared = false;
	if (!columns_encode(&recorder->columns, &event, 1))
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	return store_begin(store, STORE_REJECTS, deadline_ns, err) &&
	       queue_rejected(recorder, why, err) && store_go(store, err);
}
