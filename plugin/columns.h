/* columns - events as the arrays that record_calls() takes: one array a
 * parameter, one element an event. It knows the parameters' order, names and
 * types, and no statement. */
#ifndef CALL_LOG_COLUMNS_H
#define CALL_LOG_COLUMNS_H

#include "array.h"
#include "call.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COLUMNS = 35 };

/* Their names, in order, separated by commas. */
#define COLUMNS_NAMES                                                          \
	"account, agent, session_id, request_id, emitted_at, hash, "           \
	"state, to_self, logged_by, connected, telephony_session_id, "         \
	"party_id, other_leg, direction, from_number, from_name, "             \
	"to_number, to_name, queue_call, started_at, duration_s, "             \
	"result, ai_note, transcript, recording_id, recording_link, "          \
	"recording_uri, recording_type, contact_id, contact_name, "            \
	"contact_type, contact_picked, note, form, body"

struct columns {
	struct array arrays[COLUMNS];
};

void columns_init(struct columns *columns);
void columns_free(struct columns *columns);

/* Encodes the events, in place of what was there. False: no memory. */
bool columns_encode(struct columns *columns, const struct event *const *events,
		    size_t count);

/* Of the arrays: those that name a call's recording. */
enum { COLUMNS_RECORDING = 4 };
void columns_bind_recording(const struct columns *columns, uint32_t *types,
			    const char **values, int *lengths);

/* Fills in the first COLUMNS parameters of a statement, borrowed until the next
 * columns_encode(). */
void columns_bind(const struct columns *columns, uint32_t *types,
		  const char **values, int *lengths);

#endif
