/* message_match - which calls does the widget ask for, and the two answers it
 * understands. The answers are written as text: a match may have hundreds of
 * notes, and a tree of them would be built only to be printed. */
#include "envelope.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

/* What the ids need in bytes, each with a NUL; counts them. */
static size_t measure_ids(const struct json *ids, size_t *count)
{
	size_t bytes = 0;

	*count = 0;
	for (const struct json *id = json_first(ids); id; id = json_next(id)) {
		const char *string = json_string(id);
		char digits[ENVELOPE_DIGITS];
		struct text text = envelope_id(id, digits);

		if (!string && !text.s)
			continue;
		bytes += text.len + 1;
		(*count)++;
	}
	return bytes;
}

static void copy_ids(const struct json *ids, struct text *to, char **at)
{
	for (const struct json *id = json_first(ids); id; id = json_next(id)) {
		const char *string = json_string(id);
		char digits[ENVELOPE_DIGITS];
		struct text text = envelope_id(id, digits);

		if (!text.s && string)
			text = (struct text){string, 0};
		if (text.s)
			*to++ = envelope_copy(text, at);
	}
}

/* Orders pointers into the ids by text, and equal texts as they were asked. */
static int compare_asked(const void *a, const void *b)
{
	const struct text *const *left = a, *const *right = b;
	const struct text *x = *left, *y = *right;
	size_t shorter = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->s, y->s, shorter);

	if (order == 0)
		order = (x->len > y->len) - (x->len < y->len);
	return order != 0 ? order : (x > y) - (x < y);
}

/* Keeps the first of equal ids, in the order asked. Sorting costs a little more
 * than a hash table would, but no choice of ids can make it slow. */
static bool drop_repeats(struct message_match *match)
{
	size_t count = match->id_count, kept = 0;
	struct text **sorted = malloc((count + 1) * sizeof(struct text *));

	if (!sorted)
		return false;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &match->ids[i];
	qsort(sorted, count, sizeof(struct text *), compare_asked);
	for (size_t i = 1, first = 0; i < count; i++) {
		if (sorted[i]->len == sorted[first]->len &&
		    memcmp(sorted[i]->s, sorted[first]->s, sorted[i]->len) == 0)
			sorted[i]->s = NULL;
		else
			first = i;
	}
	free(sorted);

	for (size_t i = 0; i < count; i++) {
		if (match->ids[i].s)
			match->ids[kept++] = match->ids[i];
	}
	match->id_count = kept;
	return true;
}

static bool fill_match(struct message_match *match,
		       const struct envelope *envelope, const struct json *ids)
{
	size_t count, bytes = measure_ids(ids, &count);

	bytes += envelope->account.len + envelope->agent.len +
		 envelope->request_id.len + 3;
	match->arena = malloc(count * sizeof(struct text) + bytes);
	if (!match->arena)
		return false;
	match->ids = match->arena;
	match->id_count = count;

	char *at = (char *)match->arena + count * sizeof(struct text);
	match->account = envelope_copy(envelope->account, &at);
	match->agent = envelope_copy(envelope->agent, &at);
	match->request_id = envelope_copy(envelope->request_id, &at);
	copy_ids(ids, match->ids, &at);
	return count < 2 || drop_repeats(match);
}

bool message_decode_match(const char *body, size_t len,
			  const struct message_origin *origin,
			  struct message_match *match, struct err *err)
{
	struct envelope envelope;
	bool done = false;

	*match = (struct message_match){0};
	if (!envelope_open(body, len, origin, NULL, &envelope, err))
		return false;

	const struct json *ids = json_member(envelope.body, "sessionIds");
	if (!json_is_array(ids))
		err_set(err, ERR_INPUT, "body.sessionIds %s",
			ids ? "is not an array" : "is missing");
	else if (!fill_match(match, &envelope, ids))
		err_set(err, ERR_NO_MEMORY, "no memory for the match");
	else
		done = true;
	envelope_close(&envelope);
	if (!done)
		message_match_free(match);
	return done;
}

void message_match_free(struct message_match *match)
{
	free(match->arena);
	*match = (struct message_match){0};
}

static void begin_answer(struct buf *buf, struct text request_id)
{
	buf_init(buf, MESSAGE_ANSWER_MAX);
	buf_add_string(buf, "{\"type\":\"rc-post-message-response\","
			    "\"responseId\":");
	buf_add_json(buf, request_id.s, request_id.len);
	buf_add_string(buf, ",\"response\":{\"data\":");
}

char *message_answer_ok(struct text request_id, size_t *len)
{
	struct buf buf;

	begin_answer(&buf, request_id);
	buf_add_string(&buf, "\"ok\"}}");
	return buf_take(&buf, len);
}

char *message_answer_data(struct text request_id, struct text json, size_t *len)
{
	struct buf buf;

	begin_answer(&buf, request_id);
	buf_add(&buf, json.s, json.len);
	buf_add_string(&buf, "}}");
	return buf_take(&buf, len);
}

static void add_member(struct buf *buf, const char *name, struct text text)
{
	buf_add_string(buf, name);
	buf_add_json(buf, text.s, text.len);
}

static void add_contact(struct buf *buf, const struct message_entry *entry)
{
	add_member(buf, ",\"contact\":{\"id\":", entry->contact_id);
	if (entry->contact_name.s)
		add_member(buf, ",\"name\":", entry->contact_name);
	if (entry->contact_type.s)
		add_member(buf, ",\"type\":", entry->contact_type);
	buf_add_string(buf, "}");
}

/* An entry of type "status" is text for the agent: the call does not count as
 * logged with it. The note fills the form of a call that is opened again. */
static void add_status(struct buf *buf, const struct message_entry *entry)
{
	buf_add_string(buf, "{\"type\":\"status\",\"status\":");
	if (entry->status == MESSAGE_PENDING)
		buf_add_string(buf, "\"pending\",\"message\":\"Saved; the "
				    "database gets it soon\"");
	else
		buf_add_string(buf, "\"failed\",\"message\":\"The database "
				    "refused this call\"");
	if (entry->note.s)
		add_member(buf, ",\"note\":", entry->note);
	if (entry->contact_id.s && entry->contact_id.len > 0)
		add_contact(buf, entry);
	buf_add_string(buf, "}");
}

static void add_logged(struct buf *buf, const struct message_entry *entry)
{
	buf_add_string(buf, "{");
	if (entry->id != 0) {
		buf_add_string(buf, "\"id\":\"");
		buf_add_int(buf, entry->id);
		buf_add_string(buf, "\",");
	}
	add_member(buf, "\"note\":", entry->note);
	if (entry->contact_id.s && entry->contact_id.len > 0)
		add_contact(buf, entry);
	buf_add_string(buf, "}");
}

static void add_entry(struct buf *buf, const struct message_entry *entry)
{
	if (entry->status == MESSAGE_LOGGED)
		add_logged(buf, entry);
	else if (entry->status != MESSAGE_NOT_LOGGED)
		add_status(buf, entry);
}

char *message_answer_match(const struct message_match *match,
			   const struct message_entry *entries, size_t *len)
{
	struct buf buf;

	begin_answer(&buf, match->request_id);
	buf_add_string(&buf, "{");
	for (size_t i = 0, added = 0; i < match->id_count; i++) {
		if (entries[i].status == MESSAGE_UNKNOWN)
			continue;
		if (added++ > 0)
			buf_add_string(&buf, ",");
		buf_add_json(&buf, match->ids[i].s, match->ids[i].len);
		buf_add_string(&buf, ":[");
		add_entry(&buf, &entries[i]);
		buf_add_string(&buf, "]");
	}
	buf_add_string(&buf, "}}}");
	return buf_take(&buf, len);
}
