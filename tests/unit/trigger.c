/* trigger - what an outage leaves to be asked for again: all of it, up to the
 * bound. */
#include "../../plugin/trigger.h"
#include "../../plugin/clock.h"
#include "../tap.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BOUND = 200000, AGENTS = 300 };

static unsigned char *told; /* how often each call was */
static unsigned long strange, too_long;
static bool busy;

/* Calls are numbered; a call's agent is its number modulo AGENTS. */
static enum crm_status host_post(const struct crm_host *host,
				 const char *account, const char *agent,
				 const char *body, size_t len)
{
	unsigned long ids = 0;
	const char *at = strchr(body, '[');

	(void)host, (void)account, (void)len;
	if (busy)
		return CRM_BUSY;
	for (; at && (*at == '[' || *at == ','); ids++) {
		char *end;
		unsigned long call = strtoul(at + 2, &end, 10);

		if (call >= BOUND + 1000 ||
		    call % AGENTS != strtoul(agent, NULL, 10))
			strange++;
		else
			told[call]++;
		at = end + 1;
	}
	if (ids > 100)
		too_long++;
	return CRM_OK;
}

static const struct crm_host host = {.post = host_post};

static void add(struct trigger *trigger, unsigned call, enum trigger_when when)
{
	char id[16], agent[16];
	struct text account = {"", 0}, agent_text = {agent, 0},
		    id_text = {id, 0};

	id_text.len = (size_t)snprintf(id, sizeof(id), "%u", call);
	agent_text.len =
	    (size_t)snprintf(agent, sizeof(agent), "%u", call % AGENTS);
	trigger_add(trigger, account, agent_text, id_text, when);
}

static void send_all(struct trigger *trigger)
{
	while (trigger_due_ns(trigger) < CLOCK_NEVER)
		trigger_send(trigger);
}

/* How many calls below `count` were told so often. */
static unsigned count_told(unsigned count, unsigned times)
{
	unsigned found = 0;

	for (unsigned i = 0; i < count; i++)
		found += told[i] == times;
	return found;
}

static void tells_all(struct trigger *trigger)
{
	memset(told, 0, BOUND + 1000);
	for (int twice = 0; twice < 2; twice++)
		for (unsigned i = 0; i < 150000; i++)
			add(trigger, i, TRIGGER_BACK);
	ok(trigger_due_ns(trigger) == CLOCK_NEVER,
	   "150,000 calls wait for the database");
	trigger_back(trigger);
	busy = true;
	while (trigger_due_ns(trigger) > clock_ns())
		continue;
	trigger_send(trigger);
	busy = false;
	ok(count_told(150000, 0) == 150000, "a busy host takes none");
	send_all(trigger);
	ok(count_told(150000, 1) == 150000, "then each is told, once");
}

static void keeps_its_bound(struct trigger *trigger, struct health *health)
{
	static const char member[] = "\"untriggered\":500";
	char text[4096];

	memset(told, 0, BOUND + 1000);
	for (unsigned i = 0; i < BOUND + 500; i++)
		add(trigger, i, TRIGGER_BACK);
	add(trigger, 7, TRIGGER_NOW);
	trigger_back(trigger);
	send_all(trigger);
	ok(count_told(BOUND, 1) == BOUND, "as many as the bound are told");
	ok(count_told(BOUND + 500, 1) == BOUND, "and no more");
	health_print(health, 0, text, sizeof(text));
	ok(strstr(text, member) != NULL, "what found no room is counted");
	add(trigger, BOUND, TRIGGER_NOW);
	send_all(trigger);
	ok(told[BOUND] == 1, "there is room again afterwards");
}

int main(void)
{
	struct err err = {0};
	struct health *health = health_new(&host);
	struct trigger *trigger = trigger_new(&host, health, &err);

	told = malloc(BOUND + 1000);
	ok(told && trigger && trigger_open(trigger, &err), "it opens %s",
	   err.text);
	tells_all(trigger);
	keeps_its_bound(trigger, health);
	ok(strange == 0, "each agent is told of its own calls");
	ok(too_long == 0, "in messages of at most 100 ids");
	trigger_free(trigger);
	health_free(health);
	free(told);
	return tap_done();
}
