/* witness - see witness.h. */
#include "witness.h"

#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "text.h"
#include "utf8.h"

enum { WITNESS_TEXT_MAX = 64 * 1024 * 1024 };

void witness_note(struct stand *stand, const char *format, ...)
{
	va_list ap;

	if (atomic_fetch_add(&stand->faults, 1) > 0)
		return;
	pthread_mutex_lock(&stand->mutex);
	va_start(ap, format);
	vsnprintf(stand->fault, sizeof(stand->fault), format, ap);
	va_end(ap);
	pthread_mutex_unlock(&stand->mutex);
}

static bool is_alive(struct stand *stand, const char *function)
{
	if (!atomic_load(&stand->destroyed))
		return true;
	witness_note(stand, "%s was called after destroy() returned", function);
	return false;
}

/* Borrowed text must not change before we return: a copy is compared after
 * other threads had their chance. Returns the copy, terminated. */
static char *copy_watched(struct stand *stand, const char *function,
			  const char *text, size_t len)
{
	char *copy = len < WITNESS_TEXT_MAX ? malloc(len + 1) : NULL;

	if (!copy)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	sched_yield();
	if (memcmp(copy, text, len) != 0)
		witness_note(stand,
			     "the text given to %s changed before it "
			     "returned",
			     function);
	return copy;
}

bool witness_is_line(const char *text, size_t len)
{
	size_t step;

	for (size_t i = 0; i < len; i += step) {
		step = crm_utf8_char_len(text + i, len - i);
		if (step == 0 ||
		    ((unsigned char)text[i] < ' ' && text[i] != '\t'))
			return false;
	}
	return true;
}

static void host_log(const struct crm_host *host, enum crm_level level,
		     const char *line)
{
	struct stand *stand = host->host_data;
	char *copy;

	if (!is_alive(stand, "log()"))
		return;
	if (!line) {
		witness_note(stand, "log() was called without a line");
		return;
	}
	if (level < CRM_DEBUG || level > CRM_ERROR)
		witness_note(stand, "log() was called with level %d",
			     (int)level);
	copy = copy_watched(stand, "log()", line, strlen(line));
	if (copy && !witness_is_line(copy, strlen(copy)))
		witness_note(stand,
			     "log() got something else than one line of UTF-8: "
			     "%.200s",
			     copy);
	free(copy);
}

static ptrdiff_t host_config(const struct crm_host *host, const char *key,
			     char *buf, size_t cap)
{
	struct stand *stand = host->host_data;
	char *value;
	size_t len;

	if (!is_alive(stand, "config()"))
		return -1;
	if (!atomic_load(&stand->creating))
		witness_note(stand, "config() was called outside create()");
	/* All of the room that the plugin speaks of is used. */
	if (buf && cap > 0)
		memset(buf, 0xa5, cap);
	value =
	    key && stand->configured ? setup_value(stand->setup, key) : NULL;
	if (!value) {
		if (buf && cap > 0)
			buf[0] = '\0';
		return -1;
	}
	len = strlen(value);
	if (buf)
		crm_text_copy(buf, cap, value);
	free(value);
	return (ptrdiff_t)len;
}

static void check_answer(struct stand *stand, enum crm_status status,
			 const char *body, size_t body_len)
{
	struct crm_json value;
	char *copy;

	if (status < CRM_OK || status > CRM_FAILED)
		witness_note(stand, "complete() was called with status %d",
			     (int)status);
	if (!body && body_len > 0)
		witness_note(stand, "complete() was called without a body");
	if (!body || body_len == 0)
		return;
	copy = copy_watched(stand, "complete()", body, body_len);
	if (!copy)
		return;
	if (status == CRM_OK && !crm_json_value(copy, body_len, &value))
		witness_note(stand, "an answer is not JSON: %.200s", copy);
	if (status != CRM_OK && !witness_is_line(copy, body_len))
		witness_note(stand,
			     "an answer is something else than one sentence of "
			     "UTF-8: %.200s",
			     copy);
	free(copy);
}

static void host_complete(const struct crm_host *host, uint64_t id,
			  enum crm_status status, const char *body,
			  size_t body_len)
{
	struct stand *stand = host->host_data;
	uint64_t index = id - stand->first_id;

	if (!is_alive(stand, "complete()"))
		return;
	check_answer(stand, status, body, body_len);
	if (index >= atomic_load(&stand->taken)) {
		atomic_fetch_add(&stand->foreign, 1);
		return;
	}
	if (atomic_fetch_add(&stand->marks[index].answers, 1) == 0)
		atomic_fetch_add(&stand->completed, 1);
	if (stand->on_answer)
		stand->on_answer(stand);
}

static enum crm_status host_post(const struct crm_host *host,
				 const char *account, const char *agent,
				 const char *body, size_t body_len)
{
	struct stand *stand = host->host_data;
	struct crm_json value;
	char *copy;

	if (!is_alive(stand, "post()"))
		return CRM_STOPPING;
	if (!account || !agent || agent[0] == '\0' || !body) {
		witness_note(stand,
			     "post() was called without account, agent or "
			     "body");
		return CRM_BAD_REQUEST;
	}
	copy = copy_watched(stand, "post()", body, body_len);
	if (copy && !crm_json_value(copy, body_len, &value))
		witness_note(
		    stand, "post() got something else than JSON: %.200s", copy);
	free(copy);
	return CRM_OK;
}

static const void *host_extension(const struct crm_host *host, const char *id)
{
	struct stand *stand = host->host_data;

	if (!is_alive(stand, "extension()"))
		return NULL;
	if (!id)
		witness_note(stand, "extension() was called without an id");
	return id && stand->describing && strcmp(id, CRM_EXT_DESCRIBE) == 0
		   ? ""
		   : NULL;
}

struct crm_host witness_host(struct stand *stand)
{
	return (struct crm_host){
	    .size = sizeof(struct crm_host),
	    .abi_major = CRM_ABI_MAJOR,
	    .abi_minor = CRM_ABI_MINOR,
	    .host_data = stand,
	    .name = "crm-check",
	    .version = "1.0.0",
	    .log = host_log,
	    .config = host_config,
	    .complete = host_complete,
	    .post = host_post,
	    .extension = host_extension,
	};
}
