/* message_change - changes that came from elsewhere: what a notification of the
 * database says, and the message that makes a widget ask again. */
#include "json.h"
#include "message.h"

#include <stdlib.h>
#include <string.h>

static size_t length(const char *s)
{
	return s ? strlen(s) : 0;
}

static struct text copy(const char *s, char **at)
{
	struct text made = {.s = *at, .len = length(s)};

	if (!s)
		return (struct text){0};
	memcpy(*at, s, made.len + 1);
	*at += made.len + 1;
	return made;
}

static bool fill(struct message_change *change, const struct json *root,
		 struct err *err)
{
	const char *account = json_string(json_member(root, "account"));
	const char *agent = json_string(json_member(root, "agent"));
	const char *session = json_string(json_member(root, "session_id"));
	const char *request = json_string(json_member(root, "request_id"));
	const char *token = json_string(json_member(root, "token"));

	if (!token && (!account || length(agent) == 0 || length(session) == 0))
		return err_set(err, ERR_INPUT,
			       "account, agent or session_id is missing");
	char *at = malloc(length(account) + length(agent) + length(session) +
			  length(request) + length(token) + 5);
	if (!at)
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	change->arena = at;
	change->account = copy(account, &at);
	change->agent = copy(agent, &at);
	change->session_id = copy(session, &at);
	change->request_id = copy(request, &at);
	change->token = copy(token, &at);
	return true;
}

bool message_decode_change(const char *payload, size_t len,
			   struct message_change *change, struct err *err)
{
	struct json *root = json_parse(payload, len, MESSAGE_DEPTH_MAX, err);

	*change = (struct message_change){0};
	if (!root)
		return false;
	bool done = fill(change, root, err);
	json_free(root);
	return done;
}

void message_change_free(struct message_change *change)
{
	free(change->arena);
	*change = (struct message_change){0};
}

char *message_trigger(const struct text *ids, size_t count, size_t *len)
{
	struct buf buf;

	buf_init(&buf, MESSAGE_ANSWER_MAX);
	buf_add_string(&buf, "{\"type\":\"rc-adapter-trigger-call-logger-match"
			     "\",\"sessionIds\":[");
	for (size_t i = 0; i < count; i++) {
		buf_add_string(&buf, i > 0 ? "," : "");
		buf_add_json(&buf, ids[i].s, ids[i].len);
	}
	buf_add_string(&buf, "]}");
	return buf_take(&buf, len);
}
