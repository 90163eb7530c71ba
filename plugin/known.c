/* known - see known.h.
 *
 * A call is in one bucket and in the list of all, the least recently used last;
 * one that the file does not have yet is *dirty*, and in a list of those too.
 * The file is written from copies, so that nobody waits for it; a call that was
 * changed meanwhile has another version, and stays dirty. That a call is not
 * logged is remembered only of one that was known, to tell the file. */
#include "known.h"

#include "known_entry.h"
#include "known_file.h"
#include "process.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CALL_BYTES = 640, /* how many a call may have on average */
	BATCH_MAX = 256,  /* calls written in one transaction */
	BATCHES_MAX = 64  /* transactions a sync */
};

struct known {
	struct process process;  /* that made it */
	struct known_file *file; /* owned; the syncing thread's */

	pthread_mutex_t mutex;        /* for all below */
	struct known_entry **buckets; /* owned */
	size_t bucket_count;          /* a power of 2 */
	struct known_link used;       /* the most recently used first */
	struct known_link dirty;      /* the oldest first */
	size_t count, max_calls;
	size_t bytes, max_bytes;
	uint64_t version; /* the last given */
};

/* ---------------------------------------------------------------- lists */

static void link_init(struct known_link *head)
{
	head->before = head->after = head;
}

static void link_remove(struct known_link *link)
{
	link->before->after = link->after;
	link->after->before = link->before;
}

static void link_add_after(struct known_link *place, struct known_link *link)
{
	link->before = place;
	link->after = place->after;
	place->after->before = link;
	place->after = link;
}

static struct known_entry *entry_of_used(struct known_link *link)
{
	return (struct known_entry *)link;
}

static struct known_entry *entry_of_dirty(struct known_link *link)
{
	return (struct known_entry *)((char *)link -
				      offsetof(struct known_entry, dirty));
}

/* -------------------------------------------------------------- entries */

static struct known_entry **
find_locked(struct known *known, const struct known_call *call, uint32_t hash)
{
	struct known_entry **at =
	    &known->buckets[hash & (known->bucket_count - 1)];

	while (*at && !known_entry_is_about(*at, call, hash))
		at = &(*at)->next;
	return at;
}

static void forget_locked(struct known *known, struct known_entry **at)
{
	struct known_entry *entry = *at;

	*at = entry->next;
	link_remove(&entry->used);
	if (entry->is_dirty)
		link_remove(&entry->dirty);
	known->count--;
	known->bytes -= known_entry_bytes(entry);
	free(entry);
}

static void forget_oldest_locked(struct known *known)
{
	while (known->count > known->max_calls ||
	       (known->bytes > known->max_bytes && known->count > 1)) {
		struct known_entry *oldest = entry_of_used(known->used.before);
		struct known_entry **at =
		    &known->buckets[oldest->hash & (known->bucket_count - 1)];

		while (*at != oldest)
			at = &(*at)->next;
		forget_locked(known, at);
	}
}

static void mark_dirty_locked(struct known *known, struct known_entry *entry)
{
	entry->version = ++known->version;
	entry->is_dirty = true;
	link_add_after(known->dirty.before, &entry->dirty);
}

/* `ours`: it is news to the file; else the file's news to us, which what we know
 * and the file does not outranks. */
static void take_locked(struct known *known, const struct known_line *line,
			bool ours)
{
	uint32_t hash = known_entry_hash(&line->call);
	struct known_entry **at = find_locked(known, &line->call, hash);

	if (*at && known_entry_says(*at, line)) {
		struct known_entry *entry = *at;

		link_remove(&entry->used);
		link_add_after(&known->used, &entry->used);
		return;
	}
	if (*at && !ours && (*at)->is_dirty)
		return;
	struct known_entry *entry =
	    ours || line->logged ? known_entry_new(line, hash) : NULL;
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
	known->bytes += known_entry_bytes(entry);
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
	known->buckets =
	    calloc(known->bucket_count, sizeof(struct known_entry *));
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
	struct known_link *link = known->used.after;
	while (link && link != &known->used) {
		struct known_link *next = link->after;

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
	struct known_entry *entry =
	    *find_locked(known, &line.call, known_entry_hash(&line.call));
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
	struct known_entry *entry =
	    *find_locked(known, &key, known_entry_hash(&key));
	bool found = entry && entry->logged;
	if (found) {
		link_remove(&entry->used);
		link_add_after(&known->used, &entry->used);
		copy->call.id = entry->id;
		copy->arena = known_entry_copy(entry);
		if (copy->arena)
			copy->call = known_entry_line(copy->arena).call;
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
static size_t copy_dirty(struct known *known,
			 struct known_entry *copies[BATCH_MAX])
{
	size_t count = 0;

	pthread_mutex_lock(&known->mutex);
	for (struct known_link *link = known->dirty.after;
	     link != &known->dirty && count < BATCH_MAX; link = link->after) {
		copies[count] = known_entry_copy(entry_of_dirty(link));
		if (!copies[count])
			break;
		count++;
	}
	pthread_mutex_unlock(&known->mutex);
	return count;
}

static void mark_clean(struct known *known, const struct known_entry *copy)
{
	const struct known_line line = known_entry_line(copy);

	pthread_mutex_lock(&known->mutex);
	struct known_entry *entry = *find_locked(known, &line.call, copy->hash);
	if (entry && entry->is_dirty && entry->version == copy->version) {
		link_remove(&entry->dirty);
		entry->is_dirty = false;
	}
	pthread_mutex_unlock(&known->mutex);
}

/* Whether there may be more to do. */
static bool sync_batch(struct known *known)
{
	struct known_entry *copies[BATCH_MAX];
	struct err err;

	if (!known_file_begin(known->file, &err))
		return false;
	take_in(known);
	size_t count = copy_dirty(known, copies);
	for (size_t i = 0; i < count; i++) {
		const struct known_line line = known_entry_line(copies[i]);

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
