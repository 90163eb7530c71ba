/* known - see known.h.
 *
 * A call is in one bucket and in the list of all, the least recently used last;
 * one that the file does not have yet is *dirty*, and in a list of those too.
 * The file is written from copies, so that nobody waits for it; a call that was
 * changed meanwhile has another version, and stays dirty. That a call is not
 * logged is remembered only of one that was known, to tell the file. */
#include "known.h"

#include "known_file.h"
#include "process.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CALL_BYTES = 640, /* how many a call may have on average */
	BATCH_MAX = 256,  /* calls written in one transaction */
	BATCHES_MAX = 64, /* transactions a sync */
	CALL_TEXTS = 7
};

#define NO_TEXT UINT32_MAX /* as a length */

/* In a ring with its head. */
struct link {
	struct link *before, *after;
};

/* There are many: it is no known_line, which has more pointers than text. */
struct entry {
	struct link used; /* first: see entry_of_used() */
	struct link dirty;
	struct entry *next; /* in the bucket */
	uint64_t version;
	int64_t id;
	uint32_t hash;
	uint32_t lens[CALL_TEXTS]; /* of the texts, NO_TEXT: absent */
	bool is_dirty, logged;
	char storage[]; /* the texts there are, each with a NUL */
};

struct known {
	struct process process;  /* that made it */
	struct known_file *file; /* owned; the syncing thread's */

	pthread_mutex_t mutex;  /* for all below */
	struct entry **buckets; /* owned */
	size_t bucket_count;    /* a power of 2 */
	struct link used;       /* the most recently used first */
	struct link dirty;      /* the oldest first */
	size_t count, max_calls;
	size_t bytes, max_bytes;
	uint64_t version; /* the last given */
};

/* ---------------------------------------------------------------- lists */

static void link_init(struct link *head)
{
	head->before = head->after = head;
}

static void link_remove(struct link *link)
{
	link->before->after = link->after;
	link->after->before = link->before;
}

static void link_add_after(struct link *place, struct link *link)
{
	link->before = place;
	link->after = place->after;
	place->after->before = link;
	place->after = link;
}

static struct entry *entry_of_used(struct link *link)
{
	return (struct entry *)link;
}

static struct entry *entry_of_dirty(struct link *link)
{
	return (struct entry *)((char *)link - offsetof(struct entry, dirty));
}

/* -------------------------------------------------------------- entries */

static uint32_t hash_key(const struct known_call *call)
{
	uint64_t hash = call_hash(call->session_id.s, call->session_id.len);

	hash = hash * 31 + call_hash(call->agent.s, call->agent.len);
	hash = hash * 31 + call_hash(call->account.s, call->account.len);
	return (uint32_t)hash;
}

static bool same_text(struct text a, struct text b)
{
	return text_equal(a, b) || (!a.s && !b.s);
}

static void list_texts(struct known_call *call, struct text *texts[CALL_TEXTS])
{
	texts[0] = &call->account;
	texts[1] = &call->agent;
	texts[2] = &call->session_id;
	texts[3] = &call->note;
	texts[4] = &call->contact_id;
	texts[5] = &call->contact_name;
	texts[6] = &call->contact_type;
}

static size_t text_bytes(const struct known_call *call)
{
	struct known_call copy = *call;
	struct text *texts[CALL_TEXTS];
	size_t bytes = 1;

	list_texts(&copy, texts);
	for (int i = 0; i < CALL_TEXTS; i++)
		bytes += texts[i]->s ? texts[i]->len + 1 : 0;
	return bytes;
}

/* Makes the texts those in `storage`, which has text_bytes(). */
static void move_texts(struct known_call *call, char *storage)
{
	struct text *texts[CALL_TEXTS];

	list_texts(call, texts);
	for (int i = 0; i < CALL_TEXTS; i++) {
		size_t len = texts[i]->len;

		if (!texts[i]->s)
			continue;
		if (len > 0)
			memcpy(storage, texts[i]->s, len);
		storage[len] = '\0';
		texts[i]->s = storage;
		storage += len + 1;
	}
}

/* What the entry says; the text stays its own. */
static struct known_line line_of(const struct entry *entry)
{
	struct known_line line = {.call.id = entry->id,
				  .logged = entry->logged};
	const char *at = entry->storage;
	struct text *texts[CALL_TEXTS];

	list_texts(&line.call, texts);
	for (int i = 0; i < CALL_TEXTS; i++) {
		if (entry->lens[i] == NO_TEXT)
			continue;
		*texts[i] = (struct text){at, entry->lens[i]};
		at += entry->lens[i] + 1;
	}
	return line;
}

static size_t bytes_of(const struct entry *entry)
{
	const struct known_line line = line_of(entry);

	return sizeof(*entry) + text_bytes(&line.call);
}

static bool is_about(const struct entry *entry, const struct known_call *call,
		     uint32_t hash)
{
	if (entry->hash != hash)
		return false;
	const struct known_line line = line_of(entry);

	return same_text(line.call.session_id, call->session_id) &&
	       same_text(line.call.agent, call->agent) &&
	       same_text(line.call.account, call->account);
}

static bool says(const struct entry *entry, const struct known_line *line)
{
	struct known_line own = line_of(entry), other = *line;
	struct text *owns[CALL_TEXTS], *others[CALL_TEXTS];

	if (own.logged != other.logged || own.call.id != other.call.id)
		return false;
	list_texts(&own.call, owns);
	list_texts(&other.call, others);
	for (int i = 0; i < CALL_TEXTS; i++)
		if (!same_text(*owns[i], *others[i]))
			return false;
	return true;
}

static struct entry **find_locked(struct known *known,
				  const struct known_call *call, uint32_t hash)
{
	struct entry **at = &known->buckets[hash & (known->bucket_count - 1)];

	while (*at && !is_about(*at, call, hash))
		at = &(*at)->next;
	return at;
}

static void forget_locked(struct known *known, struct entry **at)
{
	struct entry *entry = *at;

	*at = entry->next;
	link_remove(&entry->used);
	if (entry->is_dirty)
		link_remove(&entry->dirty);
	known->count--;
	known->bytes -= bytes_of(entry);
	free(entry);
}

static void forget_oldest_locked(struct known *known)
{
	while (known->count > known->max_calls ||
	       (known->bytes > known->max_bytes && known->count > 1)) {
		struct entry *oldest = entry_of_used(known->used.before);
		struct entry **at =
		    &known->buckets[oldest->hash & (known->bucket_count - 1)];

		while (*at != oldest)
			at = &(*at)->next;
		forget_locked(known, at);
	}
}

static void mark_dirty_locked(struct known *known, struct entry *entry)
{
	entry->version = ++known->version;
	entry->is_dirty = true;
	link_add_after(known->dirty.before, &entry->dirty);
}

static struct entry *new_entry(const struct known_line *line, uint32_t hash)
{
	struct known_call call = line->call;
	struct text *texts[CALL_TEXTS];
	struct entry *entry = malloc(sizeof(*entry) + text_bytes(&call));

	if (!entry)
		return NULL;
	*entry =
	    (struct entry){.id = call.id, .hash = hash, .logged = line->logged};
	move_texts(&call, entry->storage);
	list_texts(&call, texts);
	for (int i = 0; i < CALL_TEXTS; i++)
		entry->lens[i] =
		    texts[i]->s ? (uint32_t)texts[i]->len : NO_TEXT;
	return entry;
}

/* `ours`: it is news to the file; else the file's news to us, which what we know
 * and the file does not outranks. */
static void take_locked(struct known *known, const struct known_line *line,
			bool ours)
{
	uint32_t hash = hash_key(&line->call);
	struct entry **at = find_locked(known, &line->call, hash);

	if (*at && says(*at, line)) {
		struct entry *entry = *at;

		link_remove(&entry->used);
		link_add_after(&known->used, &entry->used);
		return;
	}
	if (*at && !ours && (*at)->is_dirty)
		return;
	struct entry *entry =
	    ours || line->logged ? new_entry(line, hash) : NULL;
	/* An old note of a logged call is better than that it were not. */
	if (!entry && ours && line->logged)
		return;
	if (*at)
		forget_locked(known, at);
	if (!entry)
		return;
	at = &known->buckets[hash & (known->bucket_count - 1)];
	entry->next = *at;
	*at = entry;
	link_add_after(&known->used, &entry->used);
	known->count++;
	known->bytes += bytes_of(entry);
	if (ours)
		mark_dirty_locked(known, entry);
	forget_oldest_locked(known);
}

/* ----------------------------------------------------------- life cycle */

static bool is_mine(const struct known *known)
{
	return process_is_this(&known->process);
}

static void tell(const char *path, const struct err *err, char *notice,
		 size_t notice_cap)
{
	if (err->kind == ERR_ROW)
		snprintf(notice, notice_cap,
			 "the cache '%s' cannot be used (%s): it is kept as "
			 "'%s.bad', a fresh one is begun",
			 path, err->text, path);
	else
		snprintf(notice, notice_cap,
			 "the cache '%s' cannot be used (%s): calls are known "
			 "in memory alone",
			 path, err->text);
}

struct known *known_open(const char *path, size_t max_calls, char *notice,
			 size_t notice_cap, struct err *err)
{
	struct known *known = calloc(1, sizeof(*known));
	struct err error;

	notice[0] = '\0';
	if (!known)
		goto no_memory;
	process_begin(&known->process);
	link_init(&known->used);
	link_init(&known->dirty);
	known->max_calls = max_calls > 0 ? max_calls : 1;
	known->max_bytes = known->max_calls * CALL_BYTES;
	known->bucket_count = 1;
	while (known->bucket_count < known->max_calls)
		known->bucket_count *= 2;
	pthread_mutex_init(&known->mutex, NULL);
	known->buckets = calloc(known->bucket_count, sizeof(struct entry *));
	if (path)
		known->file = known_file_new(path, known->max_calls);
	if (!known->buckets || (path && !known->file))
		goto no_memory;
	if (!path)
		return known;
	if (known_file_begin(known->file, &error))
		known_file_end(known->file);
	else if (error.kind != ERR_TIMEOUT)
		tell(path, &error, notice, notice_cap);
	known_sync(known);
	return known;
no_memory:
	known_close(known);
	err_set(err, ERR_NO_MEMORY, "out of memory");
	return NULL;
}

void known_close(struct known *known)
{
	if (!known)
		return;
	known_file_free(known->file, !is_mine(known));
	struct link *link = known->used.after;
	while (link && link != &known->used) {
		struct link *next = link->after;

		free(entry_of_used(link));
		link = next;
	}
	free(known->buckets);
	if (is_mine(known))
		pthread_mutex_destroy(&known->mutex);
	process_end(&known->process);
	free(known);
}

/* ------------------------------------------------------------ any thread */

void known_put(struct known *known, const struct known_call *call)
{
	struct known_line line = {.call = *call, .logged = true};

	if (!is_mine(known))
		return;
	pthread_mutex_lock(&known->mutex);
	take_locked(known, &line, true);
	pthread_mutex_unlock(&known->mutex);
}

void known_drop(struct known *known, struct text account, struct text agent,
		struct text session_id)
{
	struct known_line line = {.call = {.account = account,
					   .agent = agent,
					   .session_id = session_id}};

	if (!is_mine(known))
		return;
	pthread_mutex_lock(&known->mutex);
	struct entry *entry =
	    *find_locked(known, &line.call, hash_key(&line.call));
	if (entry && entry->logged)
		take_locked(known, &line, true);
	pthread_mutex_unlock(&known->mutex);
}

bool known_get(struct known *known, struct text account, struct text agent,
	       struct text session_id, struct known_copy *copy)
{
	struct known_call key = {
	    .account = account, .agent = agent, .session_id = session_id};

	*copy = (struct known_copy){0};
	if (!is_mine(known))
		return false;
	pthread_mutex_lock(&known->mutex);
	struct entry *entry = *find_locked(known, &key, hash_key(&key));
	bool found = entry && entry->logged;
	if (found) {
		const struct known_line line = line_of(entry);

		link_remove(&entry->used);
		link_add_after(&known->used, &entry->used);
		copy->call.id = entry->id;
		copy->arena = malloc(text_bytes(&line.call));
		if (copy->arena) {
			copy->call = line.call;
			move_texts(&copy->call, copy->arena);
		}
	}
	pthread_mutex_unlock(&known->mutex);
	return found;
}

void known_copy_free(struct known_copy *copy)
{
	free(copy->arena);
	*copy = (struct known_copy){0};
}

/* ------------------------------------------------------------ the syncing */

static void take_in(struct known *known)
{
	struct known_line line;

	while (known_file_next(known->file, &line)) {
		pthread_mutex_lock(&known->mutex);
		take_locked(known, &line, false);
		pthread_mutex_unlock(&known->mutex);
	}
}

/* Copies of the calls that are dirty longest; fewer when memory is out. */
static size_t copy_dirty(struct known *known, struct entry *copies[BATCH_MAX])
{
	size_t count = 0;

	pthread_mutex_lock(&known->mutex);
	for (struct link *link = known->dirty.after;
	     link != &known->dirty && count < BATCH_MAX; link = link->after) {
		const struct entry *entry = entry_of_dirty(link);
		const struct known_line line = line_of(entry);

		copies[count] = new_entry(&line, entry->hash);
		if (!copies[count])
			break;
		copies[count++]->version = entry->version;
	}
	pthread_mutex_unlock(&known->mutex);
	return count;
}

static void mark_clean(struct known *known, const struct entry *copy)
{
	const struct known_line line = line_of(copy);

	pthread_mutex_lock(&known->mutex);
	struct entry *entry = *find_locked(known, &line.call, copy->hash);
	if (entry && entry->is_dirty && entry->version == copy->version) {
		link_remove(&entry->dirty);
		entry->is_dirty = false;
	}
	pthread_mutex_unlock(&known->mutex);
}

/* Whether there may be more to do. */
static bool sync_batch(struct known *known)
{
	struct entry *copies[BATCH_MAX];
	struct err err;

	if (!known_file_begin(known->file, &err))
		return false;
	take_in(known);
	size_t count = copy_dirty(known, copies);
	for (size_t i = 0; i < count; i++) {
		const struct known_line line = line_of(copies[i]);

		if (!known_file_put(known->file, &line))
			break;
	}
	bool done = known_file_end(known->file);
	for (size_t i = 0; i < count; i++) {
		if (done)
			mark_clean(known, copies[i]);
		free(copies[i]);
	}
	return done && count == BATCH_MAX;
}

void known_sync(struct known *known)
{
	if (!known->file || !is_mine(known))
		return;
	for (int i = 0; i < BATCHES_MAX && sync_batch(known); i++)
		continue;
}
