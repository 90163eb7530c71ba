/* spooler - see spooler.h. */
#include "spooler.h"

#include "clock.h"
#include "log.h"

enum {
	CHUNK_MAX = 1000, /* events spooled together */
	WAIT_MS = 1000,   /* for other users of the file */
	LOOK_MS = 1000,
	LOOK_WAIT_MS = 50
};

static void pass_notices(struct spooler *spooler)
{
	char notice[SPOOL_NOTICE];

	while (spool_take_notice(spooler->spool, notice))
		log_line(spooler->host, CRM_WARN, "%s", notice);
}

/* That somebody else uses the file is no failure of it. */
void spooler_note(struct spooler *spooler, const struct err *err)
{
	if (err->kind == ERR_TIMEOUT)
		return;
	if (err->kind != spooler->why.kind)
		spooler->look_ns = 0;
	spooler->why = *err;
}

void spooler_look(struct spooler *spooler)
{
	struct health_spool *seen = &spooler->seen;
	struct spool_usage usage;
	struct err err = {0};
	uint64_t now = clock_ns();

	if (!spooler->spool || now < spooler->look_ns)
		return;
	if (spool_usage(spooler->spool, &usage, LOOK_WAIT_MS, &err)) {
		spooler->filled = usage.rows > 0;
		seen->rows = usage.rows;
		seen->bytes = usage.bytes;
		seen->oldest_us = usage.oldest_us;
	} else {
		spooler_note(spooler, &err);
	}
	seen->error = spooler->why.kind == ERR_NONE ? NULL : spooler->why.text;
	health_spool(spooler->ending->health, seen);
	spooler->look_ns = clock_after(now, LOOK_MS);
	pass_notices(spooler);
}

bool spooler_open(struct spooler *spooler, const char *path, uint64_t max_bytes,
		  struct err *err)
{
	spooler->spool = spool_open(path, max_bytes, err);
	if (!spooler->spool)
		return false;
	spooler_look(spooler);
	return true;
}

void spooler_close(struct spooler *spooler)
{
	spool_close(spooler->spool);
	spooler->spool = NULL;
}

static bool append(struct spooler *spooler, struct writer_item *const *items,
		   size_t count, struct err *err)
{
	const struct event *events[CHUNK_MAX];

	for (size_t i = 0; i < count; i++)
		events[i] = items[i]->event;
	*err = (struct err){0};
	bool appended =
	    spool_append(spooler->spool, events, count, WAIT_MS, err);
	spooler_note(spooler, err);
	if (!appended)
		return false;
	if (!spooler->filled)
		spooler->look_ns = 0;
	spooler->filled = true;
	health_add(spooler->ending->health, HEALTH_SPOOLED, count);
	return true;
}

void spooler_leave(struct spooler *spooler, struct items *items,
		   enum err_kind why)
{
	bool usable = spooler->spool != NULL;
	struct writer_item *chunk[CHUNK_MAX];
	struct writer_item *item;
	struct err err;

	while (items->first) {
		size_t count = 0;

		while (count < CHUNK_MAX && (item = items_take(items)))
			chunk[count++] = item;
		bool spooled = usable && append(spooler, chunk, count, &err);
		if (usable && !spooled && why != ERR_STOPPING)
			why = err.kind;
		usable = spooled; /* one wait for others is enough */
		for (size_t i = 0; i < count; i++)
			if (spooled)
				ending_spooled(spooler->ending, chunk[i]);
			else
				ending_unwritten(spooler->ending, chunk[i],
						 why);
	}
	if (spooler->spool)
		pass_notices(spooler);
}
