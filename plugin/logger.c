/* logger - see logger.h. */
#include "logger.h"

#include "clock.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

/* A request on its way through the writer. */
struct logging {
	struct writer_item item;
	struct logger *logger;  /* borrowed */
	uint64_t id;            /* the request's */
	struct message_log log; /* owned */
};

static void logging_free(struct logging *logging)
{
	message_log_free(&logging->log);
	free(logging);
}

static void complete(struct logger *logger, uint64_t id, enum crm_status status,
		     const char *body)
{
	logger->host->complete(logger->host, id, status, body, strlen(body));
}

static void answer_ok(struct logger *logger, const struct logging *logging)
{
	size_t len;
	char *body = message_answer_ok(logging->log.request_id, &len);

	if (body)
		logger->host->complete(logger->host, logging->id, CRM_OK, body,
				       len);
	else
		complete(
		    logger, logging->id, CRM_FAILED,
		    "the call is logged, but there is no memory to say so");
	free(body);
}

/* [writer thread] */
static void logging_done(struct writer_item *item, const struct err *err)
{
	struct logging *logging = (struct logging *)item;
	struct logger *logger = logging->logger;

	switch (err->kind) {
	case ERR_NONE:
		answer_ok(logger, logging);
		break;
	case ERR_ROW:
	case ERR_INTERNAL:
		complete(logger, logging->id, CRM_FAILED, err->text);
		break;
	case ERR_STOPPING:
		complete(logger, logging->id, CRM_STOPPING, err->text);
		break;
	default:
		complete(logger, logging->id, CRM_BUSY, err->text);
		break;
	}
	logging_free(logging);
}

static bool decode(struct logger *logger, const struct crm_request *request,
		   struct message_log *log, struct err *err)
{
	static const enum message_body keep[] = {
	    [CONFIG_BODY_NONE] = MESSAGE_BODY_NONE,
	    [CONFIG_BODY_FINAL] = MESSAGE_BODY_FINAL,
	    [CONFIG_BODY_ALL] = MESSAGE_BODY_ALL,
	};
	struct message_origin origin = {
	    .account = request->account,
	    .agent = request->agent,
	    .sent_at_ms = request->sent_at_ms,
	    .received_ms = clock_wall_ms(),
	    .keep_body = keep[logger->keep_body],
	    .drop_recording = logger->drops_recordings,
	};

	return message_decode_log(request->body, request->body_len, &origin,
				  log, err);
}

static enum crm_status hand_over(struct logger *logger, struct logging *logging)
{
	unsigned cut = logging->log.event->cut;

	/* After a push that is accepted `logging` is the writer's. */
	switch (writer_submit(logger->writer, &logging->item)) {
	case QUEUE_ACCEPTED:
		if (cut > 0)
			health_add(logger->health, HEALTH_CUT, cut);
		return CRM_OK;
	case QUEUE_FULL:
		health_add(logger->health, HEALTH_BUSY, 1);
		logging_free(logging);
		return CRM_BUSY;
	default:
		logging_free(logging);
		return CRM_STOPPING;
	}
}

enum crm_status logger_submit(struct logger *logger,
			      const struct crm_request *request)
{
	struct logging *logging = calloc(1, sizeof(*logging));
	struct err err = {0};

	if (!logging)
		return CRM_BUSY;
	if (!decode(logger, request, &logging->log, &err)) {
		free(logging);
		if (err.kind != ERR_INPUT)
			return CRM_BUSY;
		health_add(logger->health, HEALTH_REFUSED, 1);
		complete(logger, request->id, CRM_BAD_REQUEST, err.text);
		return CRM_OK;
	}
	logging->logger = logger;
	logging->id = request->id;
	if (!logging->log.event) { /* nothing to write */
		answer_ok(logger, logging);
		logging_free(logging);
		return CRM_OK;
	}
	logging->item.event = logging->log.event;
	logging->item.done = logging_done;
	logging->item.link.bytes =
	    sizeof(*logging) + sizeof(*logging->log.event) + request->body_len;
	return hand_over(logger, logging);
}
