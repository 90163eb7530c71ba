/* envelope - see envelope.h. */
#include "envelope.h"
#include "token.h"
#include "utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct text envelope_text(const struct json *value)
{
	const char *string = json_string(value);

	if (!string || string[0] == '\0')
		return (struct text){NULL, 0};
	return (struct text){string, strlen(string)};
}

struct text envelope_id(const struct json *value, char digits[ENVELOPE_DIGITS])
{
	double number;

	if (!json_number(value, &number))
		return envelope_text(value);
	/* From 2^53 on several whole numbers are read as one. */
	if (!(number >= 0 && number < 9007199254740992.0) ||
	    number != (double)(int64_t)number)
		return (struct text){NULL, 0};
	int len =
	    snprintf(digits, ENVELOPE_DIGITS, "%" PRId64, (int64_t)number);
	return (struct text){digits, (size_t)len};
}

struct text envelope_copy(struct text text, char **at)
{
	char *copy = *at;

	if (!text.s)
		return text;
	memcpy(copy, text.s, text.len);
	copy[text.len] = '\0';
	*at += text.len + 1;
	return (struct text){copy, text.len};
}

/* What the host says is checked too: one agent whose name is not UTF-8 would
 * make PostgreSQL refuse everybody's batch. */
static bool read_origin(const struct message_origin *origin,
			struct envelope *envelope, struct err *err)
{
	const char *account = origin->account ? origin->account : "";
	const char *agent = origin->agent ? origin->agent : "";

	envelope->account = (struct text){account, strlen(account)};
	envelope->agent = (struct text){agent, strlen(agent)};
	if (envelope->agent.len == 0)
		return err_set(err, ERR_INPUT, "the agent is not known");
	if (envelope->agent.len > MESSAGE_ID_MAX ||
	    !utf8_valid(agent, envelope->agent.len))
		return err_set(err, ERR_INPUT,
			       "the agent's name is too long or not UTF-8");
	if (envelope->account.len > MESSAGE_ID_MAX ||
	    !utf8_valid(account, envelope->account.len))
		return err_set(err, ERR_INPUT,
			       "the account's name is too long or not UTF-8");
	return true;
}

static bool read_request(struct envelope *envelope, struct err *err)
{
	const struct json *id = json_member(envelope->root, "requestId");
	envelope->request_id = envelope_text(id);
	if (!envelope->request_id.s)
		return err_set(err, ERR_INPUT, "requestId %s",
			       id ? "is not a string with content"
				  : "is missing");
	if (envelope->request_id.len > MESSAGE_ID_MAX)
		return err_set(err, ERR_INPUT,
			       "requestId is longer than %d bytes",
			       MESSAGE_ID_MAX);

	const struct json *body = json_member(envelope->root, "body");
	if (!json_is_object(body))
		return err_set(err, ERR_INPUT, "body %s",
			       body ? "is not an object" : "is missing");
	envelope->body = body;
	return true;
}

/* names: as of envelope_open(). */
static bool open_tokens(const char *bytes, size_t len,
			const struct message_origin *origin,
			const struct json_names *names,
			struct envelope *envelope, struct err *err)
{
	*envelope = (struct envelope){0};
	if (!read_origin(origin, envelope, err))
		return false;
	envelope->root =
	    names ? json_parse_named(bytes, len, MESSAGE_DEPTH_MAX, names, err)
		  : json_parse(bytes, len, MESSAGE_DEPTH_MAX, err);
	if (!envelope->root)
		return false;
	if (json_is_object(envelope->root))
		return true;
	envelope_close_secret(envelope);
	return err_set(err, ERR_INPUT, "the message is not an object");
}

/* What may have a token is built whole: to be written anew without it. */
static bool open_any(const char *bytes, size_t len,
		     const struct message_origin *origin,
		     const struct json_names *names, struct envelope *envelope,
		     struct err *err)
{
	bool suspect = token_may_be_in(bytes, len);

	if (!open_tokens(bytes, len, origin, suspect ? NULL : names, envelope,
			 err))
		return false;
	envelope->stripped = suspect && json_strip_tokens(envelope->root);
	return true;
}

bool envelope_open(const char *bytes, size_t len,
		   const struct message_origin *origin,
		   const struct json_names *names, struct envelope *envelope,
		   struct err *err)
{
	if (!open_any(bytes, len, origin, names, envelope, err))
		return false;
	if (read_request(envelope, err))
		return true;
	envelope_close(envelope);
	return false;
}

bool envelope_open_notice(const char *bytes, size_t len,
			  const struct message_origin *origin,
			  struct envelope *envelope, struct err *err)
{
	return open_any(bytes, len, origin, NULL, envelope, err);
}

bool envelope_open_secret(const char *bytes, size_t len,
			  const struct message_origin *origin,
			  struct envelope *envelope, struct err *err)
{
	if (!open_tokens(bytes, len, origin, NULL, envelope, err))
		return false;
	if (read_request(envelope, err))
		return true;
	envelope_close_secret(envelope);
	return false;
}

void envelope_close_secret(struct envelope *envelope)
{
	json_wipe(envelope->root);
	envelope_close(envelope);
}

void envelope_close(struct envelope *envelope)
{
	json_free(envelope->root);
	envelope->root = NULL;
}
