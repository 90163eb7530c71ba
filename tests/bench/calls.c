/* calls - see calls.h. */
#include "calls.h"

#include "command.h"
#include "messages.h"
#include "stopwatch.h"

#include <stdio.h>
#include <stdlib.h>

enum { AGENTS = 10000, AGENT_LEN = 12, START_SPREAD_MS = 60000 };

struct event {
	uint32_t call; /* counted from the first */
	uint32_t stage;
};

struct calls {
	struct calls_settings settings;
	struct event *events; /* owned; in the order in which they come */
	size_t length;
	struct messages *messages[CALLS_LANES]; /* owned; one a lane */
	char agents[AGENTS][AGENT_LEN];
};

static bool is_new(const struct calls *calls, uint32_t call)
{
	return (calls->settings.first + call) % 2 == 0;
}

/* A call that is new rings, is connected, ends and has a record. One that rang
 * before is connected, held, ends and has a record. */
static uint32_t stage_of(const struct calls *calls, uint32_t call,
			 uint32_t event)
{
	static const uint32_t of_new[CALLS_EVENTS] = {0, 1, 3, 4};

	return is_new(calls, call) ? of_new[event] : event + 1;
}

/* As many calls are under way as there are at a time, or a quarter of all. */
static void order(struct calls *calls)
{
	uint32_t count = calls->settings.count;
	uint32_t apart = CALLS_AT_A_TIME / CALLS_EVENTS;
	size_t n = 0;

	if (apart > count / CALLS_EVENTS)
		apart = count / CALLS_EVENTS + 1;
	for (uint32_t at = 0; at < count + (CALLS_EVENTS - 1) * apart; at++)
		for (uint32_t event = 0; event < CALLS_EVENTS; event++) {
			uint32_t call = at - event * apart;

			if (at >= event * apart && call < count)
				calls->events[n++] = (struct event){
				    call, stage_of(calls, call, event)};
		}
	calls->length = n;
}

static void order_before(struct calls *calls)
{
	for (uint32_t call = 0; call < calls->settings.count; call++)
		if (!is_new(calls, call))
			calls->events[calls->length++] =
			    (struct event){call, 0};
}

struct calls *calls_new(const struct calls_settings *settings)
{
	struct calls *calls = calloc(1, sizeof(*calls));
	size_t most = (size_t)CALLS_EVENTS * settings->count;

	if (calls)
		calls->events = malloc((most + 1) * sizeof(*calls->events));
	if (!calls || !calls->events)
		die("out of memory");
	if (settings->lanes > CALLS_LANES || settings->agents > AGENTS ||
	    settings->agents == 0 || settings->processes == 0)
		die("calls: settings out of range");
	calls->settings = *settings;
	for (size_t lane = 0; lane < settings->lanes; lane++)
		calls->messages[lane] =
		    messages_open(settings->messages, settings->alone);
	for (uint32_t agent = 0; agent < settings->agents; agent++)
		snprintf(calls->agents[agent], AGENT_LEN, "agent %04u",
			 agent % AGENTS);
	if (settings->part == CALLS_BEFORE)
		order_before(calls);
	else
		order(calls);
	return calls;
}

void calls_free(struct calls *calls)
{
	if (!calls)
		return;
	for (size_t lane = 0; lane < CALLS_LANES; lane++)
		messages_free(calls->messages[lane]);
	free(calls->events);
	free(calls);
}

size_t calls_length(const struct calls *calls)
{
	const struct calls_settings *settings = &calls->settings;
	size_t rest = calls->length % settings->processes;

	return calls->length / settings->processes +
	       (settings->process < rest ? 1 : 0);
}

void calls_make(void *context, size_t lane, size_t number,
		struct crm_request *request)
{
	struct calls *calls = context;
	const struct calls_settings *settings = &calls->settings;
	size_t at = number * settings->processes + settings->process;
	const struct event *event = &calls->events[at];
	uint32_t call = settings->first + event->call;

	request->account = "";
	/* as calls come: to whoever is free */
	request->agent =
	    calls->agents[(uint64_t)call * 7919 % settings->agents];
	request->path = "/callLogger";
	request->sent_at_ms = stopwatch_unix_ms();
	request->body = messages_fill(
	    calls->messages[lane], call, (int)event->stage, (uint32_t)at,
	    settings->start_ms + call % START_SPREAD_MS, &request->body_len);
}
