/* sample - the messages to send. See sample.h. */
#include "sample.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "crm_plugin.h"
#include "json.h"
#include "text.h"

enum { SPOILED = 16 }; /* one of so many */

/* SplitMix64. */
uint64_t sample_mix(uint64_t seed, uint64_t number)
{
	uint64_t x = seed + (number + 1) * UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static void add_route(struct samples *samples, struct crm_json name,
		      bool is_type)
{
	struct sample_route *route = &samples->routes[samples->count];
	ptrdiff_t len;

	if (samples->count == SAMPLE_ROUTES)
		return;
	len = crm_json_string(name, route->name, sizeof(route->name));
	if (len <= 0 || (size_t)len >= sizeof(route->name))
		return;
	route->is_type = is_type;
	samples->count++;
}

static bool add_routes(struct samples *samples, struct crm_json list,
		       bool is_type)
{
	struct crm_json_walk walk;
	struct crm_json name, value;

	if (!list.text)
		return true;
	if (crm_json_type(list) != CRM_JSON_ARRAY)
		return false;
	walk = crm_json_walk(list);
	while (crm_json_next(&walk, &name, &value))
		add_route(samples, value, is_type);
	return true;
}

/* A given body says itself where it goes. */
static bool route_body(struct samples *samples, char *why, size_t why_cap)
{
	static const char *const names[] = {"path", "type"};
	struct crm_json values[2];

	if (crm_json_members(samples->body, samples->body_len, names, values,
			     2)) {
		add_route(samples, values[0].text ? values[0] : values[1],
			  !values[0].text);
		if (samples->count == 1)
			return true;
	}
	crm_text_copy(why, why_cap,
		      "the message of --body has neither a path nor a type");
	return false;
}

bool samples_read(struct samples *samples, const struct setup *setup,
		  const char *service, char *why, size_t why_cap)
{
	static const char *const names[] = {"paths", "types"};
	struct crm_json values[2];

	*samples =
	    (struct samples){.body = setup->body, .body_len = setup->body_len};
	if (samples->body)
		return route_body(samples, why, why_cap);
	if (service &&
	    crm_json_members(service, strlen(service), names, values, 2) &&
	    add_routes(samples, values[0], false) &&
	    add_routes(samples, values[1], true) && samples->count > 0)
		return true;
	crm_text_copy(why, why_cap,
		      service ? CRM_EXT_WIDGET_SERVICE
			  " names no path and no type"
			      : "it offers no " CRM_EXT_WIDGET_SERVICE
				"; give a message with --body");
	return false;
}

/* What logs calls finds a call here, what matches them finds ids, and
 * everything else finds a message that is not for it. Hundreds of calls, so
 * that one is told of more than once. */
static void write_request(struct crm_text *text, const char *path,
			  uint64_t chance)
{
	unsigned call = (unsigned)(chance % 500);

	crm_text_add(text,
		     "{\"type\":\"rc-post-message-request\","
		     "\"requestId\":\"%08" PRIx64 "-0000-4000-8000-%012" PRIx64
		     "\",\"path\":",
		     chance >> 32, chance & UINT64_C(0xffffffffffff));
	crm_text_json(text, path);
	crm_text_add(text,
		     ",\"body\":{\"triggerType\":\"presenceUpdate\",\"call\":{"
		     "\"direction\":\"Inbound\","
		     "\"from\":{\"phoneNumber\":\"+12065550%03u\"},"
		     "\"to\":{\"phoneNumber\":\"+14155550142\"},"
		     "\"telephonyStatus\":\"CallConnected\","
		     "\"startTime\":%u,\"duration\":%u,"
		     "\"sessionId\":\"%u\","
		     "\"telephonySessionId\":\"s-crm-check-%u\","
		     "\"result\":\"CallConnected\"},"
		     "\"sessionIds\":[\"%u\",\"%u\"]}}",
		     call, 1798790400 + call, (unsigned)(chance >> 20) % 3600,
		     1000000 + call, call, 1000000 + call,
		     1000000 + (call + 1) % 500);
}

static void write_notice(struct crm_text *text, const char *type)
{
	crm_text_add(text, "{\"type\":");
	crm_text_json(text, type);
	crm_text_add(text, ",\"loggedIn\":true,\"autoLog\":true}");
}

size_t sample_write(const struct samples *samples, uint64_t seed,
		    uint64_t number, char *own, const char **body,
		    const char **route)
{
	uint64_t chance = sample_mix(seed, number);
	const struct sample_route *chosen =
	    &samples->routes[number % samples->count];
	struct crm_text text = crm_text_in(own, SAMPLE_BODY);
	size_t len = samples->body_len;

	*route = chosen->name;
	*body = samples->body;
	if (!samples->body) {
		if (chosen->is_type)
			write_notice(&text, chosen->name);
		else
			write_request(&text, chosen->name, chance);
		*body = own;
		len = text.len < SAMPLE_BODY ? text.len : SAMPLE_BODY - 1;
	}
	/* Cut somewhere; never the first ones, so that something is sent even
	 * when little is. */
	if (number >= SPOILED && chance % SPOILED == 0)
		len = (size_t)(sample_mix(chance, number) % len);
	return len;
}
