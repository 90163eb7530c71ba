/* spool_copy - see spool_copy.h.
 *
 * A walk over a damaged table ends at the first page that is not as it should
 * be, so it is begun anew behind it, row by row, and at last from the other
 * end. */
#include "spool_copy.h"

#include "spool_row.h"

enum { GAP_MAX = 10000 /* unreadable rows that are passed over */ };

struct walk {
	struct sqlite *to;               /* borrowed */
	struct sqlite_statement *insert; /* borrowed from `to` */
	struct spool_copy *copied;       /* borrowed */
	int64_t row;                     /* where it stands */
};

static bool copy_row(struct walk *walk, const struct event *event,
		     struct err *err)
{
	unsigned before = sqlite_changes(walk->to);

	if (!spool_row_write(walk->insert, walk->row, event, err))
		return false;
	if (sqlite_changes(walk->to) != before)
		walk->copied->events++;
	return true;
}

/* From where the select begins up to its end (*ended) or a row that cannot be
 * reached. False when `to` fails or memory is out. */
static bool walk_rows(struct walk *walk, struct sqlite_statement *select,
		      bool *ended, struct err *err)
{
	enum sqlite_step step;
	struct err unread;
	bool good = true;

	while ((step = sqlite_step(select, &unread)) == SQLITE_STEP_ROW) {
		struct event *event =
		    spool_row_read(select, &walk->row, &unread);

		if (event)
			good = copy_row(walk, event, err);
		else if (unread.kind == ERR_ROW)
			walk->copied->missed = true;
		else
			good = err_set(err, unread.kind, "%s", unread.text);
		event_free(event);
		if (!good)
			break;
	}
	sqlite_reset(select);
	*ended = step == SQLITE_STEP_END;
	if (step != SQLITE_STEP_FAILED)
		return good;
	walk->copied->missed = true;
	return unread.kind != ERR_NO_MEMORY ||
	       err_set(err, unread.kind, "%s", unread.text);
}

static bool walk_up(struct walk *walk, struct sqlite_statement *select,
		    int64_t last, bool *ended, struct err *err)
{
	walk->row = INT64_MIN;
	for (int gaps = 0; gaps < GAP_MAX; gaps++) {
		int64_t before = walk->row;

		sqlite_bind_int(select, 1, before);
		if (!walk_rows(walk, select, ended, err))
			return false;
		if (*ended || walk->row == INT64_MIN || walk->row >= last)
			return true;
		if (walk->row == before)
			walk->row++;
	}
	return true;
}

bool spool_copy(struct sqlite *from, struct sqlite *to,
		struct spool_copy *copied, struct err *err)
{
	struct walk walk = {.to = to, .copied = copied};
	struct err unread;
	bool ended = false;

	*copied = (struct spool_copy){0};
	walk.insert = spool_row_insert(to, err);
	if (!walk.insert)
		return false;
	struct sqlite_statement *up =
	    spool_row_select(from, "WHERE id > ?1 ORDER BY id", &unread);
	struct sqlite_statement *down =
	    spool_row_select(from, "ORDER BY id DESC", &unread);
	if (!up || !down) {
		copied->missed = true;
		return unread.kind != ERR_NO_MEMORY ||
		       err_set(err, unread.kind, "%s", unread.text);
	}
	if (!walk_up(&walk, up, spool_copy_last(from), &ended, err))
		return false;
	return ended || walk_rows(&walk, down, &ended, err);
}

int64_t spool_copy_last(struct sqlite *from)
{
	struct err ignored;
	int64_t last;

	if (sqlite_number(from, "SELECT max(seq) FROM sqlite_sequence", &last,
			  &ignored) &&
	    last > 0)
		return last;
	return INT64_MAX;
}
