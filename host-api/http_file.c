/* http_file - files of plugins, in HTTP's words: the question to the plugin, which
 * decides who gets what, and from its answer a descriptor and the headers. It sends
 * nothing. */
#include "crm_host.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "envelope.h"
#include "files.h"
#include "folder.h"
#include "range.h"
#include "text.h"

enum {
	STATUS_OK = 200,
	STATUS_PART = 206,
	STATUS_NONE = 404,
	STATUS_NO_SUCH_PART = 416,
	SHORT = 128, /* what a plugin may say of a type, a name or a tag */
	ERROR_MAX = 6 * 1024
};

#define ALPHANUMERIC                                                           \
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Who is to be answered, and about what: for as long as the plugin works. */
struct asking {
	crm_host_file_done *done;
	void *context;
	struct crm_runtime *runtime; /* borrowed */
	struct crm_files files;
};

/* -------------------------------------------------------------------- errors */

static void send_error(const struct asking *asking, unsigned status,
		       const char *code, const char *sentence,
		       const char *range)
{
	char body[ERROR_MAX];
	struct crm_text text = crm_text_in(body, sizeof body);

	crm_text_add(&text, "{\"error\":\"%s\",\"message\":", code);
	crm_text_json(&text, sentence);
	crm_text_add(&text, "}");
	asking->done(asking->context,
		     &(struct crm_host_file){.status = status,
					     .body = body,
					     .body_len = text.len,
					     .fd = -1,
					     .range = range});
}

/* The same words as for a path where nothing can be. */
static void send_none(const struct asking *asking)
{
	send_error(asking, STATUS_NONE, "not_found",
		   "There is nothing at this path.", NULL);
}

static void refuse(const struct asking *asking, enum crm_status status,
		   const char *sentence, size_t len)
{
	char body[ERROR_MAX + 1024];
	struct crm_host_file file = {.body = body, .fd = -1};

	file.status =
	    crm_host_http_refusal(status, sentence, len, body, sizeof body);
	file.body_len = strlen(body);
	asking->done(asking->context, &file);
}

/* A line for the administrator, as the plugin's. */
static void complain(const struct asking *asking, const char *what,
		     const char *why)
{
	char line[640];

	snprintf(line, sizeof line, "%s: %s", what, why);
	crm_runtime_log(asking->runtime, CRM_ERROR,
			asking->files.instance->name, line);
}

/* -------------------------------------------------------- the plugin's answer */

struct told {
	char file[PATH_MAX], type[SHORT], tag[SHORT], name[SHORT];
	int64_t bytes, first, last;
	enum { TOLD_WHOLE, TOLD_PART, TOLD_NO_SUCH_PART } sends;
};

/* A text that is nothing but these characters, so that it can stand in a header. */
static bool read_text(struct crm_json value, const char *of, char *buf,
		      size_t cap)
{
	ptrdiff_t len = crm_json_string(value, buf, cap);

	return len > 0 && (size_t)len < cap && strspn(buf, of) == (size_t)len;
}

static bool read_part(struct crm_json first, struct crm_json last,
		      struct told *told)
{
	told->first = 0;
	told->last = told->bytes - 1;
	told->sends = TOLD_WHOLE;
	if (!first.text && !last.text)
		return true;
	told->sends = TOLD_NO_SUCH_PART;
	if (crm_json_type(first) == CRM_JSON_NULL &&
	    crm_json_type(last) == CRM_JSON_NULL)
		return true;
	told->sends = TOLD_PART;
	return crm_json_integer(first, &told->first) &&
	       crm_json_integer(last, &told->last) && told->first >= 0 &&
	       told->first <= told->last && told->last < told->bytes;
}

static bool read_told(const char *data, size_t len, struct told *told)
{
	static const char *const names[] = {"file",  "type",  "tag", "name",
					    "bytes", "first", "last"};
	struct crm_json value[7] = {{NULL, 0}};
	ptrdiff_t path;

	if (!crm_json_members(data, len, names, value, 7))
		return false;
	path = crm_json_string(value[0], told->file, sizeof told->file);
	return path > 0 && (size_t)path < sizeof told->file &&
	       read_text(value[1], ALPHANUMERIC "/.+-", told->type,
			 sizeof told->type) &&
	       strncmp(told->type, "audio/", 6) == 0 &&
	       read_text(value[2], ALPHANUMERIC, told->tag, sizeof told->tag) &&
	       read_text(value[3], ALPHANUMERIC "._-", told->name,
			 sizeof told->name) &&
	       crm_json_integer(value[4], &told->bytes) && told->bytes > 0 &&
	       read_part(value[5], value[6], told);
}

/* --------------------------------------------------------------------- the file */

static void send_file(const struct asking *asking, const struct told *told,
		      int fd)
{
	char disposition[SHORT + 32], tag[SHORT + 2], range[80];
	struct crm_host_file file = {
	    .status = told->sends == TOLD_PART ? STATUS_PART : STATUS_OK,
	    .fd = fd,
	    .first = (uint64_t)told->first,
	    .len = (uint64_t)(told->last - told->first + 1),
	    .type = told->type,
	    .disposition = disposition,
	    .tag = tag,
	    .range = told->sends == TOLD_PART ? range : NULL,
	};

	snprintf(disposition, sizeof disposition, "inline; filename=\"%s\"",
		 told->name);
	snprintf(tag, sizeof tag, "\"%s\"", told->tag);
	snprintf(range, sizeof range, "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
		 told->first, told->last, told->bytes);
	asking->done(asking->context, &file);
}

static void open_and_send(const struct asking *asking, const struct told *told)
{
	char why[256], range[40], what[300];
	int fd;

	if (told->sends == TOLD_NO_SUCH_PART) {
		snprintf(range, sizeof range, "bytes */%" PRId64, told->bytes);
		send_error(asking, STATUS_NO_SUCH_PART, "no_such_part",
			   "It is not that long.", range);
		return;
	}
	fd = crm_folder_open(asking->files.folder, told->file,
			     (uint64_t)told->bytes, why, sizeof why);
	if (fd >= 0) {
		send_file(asking, told, fd);
		return;
	}
	snprintf(what, sizeof what, "cannot serve the file '%.200s'",
		 told->file);
	complain(asking, what, why);
	send_error(asking, STATUS_NONE, "file_missing",
		   "Its file is not where it should be; the host's log says "
		   "more.",
		   NULL);
}

static void answered(void *context, enum crm_status status, const char *body,
		     size_t body_len)
{
	struct asking *asking = context;
	struct told told;
	size_t len = 0;
	const char *data =
	    status == CRM_OK ? crm_envelope_data(body, body_len, &len) : NULL;

	if (status != CRM_OK)
		refuse(asking, status, body, body_len);
	else if (data && len == 4 && memcmp(data, "null", 4) == 0)
		send_none(asking);
	else if (data && read_told(data, len, &told))
		open_and_send(asking, &told);
	else {
		complain(asking, "cannot serve a file of the plugin",
			 "its answer is none");
		refuse(asking, CRM_FAILED, "", 0);
	}
	free(asking);
}

/* ---------------------------------------------------------------- the question */

static void write_question(struct crm_text *text, const char *ask,
			   const char *id, const struct crm_host_wanted *wanted)
{
	struct crm_range range = crm_range_read(
	    wanted->head ? NULL : wanted->range, wanted->if_range);

	crm_text_add(text, "{\"type\":\"rc-post-message-request\","
			   "\"requestId\":\"file\",\"path\":");
	crm_text_json(text, ask);
	crm_text_add(text, ",\"body\":{\"id\":\"%s\"", id);
	if (wanted->head)
		crm_text_add(text, ",\"head\":true");
	if (range.kind == CRM_RANGE_END)
		crm_text_add(text, ",\"end\":%" PRId64, range.first);
	if (range.kind == CRM_RANGE_FROM)
		crm_text_add(text, ",\"first\":%" PRId64, range.first);
	if (range.kind == CRM_RANGE_FROM && range.last != CRM_RANGE_MAX)
		crm_text_add(text, ",\"last\":%" PRId64, range.last);
	if (range.tag[0]) {
		crm_text_add(text, ",\"tag\":");
		crm_text_json(text, range.tag);
	}
	crm_text_add(text, "}}");
}

bool crm_host_http_has_file(struct crm_runtime *runtime, const char *path)
{
	struct crm_files files;
	const char *id;

	return crm_files_find(&files, runtime, path, &id);
}

void crm_host_http_file(struct crm_runtime *runtime, const char *account,
			const char *agent, const char *path,
			const struct crm_host_wanted *wanted,
			crm_host_file_done *done, void *context)
{
	struct asking here = {
	    .done = done, .context = context, .runtime = runtime};
	struct asking *asking = NULL;
	char question[4096], why[256] = "";
	struct crm_text text = crm_text_in(question, sizeof question);
	const char *id;
	enum crm_status status = CRM_FAILED;

	if (!crm_files_find(&here.files, runtime, path, &id)) {
		send_none(&here);
		return;
	}
	write_question(&text, here.files.ask, id, wanted);
	asking = malloc(sizeof *asking);
	if (asking) {
		*asking = here;
		status =
		    crm_host_submit(runtime,
				    &(struct crm_message){.account = account,
							  .agent = agent,
							  .body = question,
							  .body_len = text.len},
				    answered, asking, why, sizeof why);
	}
	if (status == CRM_OK)
		return;
	free(asking);
	refuse(&here, status, why, strlen(why));
}
