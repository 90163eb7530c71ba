/* http_part - which answers go on with a part, and which are of something else. */
#include "../../plugin/http_part.h"
#include "../tap.h"

#define FIRST HTTP_PART_FIRST
#define NEXT HTTP_PART_NEXT
#define OTHER HTTP_PART_OTHER

/* What was known (bytes, of so many, of which version), what came, and what that
 * makes of it. */
static const struct {
	const char *what;
	uint64_t have, total;
	const char *version;
	const char *range, *validator; /* no range: it is of all */
	int64_t length;
	enum http_part_answer answer;
	uint64_t then; /* the total */
} rows[] = {
    {"all of it", 0, 0, "", "", "ETag: \"1\"", 500, FIRST, 500},
    {"all, of no known length", 0, 0, "", "", "", -1, FIRST, 0},
    {"all of it as a part", 0, 0, "", "bytes 0-499/500", "", 500, FIRST, 500},
    {"not its start", 0, 0, "", "bytes 5-499/500", "", 495, OTHER, 0},
    {"another, whole", 100, 500, "\"1\"", "", "ETag: \"2\"", 600, FIRST, 600},
    {"the rest", 100, 500, "\"1\"", "bytes 100-499/500", "ETag: \"1\"", 400,
     NEXT, 500},
    {"some of the rest", 100, 500, "", "bytes 100-199/500", "", 100, NEXT, 500},
    {"the rest, untold before of what", 100, 0, "\"1\"", "bytes 100-499/500",
     "", -1, NEXT, 500},
    {"the rest of another", 100, 500, "\"1\"", "bytes 100-499/500",
     "ETag: \"2\"", 400, OTHER, 500},
    {"of another date", 100, 500, "Sun, 22 Nov 2026 08:00:00 GMT",
     "bytes 100-499/500", "Last-Modified: Sun, 22 Nov 2026 09:00:00 GMT", 400,
     OTHER, 500},
    {"a date beside a tag", 100, 500, "\"1\"", "bytes 100-499/500",
     "Last-Modified: Sun, 22 Nov 2026 09:00:00 GMT", 400, NEXT, 500},
    {"of another length", 100, 500, "\"1\"", "bytes 100-599/600", "", 500,
     OTHER, 500},
    {"from elsewhere on", 100, 500, "\"1\"", "bytes 99-499/500", "", 401, OTHER,
     500},
    {"no range", 100, 500, "\"1\"", "none", "", 400, OTHER, 500},
    {"of unknown length", 100, 500, "\"1\"", "bytes 100-499/*", "", 400, NEXT,
     500},
    {"of unknown length, and no version", 100, 500, "", "bytes 100-499/*", "",
     400, OTHER, 500},
    {"never told how long", 100, 0, "\"1\"", "bytes 100-499/*", "", 400, OTHER,
     0},
    {"beyond its end", 100, 500, "\"1\"", "bytes 100-500/*", "", 401, OTHER,
     500},
    {"beyond what it says", 100, 0, "\"1\"", "bytes 100-500/500", "", 401,
     OTHER, 0},
    {"another length than its range", 100, 500, "\"1\"", "bytes 100-499/500",
     "", 300, OTHER, 500},
    {"backwards", 100, 500, "\"1\"", "bytes 100-9/500", "", -1, OTHER, 500},
};

static struct http_reply read_reply(const char *range, const char *validator)
{
	struct http_reply reply = {0};
	char line[200];

	snprintf(line, sizeof(line), "Content-Range: %s\r\n", range);
	http_reply_read(&reply, line, strlen(line));
	http_reply_read(&reply, validator, strlen(validator));
	return reply;
}

static bool is_whole(uint64_t have, uint64_t total, const char *range)
{
	const struct http_part part = {.have = have, .total = total};
	const struct http_reply reply = read_reply(range, "");

	return http_part_is_whole(&part, &reply);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_part part = {.have = rows[i].have,
					 .total = rows[i].total};
		struct http_reply reply =
		    read_reply(rows[i].range, rows[i].validator);
		long status = rows[i].range[0] ? 206 : 200;

		snprintf(part.validator, sizeof(part.validator), "%s",
			 rows[i].version);
		ok(http_part_read(&part, status, &reply, rows[i].length) ==
			   rows[i].answer &&
		       part.total == rows[i].then &&
		       part.have ==
			   (rows[i].answer == FIRST ? 0 : rows[i].have),
		   "%s", rows[i].what);
		if (rows[i].answer == FIRST)
			is(part.validator, http_reply_validator(&reply),
			   "of that version");
	}
	ok(http_part_is_known(&(struct http_part){1, 0, "\"1\""}) &&
	       http_part_is_known(&(struct http_part){1, 2, ""}) &&
	       !http_part_is_known(&(struct http_part){0, 2, "\"1\""}) &&
	       !http_part_is_known(&(struct http_part){1, 0, ""}),
	   "without a version or a length nothing can be gone on with");
	ok(is_whole(500, 500, "bytes */500") && is_whole(500, 0, "bytes */500"),
	   "where nothing is left it is whole");
	ok(!is_whole(500, 600, "bytes */500") &&
	       !is_whole(500, 500, "bytes */400") &&
	       !is_whole(500, 500, "bytes 1") && !is_whole(0, 0, "bytes */0"),
	   "but not for another length");
	return tap_done();
}
