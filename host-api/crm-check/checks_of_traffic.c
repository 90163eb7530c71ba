/* checks_of_traffic - many messages from many threads: are all answered, and
 * once, also when the plugin has to stop; and is what was only borrowed left
 * alone? */
#include <string.h>

#include "check.h"
#include "clock.h"
#include "remains.h"
#include "stand.h"
#include "traffic.h"

enum {
	GRACE_MS = 1000, /* for an answer after the deadline */
	NESTED = 200,    /* messages sent from inside complete() */
	DEPTH = 4,       /* of those in each other */
	BEFORE_STOP = 200,
	AT_ONCE_MS = 3000, /* that stop() may take without time */
	LONG_NS = 1000000
};

/* A tenth of the many, and at least some for each thread. */
static size_t some(const struct setup *setup)
{
	size_t count = setup->messages / 10;

	return count < 10 * TRAFFIC_THREADS ? 10 * TRAFFIC_THREADS : count;
}

static size_t room_for(size_t messages)
{
	return messages + TRAFFIC_THREADS;
}

static void say_figures(const struct trial *trial, struct stand *stand)
{
	verdict_say(trial->verdict,
		    "%zu accepted, %zu refused; submit() took at most %.1f ms",
		    atomic_load(&stand->accepted), atomic_load(&stand->refused),
		    (double)atomic_load(&stand->longest_ns) / LONG_NS);
}

static void check_once(const struct trial *trial)
{
	struct stand *stand = stand_run(trial->setup, trial->verdict,
					room_for(trial->setup->messages));

	if (!stand)
		return;
	traffic_send(stand, trial->setup->messages);
	if (!stand_wait(stand, STAND_DEADLINE_MS + GRACE_MS))
		verdict_fail(
		    trial->verdict,
		    "%zu of %zu accepted messages were not answered by "
		    "their deadline",
		    atomic_load(&stand->accepted) -
			atomic_load(&stand->completed),
		    atomic_load(&stand->accepted));
	if (!stand_end(stand))
		return;
	stand_judge(stand);
	say_figures(trial, stand);
	stand_close(stand);
}

/* As hosts do that send the next message when an answer comes. */
static void submit_again(struct stand *stand)
{
	enum crm_status status;

	if (atomic_fetch_add(&stand->depth, 1) < DEPTH &&
	    atomic_fetch_sub(&stand->budget, 1) > 0)
		stand_submit(stand, &status);
	atomic_fetch_sub(&stand->depth, 1);
}

static void check_nested(const struct trial *trial)
{
	struct stand *stand =
	    stand_run(trial->setup, trial->verdict, room_for(2 * NESTED));

	if (!stand)
		return;
	atomic_store(&stand->budget, NESTED);
	stand->on_answer = submit_again;
	traffic_send(stand, NESTED);
	stand_wait(stand, STAND_DEADLINE_MS + GRACE_MS);
	if (!stand_end(stand))
		return;
	stand_judge(stand);
	stand_close(stand);
}

/* The host's threads go on sending while and after it stops. */
static void stop_amid(const struct trial *trial, struct stand *stand)
{
	struct traffic traffic;
	enum crm_status status;

	if (traffic_begin(&traffic, stand, 0) &&
	    !stand_wait_accepted(stand, BEFORE_STOP, STAND_DEADLINE_MS))
		verdict_say(trial->verdict,
			    "only %zu messages were accepted in %d ms",
			    atomic_load(&stand->accepted), STAND_DEADLINE_MS);
	status = stand_stop(stand, crm_clock_after(STAND_STOP_MS));
	traffic_stopped(&traffic);
	traffic_join(&traffic);
	if (atomic_load(&traffic.not_refused) > 0)
		verdict_fail(trial->verdict,
			     "%zu of %zu messages sent after stop() were not "
			     "refused as stopping",
			     atomic_load(&traffic.not_refused),
			     atomic_load(&traffic.sent_after));
	if (status == CRM_BUSY)
		return;
	stand_judge(stand);
	stand_close(stand);
}

static void check_stop(const struct trial *trial)
{
	enum { PLENTY = 50000 };
	struct stand *stand = stand_run(trial->setup, trial->verdict,
					trial->setup->messages + PLENTY);

	if (stand)
		stop_amid(trial, stand);
}

static void check_stop_at_once(const struct trial *trial)
{
	struct stand *stand = stand_run(trial->setup, trial->verdict,
					room_for(some(trial->setup)));
	uint64_t began, took_ns;
	enum crm_status status;

	if (!stand)
		return;
	traffic_send(stand, some(trial->setup));
	began = crm_clock_ns();
	status = stand_stop(stand, 0);
	took_ns = crm_clock_ns() - began;
	if (took_ns / LONG_NS > AT_ONCE_MS)
		verdict_fail(trial->verdict, "stop() took %.1f s",
			     (double)took_ns / LONG_NS / 1000);
	if (status == CRM_BUSY)
		return;
	stand_judge(stand);
	stand_close(stand);
}

static void check_stopped(const struct trial *trial)
{
	struct stand *stand =
	    stand_run(trial->setup, trial->verdict, 2 * SAMPLE_ROUTES);
	enum crm_status status = CRM_OK;

	if (!stand)
		return;
	/* A plugin that is asked twice must not have forgotten. */
	if (stand_stop(stand, crm_clock_after(STAND_STOP_MS)) == CRM_BUSY)
		return;
	for (size_t i = 0; i < 2 * stand->samples.count; i++)
		if (stand_submit(stand, &status) && status != CRM_STOPPING) {
			verdict_fail(trial->verdict,
				     "after stop() submit() returned %d, "
				     "expected %d (stopping)",
				     (int)status, CRM_STOPPING);
			break;
		}
	stand_close(stand);
}

/* A stand whose plugin was sent some messages and has ended well, to be closed;
 * NULL: it has not. */
static struct stand *run_some(const struct trial *trial, enum parcel_kind kind)
{
	struct stand *stand = stand_run(trial->setup, trial->verdict,
					room_for(some(trial->setup)));

	if (!stand)
		return NULL;
	stand->kind = kind;
	traffic_send(stand, some(trial->setup));
	stand_wait(stand, GRACE_MS);
	return stand_end(stand) ? stand : NULL;
}

static void check_remains(const struct trial *trial)
{
	struct stand *stand = run_some(trial, PARCEL_PLAIN);

	if (!stand)
		return;
	remains_judge(stand);
	stand_close(stand);
}

/* ---------------------------------------------------------------- borrowed
 * memory
 */

static void send_watched(const struct trial *trial, enum parcel_kind kind)
{
	struct stand *stand = run_some(trial, kind);

	if (!stand)
		return;
	verdict_need(trial->verdict, atomic_load(&stand->accepted) > 0,
		     "no message was accepted, which proves nothing: give one "
		     "with --body");
	stand_close(stand);
}

static void check_revoked(const struct trial *trial)
{
	send_watched(trial, PARCEL_REVOKED);
}

static void check_tight(const struct trial *trial)
{
	send_watched(trial, PARCEL_TIGHT);
}

static void check_words(const struct trial *trial)
{
	struct stand *stand = run_some(trial, PARCEL_PLAIN);

	if (!stand)
		return;
	if (atomic_load(&stand->faults) > 0)
		verdict_fail(trial->verdict, "%s (the first of %zu faults)",
			     stand->fault, atomic_load(&stand->faults));
	stand_close(stand);
}

const struct check checks_of_traffic[] = {
    {"each accepted message is answered once, a refused one never", check_once,
     NULL, NULL},
    {"submit() may be called from inside complete()", check_nested,
     "a lock that it holds while it calls complete()", NULL},
    {"stop() during traffic answers everything, then submit() refuses",
     check_stop, NULL, NULL},
    {"stop() with no time left answers everything at once", check_stop_at_once,
     NULL, NULL},
    {"after stop() every message is refused as stopping", check_stopped, NULL,
     NULL},
    {"no thread and no file is left when it has stopped", check_remains, NULL,
     NULL},
    {"it keeps no pointer into a request", check_revoked,
     "it used the request's memory after submit() had returned", NULL},
    {"it reads no further than a body's length", check_tight,
     "it read behind body + body_len", NULL},
    {"what it tells the host is well formed", check_words, NULL, NULL},
    {NULL, NULL, NULL, NULL},
};
