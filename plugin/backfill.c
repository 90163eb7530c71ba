/* backfill - see backfill.h. */
#include "backfill.h"

#include "clock.h"
#include "message.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct backfill;

struct part {
	struct writer_item item;
	struct backfill *backfill; /* borrowed */
	struct err *err;           /* borrowed: the call's */
};

/* A message on its way through the writer. */
struct backfill {
	struct logger *logger; /* borrowed */
	uint64_t id;           /* the request's */
	struct message_backfill message;
	struct part *parts;  /* owned; one a call */
	_Atomic size_t open; /* parts without an end, and who hands them over */
	_Atomic int undone;  /* enum err_kind of one that is not durable */
};

static void backfill_free(struct backfill *backfill)
{
	message_backfill_free(&backfill->message);
	free(backfill->parts);
	free(backfill);
}

static void complete(const struct backfill *backfill, enum crm_status status,
		     const char *body, size_t len)
{
	const struct crm_host *host = backfill->logger->host;

	host->complete(host, backfill->id, status, body, len);
}

static void answer(const struct backfill *backfill)
{
	static const char again[] = "not all calls are logged; send them again";
	size_t len = 0;
	char *body;

	if (atomic_load(&backfill->undone) == ERR_STOPPING) {
		complete(backfill, CRM_STOPPING, again, sizeof(again) - 1);
		return;
	}
	body = atomic_load(&backfill->undone) == ERR_NONE
		   ? message_answer_backfill(&backfill->message, &len)
		   : NULL;
	if (body)
		complete(backfill, CRM_OK, body, len);
	else
		complete(backfill, CRM_BUSY, again, sizeof(again) - 1);
	free(body);
}

/* The last one answers. */
static void part_ends(struct backfill *backfill)
{
	if (atomic_fetch_sub(&backfill->open, 1) > 1)
		return;
	answer(backfill);
	backfill_free(backfill);
}

/* [writer thread] What the database refuses for good is told call by call; all
 * else makes the page send the message again, which changes nothing of what is
 * logged already. */
static void part_done(struct writer_item *item, const struct err *err)
{
	struct part *part = (struct part *)item;

	*part->err = *err;
	if (err->kind != ERR_NONE && err->kind != ERR_ROW)
		atomic_store(&part->backfill->undone, err->kind);
	part_ends(part->backfill);
}

static bool decode(struct backfill *backfill, const struct crm_request *request,
		   struct err *err)
{
	struct message_origin origin = {
	    .account = request->account,
	    .agent = request->agent,
	    .sent_at_ms = request->sent_at_ms,
	    .received_ms = clock_wall_ms(),
	    .keep_body = MESSAGE_BODY_NONE,
	    .drop_recording = backfill->logger->drops_recordings,
	};

	if (backfill->logger->keep_body != CONFIG_BODY_NONE)
		origin.keep_body = MESSAGE_BODY_FINAL;
	if (!message_decode_backfill(request->body, request->body_len, &origin,
				     &backfill->message, err))
		return false;
	backfill->parts =
	    calloc(backfill->message.count + 1, sizeof(struct part));
	return backfill->parts ||
	       err_set(err, ERR_NO_MEMORY, "no memory for the calls");
}

static void hand_over(struct backfill *backfill)
{
	struct message_backfill *message = &backfill->message;
	struct writer *writer = backfill->logger->writer;

	atomic_init(&backfill->open, 1);
	for (size_t i = 0; i < message->count; i++) {
		struct part *part = &backfill->parts[i];
		struct event *event = message->calls[i].log.event;

		if (!event)
			continue;
		*part = (struct part){.backfill = backfill,
				      .err = &message->calls[i].err};
		part->item.event = event;
		part->item.done = part_done;
		part->item.link.bytes =
		    sizeof(*part) + sizeof(*event) + event->body.len;
		atomic_fetch_add(&backfill->open, 1);
		enum queue_push pushed = writer_submit(writer, &part->item);
		if (pushed == QUEUE_ACCEPTED)
			continue;
		atomic_store(&backfill->undone,
			     pushed == QUEUE_FULL ? ERR_FULL : ERR_STOPPING);
		atomic_fetch_sub(&backfill->open, 1);
	}
	part_ends(backfill);
}

enum crm_status backfill_submit(struct logger *logger,
				const struct crm_request *request)
{
	struct backfill *backfill = calloc(1, sizeof(*backfill));
	struct err err = {0};

	if (!backfill)
		return CRM_BUSY;
	backfill->logger = logger;
	backfill->id = request->id;
	atomic_init(&backfill->undone, ERR_NONE);
	if (decode(backfill, request, &err)) {
		hand_over(backfill);
		return CRM_OK;
	}
	if (err.kind == ERR_INPUT) {
		health_add(logger->health, HEALTH_REFUSED, 1);
		complete(backfill, CRM_BAD_REQUEST, err.text, strlen(err.text));
	}
	backfill_free(backfill);
	return err.kind == ERR_INPUT ? CRM_OK : CRM_BUSY;
}
