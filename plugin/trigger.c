/* trigger - see trigger.h. */
#include "trigger.h"

#include "clock.h"
#include "message.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	CALLS_MAX = 200000, /* some 40 MB; more than a large spool has */
	BUCKETS = 16384,
	POST_MAX = 100,  /* ids a message */
	GATHER_MS = 200, /* so that calls of one moment share a message */
	BACK_MS = 500,   /* not all at the very moment it is back */
	LATER_MS = 5000, /* see TRIGGER_LATER */
	RETRY_MS = 1000, /* after BUSY */
	TRIES_MAX = 60   /* BUSY so often: nobody listens */
};

struct entry {
	struct entry *next; /* in its bucket, or in what is sent */
	uint64_t hash;
	uint64_t due_ns; /* CLOCK_NEVER: when the database is back */
	unsigned tries;
	bool heard;                             /* from the database */
	struct text account, agent, session_id; /* in storage */
	char storage[];
};

struct trigger {
	const struct crm_host *host; /* borrowed */
	struct health *health;       /* borrowed */
	int fd;                      /* an eventfd; owned; -1: not open */

	pthread_mutex_t mutex; /* for all below */
	struct entry *buckets[BUCKETS];
	size_t count;
	uint64_t due_ns; /* the earliest */
	bool held;       /* some wait for the database */
	bool signalled, closed;

	/* the sending thread's: what the host does not post, oldest first */
	struct entry *unposted, **unposted_end;
	size_t unposted_count;
};

struct trigger *trigger_new(const struct crm_host *host, struct health *health,
			    struct err *err)
{
	struct trigger *trigger = calloc(1, sizeof(*trigger));

	if (!trigger) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	trigger->fd = -1;
	trigger->host = host;
	trigger->health = health;
	trigger->due_ns = CLOCK_NEVER;
	trigger->unposted_end = &trigger->unposted;
	pthread_mutex_init(&trigger->mutex, NULL);
	return trigger;
}

static void free_chain(struct entry *entry)
{
	while (entry) {
		struct entry *next = entry->next;

		free(entry);
		entry = next;
	}
}

void trigger_free(struct trigger *trigger)
{
	if (!trigger)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		free_chain(trigger->buckets[i]);
	free_chain(trigger->unposted);
	if (trigger->fd >= 0)
		close(trigger->fd);
	pthread_mutex_destroy(&trigger->mutex);
	free(trigger);
}

bool trigger_open(struct trigger *trigger, struct err *err)
{
	if (trigger->fd < 0)
		trigger->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return trigger->fd >= 0 ||
	       err_set(err, ERR_INTERNAL, "cannot make an eventfd: %s",
		       strerror(errno));
}

/* ------------------------------------------------------------ gathering */

static bool same_agent(const struct entry *a, const struct entry *b)
{
	return text_equal(a->agent, b->agent) &&
	       text_equal(a->account, b->account);
}

static struct text copy(struct text text, char **at)
{
	struct text made = {.s = *at, .len = text.len};

	memcpy(*at, text.s, text.len);
	(*at)[text.len] = '\0';
	*at += text.len + 1;
	return made;
}

static struct entry *entry_new(struct text account, struct text agent,
			       struct text session_id)
{
	struct entry *entry = calloc(1, sizeof(*entry) + account.len +
					    agent.len + session_id.len + 3);

	if (!entry)
		return NULL;
	char *at = entry->storage;
	entry->account = copy(account, &at);
	entry->agent = copy(agent, &at);
	entry->session_id = copy(session_id, &at);
	entry->hash = call_hash(session_id.s, session_id.len) * 31 +
		      call_hash(agent.s, agent.len);
	return entry;
}

static void signal_locked(struct trigger *trigger)
{
	uint64_t one = 1;

	if (trigger->signalled)
		return;
	trigger->signalled = true;
	/* It can fail only when the counter is full, that is readable. */
	ssize_t written = write(trigger->fd, &one, sizeof(one));
	(void)written;
}

static void hurry_locked(struct trigger *trigger, uint64_t due_ns)
{
	if (due_ns >= trigger->due_ns)
		return;
	trigger->due_ns = due_ns;
	signal_locked(trigger);
}

/* Takes the entry, or frees it. */
static void insert_locked(struct trigger *trigger, struct entry *entry)
{
	struct entry **bucket = &trigger->buckets[entry->hash % BUCKETS];
	struct entry *known = *bucket;

	while (known && !(known->hash == entry->hash &&
			  text_equal(known->session_id, entry->session_id) &&
			  same_agent(known, entry)))
		known = known->next;
	if (known && entry->due_ns < known->due_ns)
		known->due_ns = entry->due_ns;
	if (known)
		known->heard = known->heard && entry->heard;
	if (!known && trigger->count == CALLS_MAX)
		health_add(trigger->health, HEALTH_UNTRIGGERED, 1);
	if (known || trigger->count == CALLS_MAX) {
		hurry_locked(trigger, known ? known->due_ns : CLOCK_NEVER);
		free(entry);
		return;
	}
	entry->next = *bucket;
	*bucket = entry;
	trigger->count++;
	trigger->held = trigger->held || entry->due_ns == CLOCK_NEVER;
	hurry_locked(trigger, entry->due_ns);
}

void trigger_add(struct trigger *trigger, struct text account,
		 struct text agent, struct text session_id,
		 enum trigger_when when)
{
	struct entry *entry = entry_new(account, agent, session_id);

	if (!entry) {
		health_add(trigger->health, HEALTH_UNTRIGGERED, 1);
		return;
	}
	entry->heard = when == TRIGGER_HEARD;
	entry->due_ns = CLOCK_NEVER;
	if (when != TRIGGER_BACK)
		entry->due_ns = clock_after(
		    clock_ns(), when == TRIGGER_LATER ? LATER_MS : GATHER_MS);
	pthread_mutex_lock(&trigger->mutex);
	insert_locked(trigger, entry);
	pthread_mutex_unlock(&trigger->mutex);
}

void trigger_back(struct trigger *trigger)
{
	uint64_t due_ns = clock_after(clock_ns(), BACK_MS);

	pthread_mutex_lock(&trigger->mutex);
	for (size_t i = 0; trigger->held && i < BUCKETS; i++)
		for (struct entry *e = trigger->buckets[i]; e; e = e->next)
			if (e->due_ns == CLOCK_NEVER)
				e->due_ns = due_ns;
	if (trigger->held)
		hurry_locked(trigger, due_ns);
	trigger->held = false;
	pthread_mutex_unlock(&trigger->mutex);
}

void trigger_close(struct trigger *trigger)
{
	pthread_mutex_lock(&trigger->mutex);
	trigger->closed = true;
	signal_locked(trigger);
	pthread_mutex_unlock(&trigger->mutex);
}

/* -------------------------------------------------------------- sending */

/* Takes out what is due, as a chain. */
static struct entry *take_due(struct trigger *trigger, size_t *count)
{
	uint64_t now = clock_ns();
	uint64_t drained;
	struct entry *due = NULL;

	*count = 0;
	pthread_mutex_lock(&trigger->mutex);
	if (trigger->signalled && !trigger->closed) {
		ssize_t got = read(trigger->fd, &drained, sizeof(drained));
		(void)got;
		trigger->signalled = false;
	}
	if (trigger->due_ns > now) {
		pthread_mutex_unlock(&trigger->mutex);
		return NULL;
	}
	trigger->due_ns = CLOCK_NEVER;
	for (size_t i = 0; i < BUCKETS; i++) {
		struct entry **at = &trigger->buckets[i];

		while (*at) {
			struct entry *entry = *at;

			if (entry->due_ns > now) {
				if (entry->due_ns < trigger->due_ns)
					trigger->due_ns = entry->due_ns;
				at = &entry->next;
				continue;
			}
			*at = entry->next;
			entry->next = due;
			due = entry;
			(*count)++;
		}
	}
	trigger->count -= *count;
	pthread_mutex_unlock(&trigger->mutex);
	return due;
}

static int compare(struct text a, struct text b)
{
	int order = memcmp(a.s, b.s, a.len < b.len ? a.len : b.len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;
	int order = compare((*x)->account, (*y)->account);

	if (order == 0)
		order = compare((*x)->agent, (*y)->agent);
	return order != 0 ? order : compare((*x)->session_id, (*y)->session_id);
}

static enum crm_status post(struct trigger *trigger,
			    struct entry *const *entries, size_t count)
{
	struct text ids[POST_MAX];
	size_t len;

	for (size_t i = 0; i < count; i++)
		ids[i] = entries[i]->session_id;
	char *body = message_trigger(ids, count, &len);
	if (!body)
		return CRM_BUSY;
	enum crm_status status =
	    trigger->host->post(trigger->host, entries[0]->account.s,
				entries[0]->agent.s, body, len);
	free(body);
	return status;
}

/* For the database, where it does not come from there. */
static void leave_unposted(struct trigger *trigger, struct entry *entry)
{
	if (entry->heard || trigger->unposted_count == CALLS_MAX) {
		if (!entry->heard)
			health_add(trigger->health, HEALTH_UNTRIGGERED, 1);
		free(entry);
		return;
	}
	entry->next = NULL;
	*trigger->unposted_end = entry;
	trigger->unposted_end = &entry->next;
	trigger->unposted_count++;
}

/* What the host would not take now comes again. */
static void settle(struct trigger *trigger, struct entry **entries,
		   size_t count, enum crm_status status)
{
	uint64_t again_ns = clock_after(clock_ns(), RETRY_MS);

	if (status == CRM_OK)
		health_add(trigger->health, HEALTH_TRIGGERED, count);
	for (size_t i = 0; i < count; i++) {
		struct entry *entry = entries[i];

		if (status == CRM_UNSUPPORTED) {
			leave_unposted(trigger, entry);
			continue;
		}
		if (status != CRM_BUSY || ++entry->tries > TRIES_MAX) {
			free(entry);
			continue;
		}
		entry->due_ns = again_ns;
		pthread_mutex_lock(&trigger->mutex);
		insert_locked(trigger, entry);
		pthread_mutex_unlock(&trigger->mutex);
	}
}

/* There is no memory to send them in now. */
static void put_back(struct trigger *trigger, struct entry *chain)
{
	while (chain) {
		struct entry *entry = chain;

		chain = chain->next;
		settle(trigger, &entry, 1, CRM_BUSY);
	}
}

void trigger_send(struct trigger *trigger)
{
	size_t count;
	struct entry *due = take_due(trigger, &count);

	if (!due)
		return;
	struct entry **sorted = calloc(count, sizeof(*sorted));
	if (!sorted) {
		put_back(trigger, due);
		return;
	}
	for (size_t i = 0; i < count; i++, due = due->next)
		sorted[i] = due;
	qsort(sorted, count, sizeof(*sorted), compare_entries);
	for (size_t i = 0, n; i < count; i += n) {
		for (n = 1; n < POST_MAX && i + n < count; n++)
			if (!same_agent(sorted[i], sorted[i + n]))
				break;
		settle(trigger, sorted + i, n, post(trigger, sorted + i, n));
	}
	free(sorted);
}

size_t trigger_unposted(const struct trigger *trigger,
			struct array keys[TRIGGER_KEYS], size_t max)
{
	size_t count = 0;

	for (const struct entry *entry = trigger->unposted;
	     entry && count < max; entry = entry->next, count++) {
		array_add_text(&keys[0], entry->account);
		array_add_text(&keys[1], entry->agent);
		array_add_text(&keys[2], entry->session_id);
	}
	return count;
}

void trigger_kept(struct trigger *trigger, size_t count)
{
	health_add(trigger->health, HEALTH_TRIGGERED, count);
	trigger->unposted_count -= count;
	for (; count > 0; count--) {
		struct entry *entry = trigger->unposted;

		trigger->unposted = entry->next;
		free(entry);
	}
	if (!trigger->unposted)
		trigger->unposted_end = &trigger->unposted;
}

uint64_t trigger_due_ns(struct trigger *trigger)
{
	pthread_mutex_lock(&trigger->mutex);
	uint64_t due_ns = trigger->due_ns;
	pthread_mutex_unlock(&trigger->mutex);
	return due_ns;
}

int trigger_fd(const struct trigger *trigger)
{
	return trigger->fd;
}
