/* memory_client.h - who sends the messages of tests/hosts/memory.c: what was asked
 * and how it was answered, and whether the database bears that out. */
#ifndef TESTS_MEMORY_CLIENT_H
#define TESTS_MEMORY_CLIENT_H

#include "memory.h"

/* ------------------------------------------------------------- the client */

static bool is_answered(void)
{
	return atomic_load(&host.answers[host.next_id - 1]) > 0;
}

/* Submits; the status is the answer's, or that of the refusal. */
static enum crm_status submit(const char *path, const char *body, bool waits)
{
	uint64_t id = host.next_id++;

	must(id < IDS, "out of ids");
	enum crm_status status = host.plugin->submit(
	    host.plugin, &(struct crm_request){.id = id,
					       .deadline_ns = in_ms(30000),
					       .sent_at_ms = 0,
					       .account = "acme",
					       .agent = "ann",
					       .path = path,
					       .body = body,
					       .body_len = strlen(body)});
	if (status != CRM_OK) {
		must(atomic_fetch_add(&host.answers[id], 1) == 0,
		     "refused and answered");
		atomic_store(&host.statuses[id], (unsigned char)status);
	} else if (waits) {
		/* also while there is no memory */
		uint64_t end = in_ms(PATIENCE_MS);
		while (!is_answered() && now_ns() < end)
			nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
		must(is_answered(), "never answered");
	}
	return (enum crm_status)atomic_load(&host.statuses[id]);
}

static struct wish *wish_new(const char *what)
{
	struct wish *wish = &host.wishes[host.wish_count++];

	*wish = (struct wish){0};
	snprintf(wish->session, sizeof(wish->session), "%s%s-%d", what,
		 host.prefix, host.wish_count);
	return wish;
}

/* What became of it, as far as is known; the client writes down what was
 * acknowledged. */
static void wish_look(struct wish *wish)
{
	char line[80];

	if (wish->acknowledged || wish->refused || wish->id == 0 ||
	    atomic_load(&host.answers[wish->id]) == 0)
		return;
	enum crm_status status =
	    (enum crm_status)atomic_load(&host.statuses[wish->id]);
	wish->acknowledged = status == CRM_OK;
	wish->refused =
	    status == CRM_FAILED && strncmp(wish->session, "bad", 3) == 0;
	must(status != CRM_BAD_REQUEST && status != CRM_UNSUPPORTED,
	     "a good message is refused for good");
	int len = snprintf(line, sizeof(line), "%s\n", wish->session);
	if (wish->acknowledged)
		must(write(host.acknowledged, line, (size_t)len) == len,
		     "cannot write");
}

static void wish_send(struct wish *wish, bool waits)
{
	char body[1024];

	snprintf(body, sizeof(body),
		 "{\"requestId\":\"r-%s\",\"type\":\"rc-post-message-request\","
		 "\"path\":\"/callLogger\",\"body\":{\"triggerType\":"
		 "\"logForm\",\"note\":\"note of %s\",\"formData\":{\"note\":"
		 "\"note of %s\",\"subject\":\"s\"},\"call\":{\"sessionId\":"
		 "\"%s\",\"id\":\"p\",\"direction\":\"Inbound\",\"duration\":5,"
		 "\"from\":{\"phoneNumber\":\"+16505550100\"},\"fromName\":"
		 "\"A\",\"to\":{\"phoneNumber\":\"+16505550101\"},\"result\":"
		 "\"CallConnected\",\"telephonyStatus\":\"CallConnected\","
		 "\"startTime\":1770000000000}}}",
		 wish->session, wish->session, wish->session, wish->session);
	wish->id = host.next_id;
	submit("/callLogger", body, waits);
	wish_look(wish);
}

/* Asks for the round's calls and one that nobody knows. */
static enum crm_status match(void)
{
	char body[1024], ids[512] = "\"unknown\"";

	for (int i = 0; i < host.wish_count; i++) {
		size_t len = strlen(ids);
		snprintf(ids + len, sizeof(ids) - len, ",\"%s\"",
			 host.wishes[i].session);
	}
	snprintf(
	    body, sizeof(body),
	    "{\"requestId\":\"m\",\"type\":\"rc-post-message-request\","
	    "\"path\":\"/callLogger/match\",\"body\":{\"sessionIds\":[%s]}}",
	    ids);
	return submit("/callLogger/match", body, true);
}

/* Whether the last answer has an entry for the call. */
static bool is_in_answer(const struct wish *wish)
{
	char entry[80];

	snprintf(entry, sizeof(entry), "\"%s\":[{", wish->session);
	pthread_mutex_lock(&host.mutex);
	bool found = strstr(host.answer, entry) != NULL;
	pthread_mutex_unlock(&host.mutex);
	return found;
}

static bool is_posted(void)
{
	char id[80];

	snprintf(id, sizeof(id), "\"%s\"", host.wishes[0].session);
	pthread_mutex_lock(&host.mutex);
	bool found = strstr(host.posts, id) != NULL;
	pthread_mutex_unlock(&host.mutex);
	return found;
}

/* or there was no memory to remember that it is to be posted */
static bool is_told(void)
{
	char text[4096];

	host_health(text, sizeof(text));
	return is_posted() || !strstr(text, "\"untriggered\":0");
}

static void forget_posts(void)
{
	pthread_mutex_lock(&host.mutex);
	host.posts[0] = '\0';
	pthread_mutex_unlock(&host.mutex);
}

/* Everything that is acknowledged is in the database, once. */
static bool is_stored(void)
{
	int acknowledged = 0;

	for (int i = 0; i < host.wish_count; i++) {
		wish_look(&host.wishes[i]);
		acknowledged +=
		    host.wishes[i].acknowledged || host.wishes[i].refused;
	}
	return ask("SELECT count(*) FROM (SELECT session_id FROM "
		   "call_log.calls UNION ALL SELECT session_id FROM "
		   "call_log.rejected) x WHERE session_id LIKE '%s-%%' OR "
		   "session_id LIKE 'bad-%s-%%'",
		   host.prefix, host.prefix) == acknowledged;
}

static bool is_found(void)
{
	if (match() != CRM_OK)
		return false;
	for (int i = 0; i < host.wish_count; i++)
		if (!is_in_answer(&host.wishes[i]))
			return false;
	return true;
}

/* An answer that is given is right, or the widget forgets the call. */
static void match_truly(void)
{
	if (match() != CRM_OK)
		return;
	for (int i = 0; i < host.wish_count; i++)
		must(is_in_answer(&host.wishes[i]) ||
			 !host.wishes[i].acknowledged,
		     "a logged call is answered as not logged");
}

#endif
