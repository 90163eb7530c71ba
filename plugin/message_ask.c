/* message_ask - a question of the plugin's own pages, and the answer: JSON that
 * is passed on and not looked into. */
#include "envelope.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

/* All in one piece of memory. */
static bool fill(struct message_ask *ask, const struct envelope *envelope,
		 const struct json *question, struct err *err)
{
	struct buf body;

	buf_init(&body, MESSAGE_ANSWER_MAX);
	json_write(question, NULL, &body);
	ask->arena = malloc(envelope->account.len + envelope->agent.len +
			    envelope->request_id.len + body.len + 4);
	if (body.failed || !ask->arena) {
		buf_free(&body);
		return err_set(err, ERR_NO_MEMORY,
			       "no memory for the question");
	}
	char *at = ask->arena;
	ask->account = envelope_copy(envelope->account, &at);
	ask->agent = envelope_copy(envelope->agent, &at);
	ask->request_id = envelope_copy(envelope->request_id, &at);
	ask->body = envelope_copy((struct text){body.bytes, body.len}, &at);
	buf_free(&body);
	return true;
}

bool message_decode_ask(const char *body, size_t len,
			const struct message_origin *origin,
			struct message_ask *ask, struct err *err)
{
	struct envelope envelope;

	*ask = (struct message_ask){0};
	if (!envelope_open(body, len, origin, NULL, &envelope, err))
		return false;
	bool done = fill(ask, &envelope, envelope.body, err);
	envelope_close(&envelope);
	if (!done)
		message_ask_free(ask);
	return done;
}

bool message_decode_notice(const char *body, size_t len,
			   const struct message_origin *origin,
			   struct message_ask *ask, struct err *err)
{
	struct envelope envelope;

	*ask = (struct message_ask){0};
	if (!envelope_open_notice(body, len, origin, &envelope, err))
		return false;
	bool done = fill(ask, &envelope, envelope.root, err);
	envelope_close(&envelope);
	if (!done)
		message_ask_free(ask);
	return done;
}

void message_ask_free(struct message_ask *ask)
{
	free(ask->arena);
	*ask = (struct message_ask){0};
}
