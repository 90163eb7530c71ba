/* call - see call.h. */
#include "call.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

bool text_equal(struct text a, struct text b)
{
	return a.s && b.s && a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

void event_free(struct event *event)
{
	if (!event)
		return;
	free(event->arena);
	free(event);
}

const char *call_state_name(enum call_state state)
{
	switch (state) {
	case CALL_RINGING:
		return "ringing";
	case CALL_CONNECTED:
		return "connected";
	case CALL_HELD:
		return "held";
	case CALL_PARKED:
		return "parked";
	case CALL_ENDED:
		return "ended";
	case CALL_FINAL:
		return "final";
	}
	return "unknown";
}

const char *call_logged_by_name(enum call_logged_by logged_by)
{
	switch (logged_by) {
	case LOGGED_BY_BACKFILL:
		return "backfill";
	case LOGGED_BY_AUTO:
		return "auto";
	case LOGGED_BY_MANUAL:
		return "manual";
	}
	return "unknown";
}

/* Up to eight bytes as a little-endian number, whatever the machine. */
static uint64_t load(const unsigned char *bytes, size_t len)
{
	uint64_t word = 0;

	if (len > 0)
		memcpy(&word, bytes, len);
	return le64toh(word);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	word *= UINT64_C(0x87c37b91114253d5);
	word = (word << 31) | (word >> 33);
	hash ^= word * UINT64_C(0x4cf5ad432745937f);
	hash = (hash << 27) | (hash >> 37);
	return hash * 5 + UINT64_C(0x52dce729);
}

/* MurmurHash3's rounds on one lane: it takes eight bytes a step, where FNV
 * takes one. It need not withstand an attacker: equal hashes only leave the
 * order of two events of one call and one millisecond undefined. */
uint64_t call_hash(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t hash = UINT64_C(0x9e3779b97f4a7c15) ^ len;
	size_t left = len;

	for (; left >= 8; at += 8, left -= 8)
		hash = mix(hash, load(at, 8));
	hash = mix(hash, load(at, left));
	hash ^= hash >> 33;
	hash *= UINT64_C(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ (hash >> 33);
}

static int compare_text(struct text a, struct text b)
{
	size_t shorter = a.len < b.len ? a.len : b.len;
	int order = shorter > 0 ? memcmp(a.s, b.s, shorter) : 0;

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

int event_compare_key(const struct event *a, const struct event *b)
{
	int order = compare_text(a->account, b->account);

	if (order == 0)
		order = compare_text(a->agent, b->agent);
	if (order == 0)
		order = compare_text(a->session_id, b->session_id);
	return order;
}
