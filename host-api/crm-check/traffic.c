/* traffic - threads that send messages to a plugin. See traffic.h. */
#include "traffic.h"

#include <time.h>

/* Who is told to come later does not come at once. */
static void step_back(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
}

/* Room is kept for what each thread sends after stop(). */
static bool has_room(struct stand *stand)
{
	return atomic_load(&stand->taken) + 2 * TRAFFIC_THREADS <
	       stand->mark_count;
}

static void *send_some(void *context)
{
	struct traffic *traffic = context;
	enum crm_status status = CRM_OK;

	for (size_t i = 0; i < traffic->each; i++) {
		if (!stand_submit(traffic->stand, &status))
			break;
		if (status != CRM_OK)
			step_back();
	}
	return NULL;
}

static void *send_until_stopped(void *context)
{
	struct traffic *traffic = context;
	enum crm_status status = CRM_OK;

	while (!atomic_load(&traffic->stopped))
		if (!has_room(traffic->stand) ||
		    !stand_submit(traffic->stand, &status) || status != CRM_OK)
			step_back();
	if (!stand_submit(traffic->stand, &status))
		return NULL;
	atomic_fetch_add(&traffic->sent_after, 1);
	if (status != CRM_STOPPING)
		atomic_fetch_add(&traffic->not_refused, 1);
	return NULL;
}

bool traffic_begin(struct traffic *traffic, struct stand *stand, size_t each)
{
	*traffic = (struct traffic){.stand = stand, .each = each};
	for (size_t i = 0; i < TRAFFIC_THREADS; i++) {
		if (pthread_create(&traffic->threads[i], NULL,
				   each > 0 ? send_some : send_until_stopped,
				   traffic) != 0)
			return verdict_fail(stand->verdict,
					    "cannot create a thread");
		traffic->thread_count++;
	}
	return true;
}

void traffic_stopped(struct traffic *traffic)
{
	atomic_store(&traffic->stopped, true);
}

void traffic_join(struct traffic *traffic)
{
	for (size_t i = 0; i < traffic->thread_count; i++)
		pthread_join(traffic->threads[i], NULL);
}

bool traffic_send(struct stand *stand, size_t count)
{
	struct traffic traffic;
	bool begun = traffic_begin(
	    &traffic, stand, (count + TRAFFIC_THREADS - 1) / TRAFFIC_THREADS);

	traffic_join(&traffic);
	return begun;
}
