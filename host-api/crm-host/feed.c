/* feed - see feed.h.
 *
 * A stream with nothing to say has its connection suspended; whoever has news
 * for it, or the heartbeat, resumes it, and the HTTP thread asks it again. All
 * of that happens under the feed's lock, so a stream never misses what comes
 * between looking and falling asleep. */
#include "feed.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server.h"
#include "utf8.h"

enum {
	MESSAGES_MAX = 8192,
	BYTES_MAX = 16 * 1024 * 1024,
	STREAMS_MAX = 16384,
	/* Front servers close what is silent for a minute, a client that has
	 * left is noticed by writing to it, and pages notice its absence. */
	HEARTBEAT_S = 15,
	BLOCK = 4096
};

struct message {
	uint64_t number;
	char *account, *agent; /* in text */
	const char *body;      /* in text */
	size_t body_len, bytes;
	char text[];
};

struct stream {
	struct feed *feed; /* borrowed */
	struct stream *next, **link;
	struct MHD_Connection *connection; /* borrowed */
	struct loop *loop;                 /* borrowed; its thread */
	char account[CRM_UTF8_NAME_MAX + 1], agent[CRM_UTF8_NAME_MAX + 1];
	uint64_t seen; /* the number of the last message looked at */
	bool begins;   /* to be told where it begins, and how to come back */
	bool gap;      /* to be told that something is missing */
	bool beat;     /* to be told that we live */
	bool asleep;   /* its connection is suspended */
	char *out;     /* owned: what is being written */
	size_t out_len, out_at;
};

struct feed {
	/* A cursor is "<run>-<number>": numbers begin anew with each run. */
	int64_t run;
	pthread_t thread;

	pthread_mutex_t lock; /* for all below */
	pthread_cond_t wake;  /* `ended` was set */
	bool ended;
	struct message *ring[MESSAGES_MAX]; /* owned */
	size_t first, count, bytes;
	uint64_t number; /* of the newest message */
	struct stream *streams;
	size_t stream_count;
};

/* ------------------------------------------------------------- heartbeat */

static void rouse(struct stream *stream)
{
	if (!stream->asleep)
		return;
	stream->asleep = false;
	MHD_resume_connection(stream->connection);
	loop_wake(stream->loop);
}

static void *beat(void *context)
{
	struct feed *feed = context;
	struct timespec next;

	pthread_mutex_lock(&feed->lock);
	while (!feed->ended) {
		clock_gettime(CLOCK_MONOTONIC, &next);
		next.tv_sec += HEARTBEAT_S;
		if (pthread_cond_timedwait(&feed->wake, &feed->lock, &next) ==
		    0)
			continue;
		for (struct stream *stream = feed->streams; stream;
		     stream = stream->next) {
			stream->beat = true;
			rouse(stream);
		}
	}
	pthread_mutex_unlock(&feed->lock);
	return NULL;
}

/* ------------------------------------------------------------ life cycle */

struct feed *feed_new(void)
{
	struct feed *feed = calloc(1, sizeof *feed);
	pthread_condattr_t attributes;

	if (!feed)
		return NULL;
	feed->run = server_now_ms();
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&feed->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&feed->lock, NULL);
	if (pthread_create(&feed->thread, NULL, beat, feed) == 0)
		return feed;
	pthread_mutex_destroy(&feed->lock);
	pthread_cond_destroy(&feed->wake);
	free(feed);
	return NULL;
}

static bool is_for(const struct message *message, const struct stream *stream)
{
	return strcmp(message->agent, stream->agent) == 0 &&
	       strcmp(message->account, stream->account) == 0;
}

/* A stream that has not looked at it yet misses it only if it is for it. */
static void drop_oldest(struct feed *feed)
{
	struct message *oldest = feed->ring[feed->first];

	for (struct stream *stream = feed->streams; stream;
	     stream = stream->next) {
		if (stream->seen >= oldest->number)
			continue;
		stream->seen = oldest->number;
		stream->gap = stream->gap || is_for(oldest, stream);
	}
	feed->first = (feed->first + 1) % MESSAGES_MAX;
	feed->count--;
	feed->bytes -= oldest->bytes;
	free(oldest);
}

void feed_end(struct feed *feed)
{
	pthread_mutex_lock(&feed->lock);
	bool beats = !feed->ended;
	feed->ended = true;
	pthread_cond_signal(&feed->wake);
	for (struct stream *stream = feed->streams; stream;
	     stream = stream->next)
		rouse(stream);
	pthread_mutex_unlock(&feed->lock);
	if (beats)
		pthread_join(feed->thread, NULL);
}

void feed_free(struct feed *feed)
{
	if (!feed)
		return;
	feed_end(feed);
	while (feed->count > 0)
		drop_oldest(feed);
	pthread_mutex_destroy(&feed->lock);
	pthread_cond_destroy(&feed->wake);
	free(feed);
}

/* -------------------------------------------------------------- messages */

static struct message *message_new(const char *account, const char *agent,
				   const char *body, size_t body_len)
{
	size_t account_size = strlen(account) + 1;
	size_t agent_size = strlen(agent) + 1;
	size_t bytes =
	    sizeof(struct message) + account_size + agent_size + body_len;
	struct message *message = malloc(bytes);

	if (!message)
		return NULL;
	message->bytes = bytes;
	message->account = memcpy(message->text, account, account_size);
	message->agent =
	    memcpy(message->text + account_size, agent, agent_size);
	message->body =
	    memcpy(message->text + account_size + agent_size, body, body_len);
	message->body_len = body_len;
	return message;
}

enum crm_status feed_post(struct feed *feed, const char *account,
			  const char *agent, const char *body, size_t body_len)
{
	struct message *message = message_new(account, agent, body, body_len);
	enum crm_status status = CRM_STOPPING;

	if (!message)
		return CRM_BUSY;
	pthread_mutex_lock(&feed->lock);
	if (!feed->ended) {
		status = CRM_OK;
		message->number = ++feed->number;
		while (feed->count == MESSAGES_MAX ||
		       (feed->count > 0 &&
			feed->bytes + message->bytes > BYTES_MAX))
			drop_oldest(feed);
		feed->ring[(feed->first + feed->count++) % MESSAGES_MAX] =
		    message;
		feed->bytes += message->bytes;
		for (struct stream *stream = feed->streams; stream;
		     stream = stream->next)
			if (is_for(message, stream))
				rouse(stream);
	}
	pthread_mutex_unlock(&feed->lock);
	if (status != CRM_OK)
		free(message);
	return status;
}

/* The next message for the stream, or NULL. */
static const struct message *next_message(struct stream *stream)
{
	const struct feed *feed = stream->feed;
	uint64_t oldest = feed->number - feed->count + 1;

	while (stream->seen < feed->number) {
		size_t at = (size_t)(++stream->seen - oldest);
		const struct message *message =
		    feed->ring[(feed->first + at) % MESSAGES_MAX];

		if (is_for(message, stream))
			return message;
	}
	return NULL;
}

/* --------------------------------------------------------------- streams */

/* The browser keeps the cursor, also of a block without data. */
static void write_cursor(FILE *out, const struct stream *stream)
{
	fprintf(out, "id: %" PRId64 "-%" PRIu64 "\n", stream->feed->run,
		stream->seen);
}

/* An event whose data is that JSON text; a line of it is a line of data. */
static void write_event(FILE *out, const struct stream *stream,
			const char *name, const char *data, size_t len)
{
	write_cursor(out, stream);
	fprintf(out, "%sdata: ", name);
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n')
			fputs("\ndata: ", out);
		else if (data[i] != '\r')
			fputc(data[i], out);
	}
	fputs("\n\n", out);
}

/* What is to be said now; nothing: out_len stays 0. False: no memory. */
static bool compose(struct stream *stream)
{
	/* before anything else, or what is cut off after it would be skipped; a gap
	 * tells it as well */
	bool begins = stream->begins && !stream->gap;
	const struct message *message = begins ? NULL : next_message(stream);
	FILE *out;

	free(stream->out);
	stream->out = NULL;
	stream->out_len = stream->out_at = 0;
	if (!message && !stream->begins && !stream->gap && !stream->beat)
		return true;
	out = open_memstream(&stream->out, &stream->out_len);
	if (!out)
		return false;
	if (stream->begins)
		fputs("retry: 2000\n\n", out);
	if (begins)
		write_event(out, stream, "event: cursor\n", "{}", 2);
	if (stream->gap)
		write_event(out, stream, "event: gap\n", "{}", 2);
	if (message)
		write_event(out, stream, "", message->body, message->body_len);
	if (stream->beat)
		write_event(out, stream, "event: heartbeat\n", "{}", 2);
	stream->begins = stream->gap = stream->beat = false;
	return fclose(out) == 0;
}

static ssize_t stream_read(void *context, uint64_t position, char *buf,
			   size_t max)
{
	struct stream *stream = context;
	struct feed *feed = stream->feed;
	ssize_t len = 0;

	(void)position;
	pthread_mutex_lock(&feed->lock);
	if (feed->ended ||
	    (stream->out_at == stream->out_len && !compose(stream))) {
		len = MHD_CONTENT_READER_END_OF_STREAM;
	} else if (stream->out_at < stream->out_len) {
		size_t rest = stream->out_len - stream->out_at;

		len = (ssize_t)(rest < max ? rest : max);
		memcpy(buf, stream->out + stream->out_at, (size_t)len);
		stream->out_at += (size_t)len;
	} else {
		stream->asleep = true;
		MHD_suspend_connection(stream->connection);
	}
	pthread_mutex_unlock(&feed->lock);
	return len;
}

static void stream_free(void *context)
{
	struct stream *stream = context;
	struct feed *feed = stream->feed;

	pthread_mutex_lock(&feed->lock);
	*stream->link = stream->next;
	if (stream->next)
		stream->next->link = stream->link;
	feed->stream_count--;
	pthread_mutex_unlock(&feed->lock);
	free(stream->out);
	free(stream);
}

static void resume(struct stream *stream, uint64_t number)
{
	const struct feed *feed = stream->feed;
	uint64_t gone = feed->number - feed->count;

	stream->gap = number < gone;
	stream->seen = number < gone ? gone : number;
}

/* Where the stream goes on, by a cursor of ours. One of another run, one whose
 * messages are gone, or none that makes sense: something may be missing. */
static void seek(struct stream *stream, const char *cursor)
{
	const struct feed *feed = stream->feed;
	int64_t run;
	uint64_t number;
	char end;

	stream->seen = feed->number;
	if (*cursor == '\0')
		return;
	char *dash;
	run = strtoll(cursor, &dash, 10);
	number = *dash == '-' ? strtoull(dash + 1, &dash, 10) : 0;
	end = *dash;
	if (end != '\0' || run != feed->run || number > feed->number)
		stream->gap = true;
	else
		resume(stream, number);
}

struct MHD_Response *feed_stream(struct feed *feed,
				 struct MHD_Connection *connection,
				 struct loop *loop, const char *account,
				 const char *agent, const char *cursor)
{
	struct stream *stream = calloc(1, sizeof *stream);
	struct MHD_Response *response;
	bool full;

	if (!stream)
		return NULL;
	stream->feed = feed;
	stream->connection = connection;
	stream->loop = loop;
	/* the first words open the stream at the page, and say where it is */
	stream->begins = true;
	snprintf(stream->account, sizeof stream->account, "%s", account);
	snprintf(stream->agent, sizeof stream->agent, "%s", agent);
	pthread_mutex_lock(&feed->lock);
	full = feed->ended || feed->stream_count == STREAMS_MAX;
	if (!full) {
		seek(stream, cursor);
		feed->stream_count++;
		stream->next = feed->streams;
		stream->link = &feed->streams;
		if (stream->next)
			stream->next->link = &stream->next;
		feed->streams = stream;
	}
	pthread_mutex_unlock(&feed->lock);
	if (full) {
		free(stream);
		return NULL;
	}
	response = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, BLOCK, stream_read, stream, stream_free);
	if (!response)
		stream_free(stream);
	return response;
}
