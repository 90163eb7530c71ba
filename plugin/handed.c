/* handed - see handed.h. */
#include "handed.h"

#include <stdlib.h>
#include <string.h>

enum { MESSAGES_MAX = 1000, BYTES_MAX = 16 * 1024 * 1024 };

struct parcel {
	struct queue_item link;
	struct message_recordings message; /* a question when it has none */
	uint64_t id;                       /* the request's */
};

bool handed_init(struct handed *handed, const struct crm_host *host,
		 struct health *health, struct err *err)
{
	*handed = (struct handed){.host = host, .health = health, .open = true};
	handed->questions_end = &handed->questions;
	handed->queue = queue_new(MESSAGES_MAX, BYTES_MAX, err);
	return handed->queue != NULL;
}

void handed_free(struct handed *handed)
{
	queue_free(handed->queue);
}

bool handed_open(struct handed *handed, struct err *err)
{
	return queue_open(handed->queue, err);
}

/* --------------------------------------------------------------- handing */

static void complete(struct handed *handed, uint64_t id, enum crm_status status,
		     const char *body, size_t len)
{
	handed->host->complete(handed->host, id, status, body, len);
}

static void parcel_free(struct parcel *parcel)
{
	message_recordings_free(&parcel->message);
	free(parcel);
}

static enum crm_status push(struct handed *handed, struct parcel *parcel)
{
	switch (queue_push(handed->queue, &parcel->link)) {
	case QUEUE_ACCEPTED:
		return CRM_OK;
	case QUEUE_FULL:
		health_add(handed->health, HEALTH_BUSY, 1);
		parcel_free(parcel);
		return CRM_BUSY;
	default:
		parcel_free(parcel);
		return CRM_STOPPING;
	}
}

static enum crm_status acknowledge(struct handed *handed, struct parcel *parcel)
{
	uint64_t id = parcel->id;
	size_t len;
	char *body = message_answer_ok(parcel->message.request_id, &len);
	enum crm_status status = body ? push(handed, parcel) : CRM_BUSY;

	if (!body)
		parcel_free(parcel);
	if (status == CRM_OK)
		complete(handed, id, CRM_OK, body, len);
	free(body);
	return status;
}

enum crm_status handed_submit(struct handed *handed,
			      const struct crm_request *request)
{
	struct message_origin origin = {.account = request->account,
					.agent = request->agent};
	struct parcel *parcel = calloc(1, sizeof(*parcel));
	struct err err = {0};

	if (!parcel)
		return CRM_BUSY;
	if (!message_decode_recordings(request->body, request->body_len,
				       &origin, &parcel->message, &err)) {
		free(parcel);
		if (err.kind != ERR_INPUT)
			return CRM_BUSY;
		health_add(handed->health, HEALTH_REFUSED, 1);
		complete(handed, request->id, CRM_BAD_REQUEST, err.text,
			 strlen(err.text));
		return CRM_OK;
	}
	parcel->id = request->id;
	parcel->link.bytes = sizeof(*parcel) + request->body_len;
	return parcel->message.count > 0 ? acknowledge(handed, parcel)
					 : push(handed, parcel);
}

size_t handed_queued(struct handed *handed)
{
	return queue_length(handed->queue);
}

void handed_close(struct handed *handed)
{
	queue_close(handed->queue);
}

/* ---------------------------------------------------------------- taking */

void handed_take(struct handed *handed,
		 void (*tell)(void *context,
			      const struct message_recordings *recordings),
		 void *context)
{
	bool closed;
	struct queue_item *item = queue_take(handed->queue, &closed);

	handed->open = !closed;
	while (item) {
		struct parcel *parcel = (struct parcel *)item;

		item = item->next;
		if (parcel->message.count > 0) {
			tell(context, &parcel->message);
			queue_release(handed->queue, &parcel->link);
			parcel_free(parcel);
			continue;
		}
		parcel->link.next = NULL;
		*handed->questions_end = &parcel->link;
		handed->questions_end = &parcel->link.next;
	}
}

const struct message_recordings *handed_question(const struct handed *handed)
{
	const struct parcel *first = (const struct parcel *)handed->questions;

	return first ? &first->message : NULL;
}

void handed_answer(struct handed *handed, enum crm_status status,
		   struct text json)
{
	struct parcel *parcel = (struct parcel *)handed->questions;
	size_t len = 0;
	char *body =
	    status == CRM_OK && json.s
		? message_answer_data(parcel->message.request_id, json, &len)
		: NULL;

	if (status == CRM_OK && !body)
		status = CRM_BUSY;
	complete(handed, parcel->id, status, body ? body : "", len);
	free(body);
	handed->questions = parcel->link.next;
	if (!handed->questions)
		handed->questions_end = &handed->questions;
	queue_release(handed->queue, &parcel->link);
	parcel_free(parcel);
}

void handed_refuse(struct handed *handed, enum crm_status status)
{
	while (handed->questions)
		handed_answer(handed, status, (struct text){0});
}

int handed_fd(const struct handed *handed)
{
	return queue_fd(handed->queue);
}

void handed_arm(struct handed *handed)
{
	queue_arm(handed->queue);
}
