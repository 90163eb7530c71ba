/* download - see download.h.
 *
 * One download is one hop after another: check the address, look its name up, let
 * libcurl transfer; a redirect is the next hop, and passes the same checks. Every
 * connection is made anew, so that every one passes them.
 *
 * When it is cleaned up libcurl has the process ignore SIGPIPE, for a moment, and
 * leaves no way to keep it from that (CURLOPT_NOSIGNAL is for transfers). */
#include "download.h"

#include "clock.h"
#include "download_guard.h"
#include "http_reply.h"
#include "transfers.h"
#include "vault.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HOPS_MAX = 5,
	UNWANTED_MAX = 64 * 1024 /* of what a redirect or an error says */
};

enum state { STATE_LOOKUP, STATE_TRANSFER, STATE_OVER };

struct download {
	struct downloads *downloads; /* borrowed */
	struct download *next;
	struct download_sink sink;
	enum state state;
	bool judged; /* what becomes of it is known: */
	enum download_result result;
	struct err err;
	struct http_part part;
	uint64_t moved_ns; /* when something last did */
	uint64_t end_ns;
	int hops;

	/* of this hop */
	const char *address; /* borrowed, or: */
	char *redirected;    /* owned, by a vault */
	struct download_place place;
	struct resolver *resolver; /* owned */
	struct download_guard guard;
	struct curl_slist *headers; /* owned */
	CURL *easy;                 /* owned */
	struct http_reply reply;
	size_t unwanted; /* bytes of the body that came */
	bool begun;      /* it is known what the body is */
};

struct downloads {
	struct download_settings settings;
	struct download_rules rules;
	struct download_place proxy; /* "": there is none */
	struct transfers transfers;  /* owned */
	struct download *list;
};

/* --------------------------------------------------------------- all of them */

struct downloads *downloads_new(const struct download_settings *settings,
				struct err *err)
{
	struct downloads *downloads = calloc(1, sizeof(*downloads));

	if (!downloads) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	downloads->settings = *settings;
	downloads->rules =
	    (struct download_rules){.ca = settings->ca,
				    .loopback = settings->loopback,
				    .proxy = settings->proxy};
	if (settings->proxy[0] &&
	    !download_address_proxy(settings->proxy, &downloads->proxy)) {
		free(downloads);
		err_set(err, ERR_CONFIG, "'recording_proxy' is no proxy");
		return NULL;
	}
	if (!transfers_open(&downloads->transfers, err) ||
	    (settings->wake_fd >= 0 &&
	     !transfers_watch(&downloads->transfers, settings->wake_fd))) {
		downloads_free(downloads);
		err_set(err, ERR_NO_MEMORY, "libcurl does not start");
		return NULL;
	}
	return downloads;
}

void downloads_free(struct downloads *downloads)
{
	if (!downloads)
		return;
	while (downloads->list)
		download_free(downloads->list);
	transfers_close(&downloads->transfers);
	free(downloads);
}

bool downloads_are_secret(const struct downloads *downloads)
{
	return downloads->transfers.secret;
}

int downloads_fd(const struct downloads *downloads)
{
	return downloads->transfers.epoll;
}

static uint64_t due_ns(const struct download *download)
{
	uint64_t stalled_ns = clock_after(
	    download->moved_ns, download->downloads->settings.stall_ms);

	return stalled_ns < download->end_ns ? stalled_ns : download->end_ns;
}

uint64_t downloads_due_ns(const struct downloads *downloads)
{
	uint64_t soonest = downloads->transfers.timer_ns;

	for (struct download *d = downloads->list; d; d = d->next) {
		uint64_t due = d->state == STATE_OVER ? 0 : due_ns(d);
		if (due < soonest)
			soonest = due;
	}
	return soonest;
}

/* --------------------------------------------------------------- one hop */

static void forget_resolver(struct download *download)
{
	if (!download->resolver)
		return;
	/* a lookup that hangs keeps its descriptor open */
	if (resolver_fd(download->resolver) >= 0)
		transfers_unwatch(&download->downloads->transfers,
				  resolver_fd(download->resolver));
	resolver_free(download->resolver);
	download->resolver = NULL;
}

static void end_hop(struct download *download)
{
	forget_resolver(download);
	if (download->easy) {
		transfers_remove(&download->downloads->transfers,
				 download->easy);
		curl_easy_cleanup(download->easy);
		download->easy = NULL;
	}
	download_guard_end(&download->guard);
	curl_slist_free_all(download->headers);
	download->headers = NULL;
}

/* The first judgement counts. Ends nothing: libcurl may be at work on it. */
static bool judge(struct download *download, enum download_result result,
		  enum err_kind kind, const char *why)
{
	if (!download->judged)
		err_set(&download->err, kind, "%s%s%s", download->place.host,
			download->place.host[0] ? ": " : "", why);
	if (!download->judged)
		download->result = result;
	download->judged = true;
	return false;
}

static bool stop(struct download *download)
{
	download->judged = true;
	download->result = DOWNLOAD_STOPPED;
	return false;
}

static void end(struct download *download)
{
	end_hop(download);
	download->state = STATE_OVER;
}

/* Begins with the name. */
static void begin_hop(struct download *download)
{
	const char *why = download_address_judge(
	    download->address, download->downloads->settings.hosts,
	    &download->place);
	struct err err = {0};

	download->begun = false;
	download->unwanted = 0;
	download->reply = (struct http_reply){0};
	if (why) {
		judge(download, DOWNLOAD_REFUSED, ERR_INPUT, why);
		end(download);
		return;
	}
	download->state = STATE_LOOKUP;
	download->resolver = resolver_new(
	    download_guard_via(&download->guard, &download->place)->host);
	if (!download->resolver || !resolver_begin(download->resolver, &err) ||
	    !transfers_watch(&download->downloads->transfers,
			     resolver_fd(download->resolver))) {
		judge(download, DOWNLOAD_CUT, ERR_NO_MEMORY, "out of memory");
		end(download);
	}
}

/* --------------------------------------------------- what libcurl hears of */

static size_t on_header(char *bytes, size_t size, size_t count, void *context)
{
	struct download *download = context;

	download->moved_ns = clock_ns();
	http_reply_read(&download->reply, bytes, size * count);
	return size * count;
}

static long status_of(const struct download *download)
{
	long status = 0;

	curl_easy_getinfo(download->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static bool wrong(struct download *download, const char *why)
{
	return judge(download, DOWNLOAD_WRONG, ERR_INPUT, why);
}

static bool too_large(struct download *download, uint64_t bytes)
{
	char why[100];

	snprintf(why, sizeof(why),
		 "it has %llu bytes%s, 'recording_max_mb' allows %llu",
		 (unsigned long long)bytes,
		 bytes == download->part.total ? "" : " or more",
		 (unsigned long long)download->downloads->settings.max_bytes);
	return judge(download, DOWNLOAD_REFUSED, ERR_INPUT, why);
}

/* Of no use is what is here. */
static bool begin_anew(struct download *download)
{
	return download->sink.begin(download->sink.context, &download->part,
				    &download->err) ||
	       stop(download);
}

/* At the next attempt. */
static bool start_over(struct download *download, const char *why)
{
	download->part = (struct http_part){0};
	return begin_anew(download) &&
	       judge(download, DOWNLOAD_CUT, ERR_AWAY, why);
}

/* The length is known beforehand, or the end is told (chunked): else a cut would
 * look like the end. */
static bool begin_body(struct download *download)
{
	struct http_part *part = &download->part;
	curl_off_t length = -1;

	download->begun = true;
	curl_easy_getinfo(download->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
			  &length);
	if (length < 0 && !download->reply.chunked)
		return wrong(download,
			     "the server does not say how long it is");
	switch (http_part_read(part, status_of(download), &download->reply,
			       length)) {
	case HTTP_PART_OTHER:
		return part->have > 0
			   ? start_over(download, "it is not what was begun")
			   : wrong(download,
				   "the server sends another part of it");
	case HTTP_PART_FIRST:
		if (!begin_anew(download))
			return false;
		break;
	case HTTP_PART_NEXT:
		break;
	}
	return part->total <= download->downloads->settings.max_bytes ||
	       too_large(download, part->total);
}

/* Nothing is missing at the end of it: it was all here before. */
static bool was_whole(const struct download *download)
{
	return status_of(download) == 416 &&
	       http_part_is_whole(&download->part, &download->reply);
}

static void judge_whole(struct download *download)
{
	if (!was_whole(download) && !download->begun && !begin_body(download))
		return;
	if (download->part.have != download->part.total &&
	    download->part.total > 0) {
		judge(download, DOWNLOAD_CUT, ERR_AWAY,
		      "only a part of it came");
		return;
	}
	download->judged = true;
	download->result = DOWNLOAD_WHOLE;
}

static void judge_status(struct download *download)
{
	long status = status_of(download);
	char why[48];

	snprintf(why, sizeof(why), "status %ld", status);
	if (status == 200 || status == 206 || was_whole(download))
		judge_whole(download);
	else if (status == 401 || status == 403)
		judge(download, DOWNLOAD_DENIED, ERR_INPUT, why);
	else if (status == 404 || status == 410)
		judge(download, DOWNLOAD_GONE, ERR_INPUT, why);
	else if (status == 416)
		start_over(download, why);
	else if (status == 408 || status == 429 || status >= 500)
		judge(download, DOWNLOAD_CUT, ERR_AWAY, why);
	else
		wrong(download, why);
}

/* What an error says is not read, and is not waited for without end. */
static size_t pass_over(struct download *download, size_t len)
{
	download->unwanted += len;
	if (download->unwanted <= UNWANTED_MAX)
		return len;
	judge_status(download);
	return 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
	struct download *download = context;
	size_t len = size * count;
	long status = status_of(download);

	download->moved_ns = clock_ns();
	if (status != 200 && status != 206)
		return pass_over(download, len);
	if (!download->begun && !begin_body(download))
		return 0;
	if (len >
	    download->downloads->settings.max_bytes - download->part.have) {
		too_large(download, download->part.have + len);
		return 0;
	}
	download->part.have += len;
	if (download->sink.take(download->sink.context, bytes, len,
				&download->err))
		return len;
	stop(download);
	return 0;
}

/* -------------------------------------------------------------- transfer */

/* Asks for what is missing, if it is still of the same. */
static bool set_range(struct download *download, CURL *easy)
{
	const struct http_part *part = &download->part;
	char range[32], line[HTTP_VALIDATOR_MAX + 16];

	snprintf(range, sizeof(range), "%llu-", (unsigned long long)part->have);
	if (part->have > 0 &&
	    curl_easy_setopt(easy, CURLOPT_RANGE, range) != CURLE_OK)
		return false;
	if (part->have == 0 || !part->validator[0])
		return true;
	snprintf(line, sizeof(line), "If-Range: %s", part->validator);
	download->headers = curl_slist_append(NULL, line);
	return download->headers &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, download->headers) ==
		   CURLE_OK;
}

static bool set_transfer(struct download *download, CURL *easy)
{
	unsigned code = CURLE_OK;

	code |= curl_easy_setopt(easy, CURLOPT_PRIVATE, download);
	code |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	code |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, download);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	code |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, download);
	code |= curl_easy_setopt(easy, CURLOPT_URL, download->address);
	return download_guard_set(&download->guard, easy) &&
	       set_range(download, easy) && code == CURLE_OK &&
	       transfers_add(&download->downloads->transfers, easy);
}

static bool pin(struct download *download)
{
	const struct download_place *via =
	    download_guard_via(&download->guard, &download->place);

	switch (download_guard_pin(&download->guard, via, download->resolver)) {
	case DOWNLOAD_PRIVATE:
		return judge(download, DOWNLOAD_REFUSED, ERR_INPUT,
			     "its address is not public");
	case DOWNLOAD_NO_MEMORY:
		return judge(download, DOWNLOAD_CUT, ERR_NO_MEMORY,
			     "out of memory");
	case DOWNLOAD_PINNED:
		break;
	}
	return true;
}

static void begin_transfer(struct download *download)
{
	if (!pin(download)) {
		end(download);
		return;
	}
	forget_resolver(download);
	download->state = STATE_TRANSFER;
	download->moved_ns = clock_ns();
	download->easy = curl_easy_init();
	if (download->easy && set_transfer(download, download->easy))
		return;
	judge(download, DOWNLOAD_CUT, ERR_NO_MEMORY, "libcurl does not begin");
	end(download);
}

static void look_up(struct download *download)
{
	struct err err = {0};

	switch (resolver_step(download->resolver, &err)) {
	case RESOLVER_BUSY:
		return;
	case RESOLVER_DONE:
		begin_transfer(download);
		return;
	case RESOLVER_FAILED:
		judge(download, DOWNLOAD_CUT, ERR_AWAY,
		      download->guard.proxy
			  ? "the proxy's name cannot be looked up"
			  : "the name cannot be looked up");
		end(download);
	}
}

/* --------------------------------------------------------------- the end */

static void redirect(struct download *download)
{
	char *to = NULL;

	curl_easy_getinfo(download->easy, CURLINFO_REDIRECT_URL, &to);
	char *copy = to ? vault_copy(to, strlen(to)) : NULL;
	if (!copy || ++download->hops > HOPS_MAX) {
		vault_free(copy);
		wrong(download, "it is redirected, to nowhere or too often");
		end(download);
		return;
	}
	end_hop(download);
	vault_free(download->redirected);
	download->address = download->redirected = copy;
	begin_hop(download);
}

/* libcurl's words name neither address nor token. */
static void judge_failure(struct download *download, CURLcode code)
{
	long proxied = 0;
	char why[48];

	curl_easy_getinfo(download->easy, CURLINFO_HTTP_CONNECTCODE, &proxied);
	snprintf(why, sizeof(why), "the proxy's status %ld", proxied);
	if (download->guard.shunned)
		judge(download, DOWNLOAD_REFUSED, ERR_INPUT,
		      "its address is not public");
	else
		judge(download, DOWNLOAD_CUT, ERR_AWAY,
		      proxied >= 300 ? why : curl_easy_strerror(code));
}

static void transferred(struct download *download, CURLcode code)
{
	long status = status_of(download);

	if (download->judged) {
		end(download);
		return;
	}
	if (code == CURLE_OK && status >= 300 && status < 400) {
		redirect(download);
		return;
	}
	if (code == CURLE_OK)
		judge_status(download);
	else
		judge_failure(download, code);
	end(download);
}

void downloads_step(struct downloads *downloads)
{
	struct download *over;
	CURLcode code;

	transfers_enter(&downloads->transfers);
	transfers_step(&downloads->transfers);
	while ((over = transfers_take(&downloads->transfers, &code)))
		transferred(over, code);
	for (struct download *d = downloads->list; d; d = d->next) {
		if (d->state == STATE_LOOKUP)
			look_up(d);
		if (d->state == STATE_OVER || clock_ns() < due_ns(d))
			continue;
		judge(d, DOWNLOAD_CUT, ERR_TIMEOUT,
		      clock_ns() < d->end_ns ? "it stands still"
					     : "it takes too long");
		end(d);
	}
}

struct download *download_begin(struct downloads *downloads,
				const char *address,
				const struct http_part *part,
				const struct download_sink *sink,
				struct err *err)
{
	struct download *download = calloc(1, sizeof(*download));

	if (!download) {
		err_set(err, ERR_NO_MEMORY, "out of memory");
		return NULL;
	}
	download->downloads = downloads;
	download->guard.rules = &downloads->rules;
	if (downloads->proxy.host[0])
		download->guard.proxy = &downloads->proxy;
	download->sink = *sink;
	if (http_part_is_known(part))
		download->part = *part;
	download->address = address;
	download->moved_ns = clock_ns();
	download->end_ns =
	    clock_after(download->moved_ns, downloads->settings.total_ms);
	download->next = downloads->list;
	downloads->list = download;
	transfers_enter(&downloads->transfers);
	begin_hop(download);
	return download;
}

void *downloads_take(struct downloads *downloads, enum download_result *result,
		     struct err *err)
{
	for (struct download *d = downloads->list; d; d = d->next) {
		if (d->state != STATE_OVER)
			continue;
		void *context = d->sink.context;

		*result = d->result;
		*err = d->err;
		download_free(d);
		return context;
	}
	return NULL;
}

void download_free(struct download *download)
{
	struct download **at = &download->downloads->list;

	end_hop(download);
	while (*at != download)
		at = &(*at)->next;
	*at = download->next;
	vault_free(download->redirected);
	free(download);
}
