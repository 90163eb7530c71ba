/* stand - the host that a plugin is tested on. See stand.h. */
#include "stand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "witness.h"

/* ------------------------------------------------------------------ life cycle
 */

struct stand *stand_open(const struct setup *setup, struct verdict *verdict,
			 size_t max_messages)
{
	struct stand *stand = calloc(1, sizeof(*stand));
	char why[VERDICT_LINE];

	if (stand)
		stand->marks = calloc(max_messages + 1, sizeof(*stand->marks));
	if (!stand || !stand->marks) {
		free(stand);
		verdict_fail(verdict, "out of memory");
		return NULL;
	}
	stand->setup = setup;
	stand->verdict = verdict;
	stand->configured = true;
	stand->mark_count = max_messages;
	/* Ids are nobody else's, and 0 never comes. */
	stand->first_id =
	    (sample_mix(setup->seed, (uintptr_t)stand) | 1) & INT64_MAX;
	pthread_mutex_init(&stand->mutex, NULL);
	stand->host = witness_host(stand);
	if (crm_loader_open(setup->path, NULL, 0, &stand->file, why,
			    sizeof(why)))
		return stand;
	verdict_fail(verdict, "%s", why);
	stand_close(stand);
	return NULL;
}

void stand_close(struct stand *stand)
{
	struct parcel *parcel;

	if (!stand)
		return;
	stand_destroy(stand);
	while ((parcel = atomic_load(&stand->parcels)) != NULL) {
		atomic_store(&stand->parcels, parcel->next);
		parcel_free(parcel);
	}
	crm_loader_close(&stand->file);
	pthread_mutex_destroy(&stand->mutex);
	free(stand->marks);
	free(stand);
}

static const char *missing_function(const struct crm_plugin *plugin)
{
	if (!plugin->start || !plugin->submit)
		return plugin->start ? "submit" : "start";
	if (!plugin->stop || !plugin->destroy)
		return plugin->stop ? "destroy" : "stop";
	return NULL;
}

static void *do_nothing(void *context)
{
	return context;
}

/* A sanitizer has a thread of its own, from the first that is created on. */
void stand_count(struct stand *stand)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, do_nothing, NULL) == 0)
		pthread_join(thread, NULL);
	process_threads(&stand->threads);
	process_files(&stand->files);
}

bool stand_create(struct stand *stand, char *why, size_t why_cap)
{
	const char *missing;

	if (why_cap > 0)
		why[0] = '\0';
	atomic_store(&stand->destroyed, false);
	atomic_store(&stand->creating, true);
	stand->plugin = stand->file.entry->create(&stand->host, why, why_cap);
	atomic_store(&stand->creating, false);
	if (!stand->plugin)
		return false;
	missing = missing_function(stand->plugin);
	if (!missing)
		return true;
	snprintf(why, why_cap, "its %s is not set", missing);
	stand->plugin = NULL;
	return false;
}

bool stand_start(struct stand *stand)
{
	enum crm_status status = stand->plugin->start(stand->plugin);

	if (status == CRM_OK)
		return true;
	stand_destroy(stand);
	return verdict_fail(stand->verdict, "start() returned %d%s",
			    (int)status,
			    " (an unreachable database is no reason to)");
}

enum crm_status stand_stop(struct stand *stand, uint64_t deadline_ns)
{
	enum crm_status status =
	    stand->plugin->stop(stand->plugin, deadline_ns);

	if (status == CRM_BUSY)
		verdict_fail(stand->verdict,
			     "stop() says that a thread would not end");
	else if (status != CRM_OK && status != CRM_TIMEOUT) {
		verdict_fail(stand->verdict, "stop() returned %d", (int)status);
		status = CRM_FAILED;
	}
	return status;
}

void stand_destroy(struct stand *stand)
{
	struct crm_plugin *plugin = stand->plugin;

	if (!plugin)
		return;
	stand->plugin = NULL;
	plugin->destroy(plugin);
	atomic_store(&stand->destroyed, true);
}

struct stand *stand_run(const struct setup *setup, struct verdict *verdict,
			size_t max_messages)
{
	struct stand *stand = stand_open(setup, verdict, max_messages);
	char why[STAND_WHY];

	if (!stand)
		return NULL;
	stand_count(stand);
	if (!stand_create(stand, why, sizeof(why)))
		verdict_fail(verdict,
			     "create() refused: %s (its configuration "
			     "comes from --set and --config)",
			     why);
	else if (!samples_read(&stand->samples, setup,
			       stand_extension(stand, CRM_EXT_WIDGET_SERVICE),
			       why, sizeof(why)))
		verdict_fail(verdict, "%s", why);
	else if (stand_start(stand))
		return stand;
	stand_close(stand);
	return NULL;
}

bool stand_end(struct stand *stand)
{
	enum crm_status status =
	    stand_stop(stand, crm_clock_after(STAND_STOP_MS));

	if (status == CRM_BUSY)
		return false;
	stand_destroy(stand);
	return true;
}

const void *stand_extension(struct stand *stand, const char *id)
{
	struct crm_plugin *plugin = stand->plugin;

	return plugin->extension ? plugin->extension(plugin, id) : NULL;
}

/* -------------------------------------------------------------------- messages
 */

/* Kept until the end: a plugin that looks at it later reads what it was. */
static void keep(struct stand *stand, struct parcel *parcel)
{
	parcel->next = atomic_load(&stand->parcels);
	while (!atomic_compare_exchange_weak(&stand->parcels, &parcel->next,
					     parcel))
		continue;
}

static void note_time(struct stand *stand, uint64_t took_ns)
{
	unsigned long long longest = atomic_load(&stand->longest_ns);

	while (took_ns > longest && !atomic_compare_exchange_weak(
					&stand->longest_ns, &longest, took_ns))
		continue;
}

static void note_fate(struct stand *stand, struct stand_mark *mark,
		      enum crm_status status)
{
	if (status < CRM_OK || status > CRM_FAILED)
		witness_note(stand, "submit() returned %d", (int)status);
	atomic_store(&mark->fate,
		     status == CRM_OK ? STAND_ACCEPTED : STAND_REFUSED);
	atomic_fetch_add(status == CRM_OK ? &stand->accepted : &stand->refused,
			 1);
}

static bool take_mark(struct stand *stand, size_t *index)
{
	*index = atomic_load(&stand->taken);
	do {
		if (*index >= stand->mark_count)
			return false;
	} while (
	    !atomic_compare_exchange_weak(&stand->taken, index, *index + 1));
	return true;
}

static bool send_one(struct stand *stand, size_t index, const char *route,
		     const char *body, size_t len, enum crm_status *status)
{
	struct parcel *parcel =
	    parcel_new(stand->kind, stand->first_id + index,
		       crm_clock_after(STAND_DEADLINE_MS), route, body, len);
	struct stand_mark *mark = &stand->marks[index];
	uint64_t began, queued = 0, took_ns;

	if (!parcel)
		return verdict_fail(stand->verdict, "out of memory");
	atomic_store(&mark->fate, STAND_SENT);
	if (stand->timed)
		queued = process_queued_ns();
	began = crm_clock_ns();
	*status = stand->plugin->submit(stand->plugin, parcel->request);
	took_ns = crm_clock_ns() - began;
	if (stand->timed)
		queued = process_queued_ns() - queued;
	took_ns -= queued < took_ns ? queued : took_ns;
	atomic_store(&mark->took_us, (unsigned)(took_ns / 1000));
	note_time(stand, took_ns);
	parcel_sent(parcel);
	keep(stand, parcel);
	note_fate(stand, mark, *status);
	return true;
}

bool stand_submit(struct stand *stand, enum crm_status *status)
{
	char own[SAMPLE_BODY];
	const char *body, *route;
	size_t index, len;

	if (!take_mark(stand, &index))
		return false;
	len = sample_write(&stand->samples, stand->setup->seed, index, own,
			   &body, &route);
	return send_one(stand, index, route, body, len, status);
}

bool stand_submit_body(struct stand *stand, const char *route, const char *body,
		       size_t len)
{
	enum crm_status status;
	size_t index;

	return take_mark(stand, &index) &&
	       send_one(stand, index, route, body, len, &status);
}

/* A look every so often: complete() is to find no lock of ours. */
static void pause_briefly(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
}

bool stand_wait(struct stand *stand, uint32_t ms)
{
	uint64_t until = crm_clock_after(ms);

	while (atomic_load(&stand->completed) < atomic_load(&stand->accepted)) {
		if (crm_clock_ns() > until)
			return false;
		pause_briefly();
	}
	return true;
}

bool stand_wait_accepted(struct stand *stand, size_t count, uint32_t ms)
{
	uint64_t until = crm_clock_after(ms);

	while (atomic_load(&stand->accepted) < count) {
		if (crm_clock_ns() > until)
			return false;
		pause_briefly();
	}
	return true;
}

struct judgement {
	size_t missing, twice, refused;
};

static void judge_mark(struct stand_mark *mark, struct judgement *judgement)
{
	unsigned answers = atomic_load(&mark->answers);
	int fate = atomic_load(&mark->fate);

	judgement->missing += fate == STAND_ACCEPTED && answers == 0;
	judgement->twice += fate == STAND_ACCEPTED && answers > 1;
	judgement->refused += fate == STAND_REFUSED && answers > 0;
}

bool stand_judge(struct stand *stand)
{
	struct judgement judgement = {0, 0, 0};
	size_t sent = atomic_load(&stand->taken);
	size_t accepted = atomic_load(&stand->accepted);
	size_t foreign = atomic_load(&stand->foreign);
	size_t before = atomic_load(&stand->verdict->problems);

	for (size_t i = 0; i < sent; i++)
		judge_mark(&stand->marks[i], &judgement);
	if (accepted == 0)
		verdict_fail(stand->verdict,
			     "none of %zu messages was accepted, which proves "
			     "nothing: give one with --body",
			     sent);
	if (judgement.missing > 0)
		verdict_fail(stand->verdict,
			     "%zu of %zu accepted messages were never answered",
			     judgement.missing, accepted);
	if (judgement.twice > 0)
		verdict_fail(stand->verdict,
			     "%zu of %zu accepted messages were answered more "
			     "than once",
			     judgement.twice, accepted);
	if (judgement.refused > 0)
		verdict_fail(stand->verdict,
			     "%zu messages were answered although submit() "
			     "refused them",
			     judgement.refused);
	if (foreign > 0)
		verdict_fail(stand->verdict,
			     "%zu answers were for no request there ever was",
			     foreign);
	return atomic_load(&stand->verdict->problems) == before;
}
