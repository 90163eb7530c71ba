/* question - the SQL that asks which calls are logged, over a store. It waits
 * for nothing and remembers no answer.
 *
 *     question_begin -> question_add... -> question_ask -> (store DONE)
 *         question_next... -> store_done
 */
#ifndef CALL_LOG_QUESTION_H
#define CALL_LOG_QUESTION_H

#include "array.h"
#include "store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUESTION_COLUMNS = 3 }; /* account, agent, session id */

struct question {
	struct store *store; /* borrowed */
	struct array asked[QUESTION_COLUMNS];
	size_t statement; /* the cursor of the results */
	int row;
};

void question_init(struct question *question, struct store *store);
void question_free(struct question *question); /* also when zeroed */

/* Store IDLE -> BUSY, in three steps: begin, add each id, ask. False: failed,
 * see err; the question is then forgotten. */
bool question_begin(struct question *question, uint64_t deadline_ns,
		    struct err *err);
bool question_add(struct question *question, struct text account,
		  struct text agent, struct text session_id, struct err *err);
bool question_ask(struct question *question, struct err *err);

/* What is known of the index-th id asked. Text is borrowed until store_done().
 */
struct question_found {
	size_t index;
	bool refused; /* it is not logged, and its events were refused */
	int64_t id;
	struct text note, contact_id, contact_name, contact_type;
};
/* Store DONE: the next id that was found, in no order; false after the last. */
bool question_next(struct question *question, struct question_found *found);

#endif
