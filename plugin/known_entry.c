/* known_entry - see known_entry.h.
 *
 * A text is stored as a number that is 0 for an absent one, else its length and
 * 1, in as few bytes as it takes, seven bits in each, the lowest first; then its
 * bytes and a NUL. */
#include "known_entry.h"

#include <stdlib.h>
#include <string.h>

enum { TEXTS = 7 };

static void list_texts(struct known_call *call, struct text *texts[TEXTS])
{
	texts[0] = &call->account;
	texts[1] = &call->agent;
	texts[2] = &call->session_id;
	texts[3] = &call->note;
	texts[4] = &call->contact_id;
	texts[5] = &call->contact_name;
	texts[6] = &call->contact_type;
}

static bool same_text(struct text a, struct text b)
{
	return text_equal(a, b) || (!a.s && !b.s);
}

/* -------------------------------------------------------------- storing */

static size_t stored_bytes(struct text text)
{
	size_t bytes = 1;

	if (!text.s)
		return bytes;
	for (size_t number = text.len + 1; number >= 0x80; number >>= 7)
		bytes++;
	return bytes + text.len + 1;
}

/* Returns where it ends, as the next. */
static char *put_text(char *at, struct text text)
{
	size_t number = text.s ? text.len + 1 : 0;

	for (; number >= 0x80; number >>= 7)
		*at++ = (char)(number | 0x80);
	*at++ = (char)number;
	if (!text.s)
		return at;
	if (text.len > 0)
		memcpy(at, text.s, text.len);
	at[text.len] = '\0';
	return at + text.len + 1;
}

static const char *get_text(const char *at, struct text *text)
{
	size_t number = 0;
	int shift = 0;

	for (; *at & 0x80; shift += 7)
		number |= (size_t)(*at++ & 0x7F) << shift;
	number |= (size_t)*at++ << shift;
	*text = (struct text){0};
	if (number > 0)
		*text = (struct text){.s = at, .len = number - 1};
	return at + number;
}

/* Returns where the texts end. */
static const char *get_texts(const struct known_entry *entry,
			     struct known_call *call)
{
	struct text *texts[TEXTS];
	const char *at = entry->storage;

	list_texts(call, texts);
	for (int i = 0; i < TEXTS; i++)
		at = get_text(at, texts[i]);
	return at;
}

/* -------------------------------------------------------------- entries */

uint32_t known_entry_hash(const struct known_call *call)
{
	uint64_t hash = call_hash(call->session_id.s, call->session_id.len);

	hash = hash * 31 + call_hash(call->agent.s, call->agent.len);
	hash = hash * 31 + call_hash(call->account.s, call->account.len);
	return (uint32_t)hash;
}

struct known_entry *known_entry_new(const struct known_line *line,
				    uint32_t hash)
{
	struct known_call call = line->call;
	struct text *texts[TEXTS];
	size_t bytes = sizeof(struct known_entry);

	list_texts(&call, texts);
	for (int i = 0; i < TEXTS; i++)
		bytes += stored_bytes(*texts[i]);
	struct known_entry *entry = malloc(bytes);
	if (!entry)
		return NULL;
	*entry = (struct known_entry){
	    .logged = line->logged, .hash = hash, .id = call.id};
	char *at = entry->storage;
	for (int i = 0; i < TEXTS; i++)
		at = put_text(at, *texts[i]);
	return entry;
}

struct known_entry *known_entry_copy(const struct known_entry *entry)
{
	size_t bytes = known_entry_bytes(entry);
	struct known_entry *copy = malloc(bytes);

	if (copy)
		memcpy(copy, entry, bytes);
	return copy;
}

size_t known_entry_bytes(const struct known_entry *entry)
{
	struct known_call call;

	return (size_t)(get_texts(entry, &call) - (const char *)entry);
}

struct known_line known_entry_line(const struct known_entry *entry)
{
	struct known_line line = {.call.id = entry->id,
				  .logged = entry->logged};

	get_texts(entry, &line.call);
	return line;
}

bool known_entry_is_about(const struct known_entry *entry,
			  const struct known_call *call, uint32_t hash)
{
	struct known_call own;

	if (entry->hash != hash)
		return false;
	get_texts(entry, &own);
	return same_text(own.session_id, call->session_id) &&
	       same_text(own.agent, call->agent) &&
	       same_text(own.account, call->account);
}

bool known_entry_says(const struct known_entry *entry,
		      const struct known_line *line)
{
	struct known_line own = known_entry_line(entry), other = *line;
	struct text *owns[TEXTS], *others[TEXTS];

	if (own.logged != other.logged || own.call.id != other.call.id)
		return false;
	list_texts(&own.call, owns);
	list_texts(&other.call, others);
	for (int i = 0; i < TEXTS; i++)
		if (!same_text(*owns[i], *others[i]))
			return false;
	return true;
}
