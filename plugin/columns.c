/* columns - see columns.h. */
#include "columns.h"

#include <string.h>

enum { BYTES_MAX = 256 * 1024 * 1024 };

/* In the order of record_calls()'s parameters; COLUMNS_NAMES and add_event() must agree. */
static const enum array_type types[COLUMNS] = {
    ARRAY_TEXT,        /* account */
    ARRAY_TEXT,        /* agent */
    ARRAY_TEXT,        /* session_id */
    ARRAY_TEXT,        /* request_id */
    ARRAY_TIMESTAMPTZ, /* emitted_at */
    ARRAY_INT8,        /* hash */
    ARRAY_TEXT,        /* state */
    ARRAY_BOOL,        /* to_self */
    ARRAY_TEXT,        /* logged_by */
    ARRAY_BOOL,        /* connected */
    ARRAY_TEXT,        /* telephony_session_id */
    ARRAY_TEXT,        /* party_id */
    ARRAY_TEXT,        /* other_leg */
    ARRAY_TEXT,        /* direction */
    ARRAY_TEXT,        /* from_number */
    ARRAY_TEXT,        /* from_name */
    ARRAY_TEXT,        /* to_number */
    ARRAY_TEXT,        /* to_name */
    ARRAY_BOOL,        /* queue_call */
    ARRAY_TIMESTAMPTZ, /* started_at */
    ARRAY_INT4,        /* duration_s */
    ARRAY_TEXT,        /* result */
    ARRAY_TEXT,        /* ai_note */
    ARRAY_TEXT,        /* transcript */
    ARRAY_TEXT,        /* recording_id */
    ARRAY_TEXT,        /* recording_link */
    ARRAY_TEXT,        /* recording_uri */
    ARRAY_TEXT,        /* recording_type */
    ARRAY_TEXT,        /* contact_id */
    ARRAY_TEXT,        /* contact_name */
    ARRAY_TEXT,        /* contact_type */
    ARRAY_BOOL,        /* contact_picked */
    ARRAY_TEXT,        /* note */
    ARRAY_TEXT,        /* form */
    ARRAY_TEXT,        /* body */
};

static struct text as_text(const char *s)
{
	return (struct text){.s = s, .len = strlen(s)};
}

static void add_event(struct array *column, const struct event *event)
{
	array_add_text(column++, event->account);
	array_add_text(column++, event->agent);
	array_add_text(column++, event->session_id);
	array_add_text(column++, event->request_id);
	array_add_time(column++, event->emitted_us);
	array_add_int8(column++, (int64_t)event->hash);
	array_add_text(column++, as_text(call_state_name(event->state)));
	array_add_bool(column++, event->to_self);
	array_add_text(column++,
		       as_text(call_logged_by_name(event->logged_by)));
	array_add_bool(column++, event->connected);
	array_add_text(column++, event->telephony_session_id);
	array_add_text(column++, event->party_id);
	array_add_text(column++, event->other_leg);
	array_add_text(column++, event->direction);
	array_add_text(column++, event->from_number);
	array_add_text(column++, event->from_name);
	array_add_text(column++, event->to_number);
	array_add_text(column++, event->to_name);
	if (event->queue_call < 0)
		array_add_null(column++);
	else
		array_add_bool(column++, event->queue_call > 0);
	if (event->started_us == EVENT_NO_TIME)
		array_add_null(column++);
	else
		array_add_time(column++, event->started_us);
	if (event->duration_s == EVENT_NO_NUMBER)
		array_add_null(column++);
	else
		array_add_int4(column++, event->duration_s);
	array_add_text(column++, event->result);
	array_add_text(column++, event->ai_note);
	array_add_text(column++, event->transcript);
	array_add_text(column++, event->recording_id);
	array_add_text(column++, event->recording_link);
	array_add_text(column++, event->recording_uri);
	array_add_text(column++, event->recording_type);
	array_add_text(column++, event->contact_id);
	array_add_text(column++, event->contact_name);
	array_add_text(column++, event->contact_type);
	array_add_bool(column++, event->contact_picked);
	array_add_text(column++, event->note);
	array_add_text(column++, event->form);
	array_add_text(column, event->body);
}

void columns_init(struct columns *columns)
{
	for (int i = 0; i < COLUMNS; i++)
		array_init(&columns->arrays[i], types[i], BYTES_MAX);
}

void columns_free(struct columns *columns)
{
	for (int i = 0; i < COLUMNS; i++)
		array_free(&columns->arrays[i]);
}

bool columns_encode(struct columns *columns, const struct event *const *events,
		    size_t count)
{
	bool whole = true;

	for (int i = 0; i < COLUMNS; i++)
		array_begin(&columns->arrays[i]);
	for (size_t i = 0; i < count; i++)
		add_event(columns->arrays, events[i]);
	for (int i = 0; i < COLUMNS; i++)
		whole = array_end(&columns->arrays[i]) && whole;
	return whole;
}

static void bind(const struct columns *columns, int column, uint32_t *oid,
		 const char **value, int *length)
{
	*oid = array_oid(types[column]);
	*value = columns->arrays[column].buf.bytes;
	*length = (int)columns->arrays[column].buf.len;
}

void columns_bind(const struct columns *columns, uint32_t *oids,
		  const char **values, int *lengths)
{
	for (int i = 0; i < COLUMNS; i++)
		bind(columns, i, &oids[i], &values[i], &lengths[i]);
}

void columns_bind_recording(const struct columns *columns, uint32_t *oids,
			    const char **values, int *lengths)
{
	/* account, agent, session_id, recording_id */
	static const int of[COLUMNS_RECORDING] = {0, 1, 2, 24};

	for (int i = 0; i < COLUMNS_RECORDING; i++)
		bind(columns, of[i], &oids[i], &values[i], &lengths[i]);
}
