/* fetch - see fetch.h. */
#include "fetch.h"

#include "call.h"
#include "clock.h"
#include "envelope.h"
#include "vault.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TRIES_MAX = 4, /* with one address */
	PAUSE_MS = 1000,
	LOOK_MS = 250,
	DOUBLED_MAX = 5
};

static void set_shares(struct fetch *fetch, const struct recording_key *key)
{
	uint64_t account = call_hash(key->account.s, key->account.len);
	uint64_t agent = account * 31 + call_hash(key->agent.s, key->agent.len);

	fetch->account_share = account % FETCH_SHARES;
	fetch->agent_share = agent % FETCH_SHARES;
}

struct fetch *fetch_new(const struct recording_key *key, struct text address)
{
	struct fetch *fetch = calloc(1, sizeof(*fetch));

	if (!fetch)
		return NULL;
	fetch->file.fd = -1;
	set_shares(fetch, key);
	fetch->arena = malloc(key->account.len + key->agent.len +
			      key->session_id.len + key->recording_id.len + 4);
	if (!fetch->arena || (address.s && !fetch_readdress(fetch, address))) {
		fetch_free(fetch);
		return NULL;
	}
	char *at = fetch->arena;
	fetch->key.account = envelope_copy(key->account, &at);
	fetch->key.agent = envelope_copy(key->agent, &at);
	fetch->key.session_id = envelope_copy(key->session_id, &at);
	fetch->key.recording_id = envelope_copy(key->recording_id, &at);
	return fetch;
}

void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	if (fetch->download)
		download_free(fetch->download);
	recording_file_close(&fetch->file);
	vault_free(fetch->address);
	free(fetch->arena);
	free(fetch);
}

bool fetch_is(const struct fetch *fetch, const struct recording_key *key)
{
	return text_equal(fetch->key.recording_id, key->recording_id) &&
	       text_equal(fetch->key.agent, key->agent) &&
	       text_equal(fetch->key.account, key->account);
}

bool fetch_readdress(struct fetch *fetch, struct text address)
{
	char *copy = vault_copy(address.s, address.len);

	if (!copy)
		return false;
	vault_free(fetch->address);
	fetch->address = copy;
	fetch->given_ns = fetch->due_ns = clock_ns();
	fetch->tries = fetch->looks = 0;
	return true;
}

static void over(struct fetch *fetch, const char *verdict, bool again)
{
	fetch->state = FETCH_OVER;
	fetch->verdict = verdict;
	fetch->again = again;
}

/* ----------------------------------------------------------------- bytes */

static bool take(void *context, const void *bytes, size_t len, struct err *err)
{
	struct fetch *fetch = context;

	return recording_file_append(&fetch->file, bytes, len, err);
}

/* The file's mark: "<bytes of the whole> <validator>". */
static bool begin(void *context, const struct http_part *part, struct err *err)
{
	struct fetch *fetch = context;
	char mark[RECORDING_MARK_MAX];

	snprintf(mark, sizeof(mark), "%" PRIu64 " %s", part->total,
		 part->validator);
	return recording_file_empty(&fetch->file, mark, err);
}

static struct http_part part_of(const struct recording_file *file)
{
	struct http_part part = {.have = file->bytes};
	char *end;

	part.total = strtoull(file->mark, &end, 10);
	if (*end == ' ')
		snprintf(part.validator, sizeof(part.validator), "%s", end + 1);
	return part;
}

static struct download *begin_download(struct fetch *fetch,
				       struct downloads *downloads)
{
	const struct download_sink sink = {
	    .take = take, .begin = begin, .context = fetch};
	struct http_part part = part_of(&fetch->file);

	return download_begin(downloads, fetch->address, &part, &sink,
			      &fetch->err);
}

void fetch_begin(struct fetch *fetch, struct downloads *downloads,
		 const char *folder, const char *name)
{
	fetch->file.folder = folder;
	snprintf(fetch->file.name, sizeof(fetch->file.name), "%s", name);
	fetch->stored = recording_file_find(folder, name, &fetch->facts);
	fetch->err = (struct err){0};
	fetch->unsaid = false;
	if (fetch->stored) {
		over(fetch, "stored", false);
		return;
	}
	if (!fetch->address) {
		err_set(&fetch->err, ERR_AWAY, "interrupted");
		over(fetch, "waiting", false);
		return;
	}
	fetch->tries++;
	if (recording_file_open(&fetch->file, folder, name, &fetch->err))
		fetch->download = begin_download(fetch, downloads);
	if (!fetch->download) {
		recording_file_close(&fetch->file);
		over(fetch, "waiting", true);
		return;
	}
	fetch->state = FETCH_LOADING;
	fetch->held_ns = clock_ns();
}

/* ------------------------------------------------------------------- end */

/* What came was none, or is not to be continued. */
static void give_up(struct fetch *fetch, const char *verdict)
{
	struct err ignored;

	recording_file_close(&fetch->file);
	recording_file_erase(fetch->file.folder, fetch->file.name, &ignored);
	over(fetch, verdict, false);
}

static void finish(struct fetch *fetch)
{
	fetch->stored =
	    recording_file_finish(&fetch->file, &fetch->facts, &fetch->err);
	if (fetch->stored)
		over(fetch, "stored", false);
	else if (fetch->err.kind == ERR_INPUT)
		over(fetch, "failed", false);
	else
		over(fetch, "waiting", true);
}

void fetch_loaded(struct fetch *fetch, enum download_result result,
		  const struct err *err)
{
	fetch->download = NULL; /* who tells has freed it */
	fetch->err = *err;
	switch (result) {
	case DOWNLOAD_WHOLE:
		finish(fetch);
		return;
	case DOWNLOAD_STOPPED:
	case DOWNLOAD_CUT:
		recording_file_close(&fetch->file);
		over(fetch, "waiting", fetch->tries < TRIES_MAX);
		return;
	case DOWNLOAD_DENIED:
		recording_file_close(&fetch->file);
		over(fetch, "waiting", false);
		return;
	case DOWNLOAD_GONE:
		give_up(fetch, "expired");
		return;
	case DOWNLOAD_REFUSED:
		give_up(fetch, "refused");
		return;
	case DOWNLOAD_WRONG:
		give_up(fetch, "failed");
		return;
	}
}

void fetch_interrupt(struct fetch *fetch, const char *why)
{
	if (fetch->download)
		download_free(fetch->download);
	fetch->download = NULL;
	recording_file_close(&fetch->file);
	err_set(&fetch->err, ERR_AWAY, "%s", why);
	over(fetch, "waiting", false);
}

/* Longer and longer. */
static void pause_for(struct fetch *fetch, uint64_t ms, unsigned times)
{
	if (times > DOUBLED_MAX)
		times = DOUBLED_MAX;
	fetch->due_ns = clock_after(clock_ns(), ms << times);
}

/* It was erased while it was fetched, by one who took it for abandoned. */
bool fetch_settled(struct fetch *fetch, bool is_known, struct err *err)
{
	fetch->state = fetch->again ? FETCH_WAITING : FETCH_ENDED;
	pause_for(fetch, PAUSE_MS, fetch->tries);
	return !fetch->stored || is_known ||
	       recording_file_erase(fetch->file.folder, fetch->file.name, err);
}

void fetch_refused(struct fetch *fetch)
{
	if (fetch->unsaid) {
		fetch->state = FETCH_ENDED;
		return;
	}
	fetch->unsaid = true;
	if (fetch->stored)
		over(fetch, "waiting", false);
	fetch->stored = false;
	err_set(&fetch->err, ERR_ROW, "the database refused what became of it");
}

void fetch_unknown(struct fetch *fetch)
{
	pause_for(fetch, LOOK_MS, fetch->looks++);
	if (!fetch->address)
		fetch->state = FETCH_ENDED;
}
