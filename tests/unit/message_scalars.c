/* message_scalars - a note comes back as it was sent, for every character there
 * is: decoded, and answered in a match. A sample of them, or with ALL=1 all
 * 1,112,063 scalar values but U+0000, each raw and as an escape. */
#include "../decode.h"
#include "../scalar.h"
#include "../tap.h"

#include <cjson/cJSON.h>
#include <stdint.h>

static size_t escape(uint32_t scalar, char to[13])
{
	if (scalar < 0x10000)
		return (size_t)snprintf(to, 13, "\\u%04x", scalar);
	scalar -= 0x10000;
	return (size_t)snprintf(to, 13, "\\u%04X\\u%04X",
				0xD800 + (scalar >> 10),
				0xDC00 + (scalar & 0x3FF));
}

static bool same(struct text text, const char *bytes, size_t len)
{
	return text.s && text.len == len && memcmp(text.s, bytes, len) == 0;
}

/* The note as the widget reads it from the answer to a match. */
static bool comes_back(struct text note, const char *bytes, size_t len)
{
	struct text id = decode_text("7");
	struct message_match match = {
	    .request_id = id, .ids = &id, .id_count = 1};
	struct message_entry entry = {
	    .status = MESSAGE_LOGGED, .id = 1, .note = note};
	size_t answer_len = 0;
	char *answer = message_answer_match(&match, &entry, &answer_len);
	cJSON *root = cJSON_ParseWithLength(answer, answer_len);
	const cJSON *item = cJSON_GetObjectItem(root, "response");

	item = cJSON_GetObjectItem(item, "data");
	item = cJSON_GetArrayItem(cJSON_GetObjectItem(item, "7"), 0);
	const char *got =
	    cJSON_GetStringValue(cJSON_GetObjectItem(item, "note"));
	bool right = got && strlen(got) == len && memcmp(got, bytes, len) == 0;
	cJSON_Delete(root);
	free(answer);
	return right;
}

/* One note of many characters, written raw and as escapes. */
static bool round_trip(uint32_t first, uint32_t count)
{
	struct buf want, raw, escaped;
	struct buf *const written[] = {&raw, &escaped};
	bool right = true;

	buf_init(&want, 1 << 20);
	buf_init(&raw, 1 << 20);
	buf_init(&escaped, 1 << 20);
	for (int i = 0; i < 2; i++)
		buf_add_string(written[i],
			       "{\"requestId\":\"r\",\"body\":{\"triggerType\":"
			       "\"logForm\",\"call\":{\"sessionId\":\"7\"},"
			       "\"note\":\"");
	for (uint32_t scalar = first; scalar < first + count; scalar++) {
		char bytes[13];

		if (scalar >= 0xD800 && scalar <= 0xDFFF)
			continue;
		buf_add(&want, bytes, scalar_encode(scalar, bytes));
		bool plain = scalar >= 0x20 && scalar != '"' && scalar != '\\';
		if (plain)
			buf_add(&raw, bytes, scalar_encode(scalar, bytes));
		else
			buf_add(&raw, bytes, escape(scalar, bytes));
		buf_add(&escaped, bytes, escape(scalar, bytes));
	}
	for (int i = 0; i < 2; i++) {
		struct message_log log;

		buf_add_string(written[i], "\"}}");
		right = right && decode_log(written[i]->bytes, &log, NULL) &&
			same(log.event->note, want.bytes, want.len) &&
			comes_back(log.event->note, want.bytes, want.len);
		message_log_free(&log);
	}
	buf_free(&want);
	buf_free(&raw);
	buf_free(&escaped);
	return right;
}

int main(void)
{
	uint32_t step = getenv("ALL") ? 1 : 97, tried = 0;
	bool right = true;

	/* Alone, so that nothing can hide behind a neighbour; the edges of
	 * UTF-8's lengths and around the surrogates always. */
	for (uint32_t scalar = 1; scalar <= 0x10FFFF; scalar += step) {
		if (scalar >= 0xD800 && scalar <= 0xDFFF)
			continue;
		right = right && round_trip(scalar, 1);
		tried++;
	}
	ok(right, "each of %u characters comes back as it was sent", tried);

	static const uint32_t edges[] = {1,      0x1F,    0x7F,    0x80,
					 0x7FF,  0x800,   0xD7FF,  0xE000,
					 0xFFFF, 0x10000, 0x10FFFF};
	right = true;
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		right = right && round_trip(edges[i], 1);
	ok(right, "so does each at an edge");

	right = true;
	for (uint32_t block = 1; block < 0x110000; block += 8192)
		right = right && round_trip(block, block + 8192 > 0x110000
						       ? 0x110000 - block
						       : 8192);
	ok(right, "and all of them in notes of 8192");
	return tap_done();
}
