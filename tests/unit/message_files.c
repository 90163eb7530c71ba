/* message_files - every message of the real widget (tests/messages) that asks
 * for a call to be logged becomes the event written beside it.
 *
 * tests/messages/expected-events.txt has one line a message: the file, the
 * message's place in it, and the event. It was checked by eye once; after a
 * wanted change run this with WRITE=1 and look at the difference. */
#include "../decode.h"
#include "../tap.h"

#include <cjson/cJSON.h>
#include <glob.h>

#define TABLE "tests/messages/expected-events.txt"

struct table {
	struct buf text;
	int messages;
};

static char *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	struct buf buf;
	char block[4096];
	size_t got;

	buf_init(&buf, 1 << 24);
	while (file && (got = fread(block, 1, sizeof(block), file)) > 0)
		buf_add(&buf, block, got);
	if (file)
		fclose(file);
	return buf_take(&buf, len);
}

static const char *string_of(const cJSON *object, const char *name)
{
	const char *string = cJSON_GetStringValue(
	    cJSON_GetObjectItemCaseSensitive(object, name));
	return string ? string : "";
}

/* Of most messages only what is read is built. */
static void compare_whole(const char *message, const char *line)
{
	struct message_log log;
	char *whole = decode_suspicious(message, strlen(message), NULL);
	char *same = decode_log(whole, &log, NULL) && log.event
			 ? decode_line(log.event)
			 : NULL;

	is(same, line, "built whole, the message tells the same");
	message_log_free(&log);
	free(same);
	free(whole);
}

static void add_message(struct table *table, const char *file, int place,
			const cJSON *message)
{
	struct message_log log;
	struct err err;
	char *text = cJSON_PrintUnformatted(message), *line = NULL;

	if (strcmp(string_of(message, "path"), "/callLogger") == 0) {
		table->messages++;
		buf_add_string(&table->text, file);
		buf_add_string(&table->text, " ");
		buf_add_int(&table->text, place);
		buf_add_string(&table->text, ": ");
		if (!decode_log(text, &log, &err))
			buf_add_string(&table->text, err.text);
		else if (log.event)
			line = decode_line(log.event);
		else
			buf_add_string(&table->text, "nothing is written");
		if (line)
			compare_whole(text, line);
		buf_add_string(&table->text, line ? line : "");
		buf_add_string(&table->text, "\n");
		message_log_free(&log);
	}
	free(line);
	free(text);
}

/* A file is one message, an array of them, or a capture with its times. */
static void add_file(struct table *table, const char *path)
{
	size_t len;
	char *text = read_file(path, &len);
	cJSON *root = cJSON_ParseWithLength(text, len);
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(root, "messages");
	const char *file = path + strlen("tests/messages/");
	int place = 0;

	if (!list && cJSON_IsArray(root))
		list = root;
	if (!list)
		add_message(table, file, 1, root);
	for (list = list ? list->child : NULL; list; list = list->next) {
		const cJSON *message =
		    cJSON_GetObjectItemCaseSensitive(list, "message");
		add_message(table, file, ++place, message ? message : list);
	}
	cJSON_Delete(root);
	free(text);
}

static void compare(const char *got, const char *want)
{
	while (*got || *want) {
		size_t got_len = strcspn(got, "\n");
		size_t want_len = strcspn(want, "\n");
		int name_len = (int)strcspn(got, ":");

		if (!ok(got_len == want_len && memcmp(got, want, got_len) == 0,
			"%.*s becomes the event that is expected", name_len,
			got)) {
			diag("     got: %.*s", (int)got_len, got);
			diag("expected: %.*s", (int)want_len, want);
		}
		got += got_len + (got[got_len] == '\n');
		want += want_len + (want[want_len] == '\n');
	}
}

int main(void)
{
	struct table table = {.messages = 0};
	glob_t files;

	buf_init(&table.text, 1 << 24);
	glob("tests/messages/c*/*.json", 0, NULL, &files);
	for (size_t i = 0; i < files.gl_pathc; i++)
		add_file(&table, files.gl_pathv[i]);
	globfree(&files);
	ok(table.messages == 95, "all 95 messages of the widget were found");

	if (getenv("WRITE")) {
		FILE *file = fopen(TABLE, "w");
		ok(file && fputs(table.text.bytes, file) >= 0 && !fclose(file),
		   TABLE " was written");
	} else {
		char *want = read_file(TABLE, NULL);
		compare(table.text.bytes, want);
		free(want);
	}
	buf_free(&table.text);
	return tap_done();
}
