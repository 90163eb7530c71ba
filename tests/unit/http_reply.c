/* http_reply - what is read from the headers of an answer. */
#include "../../plugin/http_reply.h"
#include "../tap.h"

static void read_line(struct http_reply *reply, const char *line)
{
	http_reply_read(reply, line, strlen(line));
}

int main(void)
{
	struct http_reply reply = {0};
	char line[600] = "Content-Range: bytes 1-2/3";

	read_line(&reply, "HTTP/1.1 206 Partial Content\r\n");
	read_line(&reply, "content-range:  bytes 100-199/250\r\n");
	ok(reply.ranged && reply.range_start == 100 && reply.range_end == 199 &&
	       reply.range_total == 250,
	   "which part it is of what");
	read_line(&reply, "Transfer-Encoding: chunked\r\n");
	ok(reply.chunked, "that its end will be told");
	read_line(&reply, "HTTP/1.1 200 OK\r\n");
	ok(!reply.chunked && !reply.ranged && reply.range_total == 0,
	   "another answer begins with nothing");
	read_line(&reply, "Content-Range: bytes */300\r\n");
	ok(reply.ranged && reply.range_total == 300,
	   "how much there is, where there is no such part");
	reply = (struct http_reply){0};
	read_line(&reply, "Content-Range: bytes 5-9/*\r\n");
	ok(reply.ranged && reply.range_start == 5 && reply.range_total == 0,
	   "a part of nobody knows how much");
	is(http_reply_validator(&reply), "", "of nobody knows which version");
	read_line(&reply, "Last-Modified: Sun, 22 Nov 2026 08:00:00 GMT\r\n");
	read_line(&reply, "ETag: W/\"7\"\r\n");
	is(http_reply_validator(&reply), "Sun, 22 Nov 2026 08:00:00 GMT",
	   "that a weak tag does not tell, but a date");
	read_line(&reply, "etag: \"7\"\r\n");
	is(http_reply_validator(&reply), "\"7\"", "and a tag better");
	read_line(&reply, "ETag: \"\xff\"\r\n");
	is(http_reply_validator(&reply), "Sun, 22 Nov 2026 08:00:00 GMT",
	   "if it is one");
	reply = (struct http_reply){0};
	read_line(&reply, "Content-Range: lines 5-9/10\r\n");
	read_line(&reply, "Content-Range: bytes 5-9\r\n");
	read_line(&reply, "X-Content-Range: bytes 5-9/10\r\n");
	read_line(&reply, "Transfer-Encoding: gzip\r\n");
	memset(line + strlen(line), ' ', 500);
	http_reply_read(&reply, line, 520);
	http_reply_read(&reply, "Content-Range: bytes 5-9/10", 3);
	http_reply_read(&reply, "", 0);
	ok(!reply.ranged && !reply.chunked,
	   "what is not understood is not said");
	return tap_done();
}
