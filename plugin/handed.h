/* handed - what pages hand over to the fetcher and ask of it, on the way from the
 * host's threads to its own: addresses, acknowledged at once, since what is lost
 * with the process is asked for again; and questions, which wait for an answer. It
 * knows what becomes of neither. */
#ifndef CALL_LOG_HANDED_H
#define CALL_LOG_HANDED_H

#include "crm_plugin.h"
#include "health.h"
#include "message.h"
#include "queue.h"

#include <stdbool.h>
#include <stddef.h>

struct handed {
	const struct crm_host *host; /* borrowed */
	struct health *health;       /* borrowed */
	struct queue *queue;         /* owned */

	/* the fetcher's thread's own */
	bool open;                    /* more may come */
	struct queue_item *questions; /* owned; oldest first */
	struct queue_item **questions_end;
};

/* [main] False: no memory; handed_free() all the same, also when zeroed. */
bool handed_init(struct handed *handed, const struct crm_host *host,
		 struct health *health, struct err *err);
void handed_free(struct handed *handed);
/* [main] In the process that serves, before anything below. */
bool handed_open(struct handed *handed, struct err *err);

/* [any] As crm_plugin.submit. */
enum crm_status handed_submit(struct handed *handed,
			      const struct crm_request *request);
/* [any] Messages that were accepted and not dealt with. */
size_t handed_queued(struct handed *handed);
/* [any] Later messages are refused. */
void handed_close(struct handed *handed);

/* The rest is for the fetcher's thread. */

/* What has come: each list of addresses is told, and borrowed meanwhile; questions
 * wait. */
void handed_take(struct handed *handed,
		 void (*tell)(void *context,
			      const struct message_recordings *recordings),
		 void *context);

/* The oldest question; NULL: there is none. */
const struct message_recordings *handed_question(const struct handed *handed);
/* Answers it, with JSON if the status is CRM_OK. */
void handed_answer(struct handed *handed, enum crm_status status,
		   struct text json);
/* Answers all of them. */
void handed_refuse(struct handed *handed, enum crm_status status);

/* Readable when something has come, once that was asked for. */
int handed_fd(const struct handed *handed);
void handed_arm(struct handed *handed);

#endif
