/* answer - see answer.h. */
#include "answer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "utf8.h"

static const char no_memory_body[] =
    "{\"error\":\"failed\",\"message\":\"The host is out of memory.\"}";

static void set(struct answer *answer, unsigned status, char *body, size_t len)
{
	answer_free(answer);
	answer->status = body ? status : 500;
	answer->body = body;
	answer->body_len = len;
}

void answer_error(struct answer *answer, unsigned status, const char *code,
		  const char *sentence)
{
	char *body = NULL;
	size_t body_len = 0;
	FILE *out = open_memstream(&body, &body_len);

	if (out) {
		fputs("{\"error\":", out);
		crm_utf8_write_json(out, code, strlen(code));
		fputs(",\"message\":", out);
		crm_utf8_write_json(out, sentence, strlen(sentence));
		fputs("}", out);
		if (fclose(out) != 0) {
			free(body);
			body = NULL;
		}
	}
	set(answer, status, body, body_len);
}

void answer_busy(struct answer *answer)
{
	char body[256];
	unsigned status =
	    crm_host_http_refusal(CRM_BUSY, "", 0, body, sizeof body);

	answer_copy(answer, status, body, strlen(body));
}

void answer_copy(struct answer *answer, unsigned status, const char *body,
		 size_t body_len)
{
	char *copy;

	if (body_len == 0) {
		answer_free(answer);
		answer->status = status;
		return;
	}
	copy = malloc(body_len);
	if (copy)
		memcpy(copy, body, body_len);
	set(answer, status, copy, body_len);
}

void answer_take(struct answer *answer, char *body, size_t body_len)
{
	set(answer, MHD_HTTP_OK, body, body_len);
}

void answer_written(struct answer *answer, FILE *out, char **body, size_t *len)
{
	if (out && fclose(out) == 0) {
		answer_take(answer, *body, *len);
		return;
	}
	free(*body);
	answer_take(answer, NULL, 0);
}

static void set_response(struct answer *answer, unsigned status,
			 const char *type, struct MHD_Response *response)
{
	answer_free(answer);
	answer->status = response ? status : MHD_HTTP_INTERNAL_SERVER_ERROR;
	answer->type = response ? type : NULL;
	answer->response = response;
}

void answer_file(struct answer *answer, const char *type, const void *body,
		 size_t body_len, const char *tag)
{
	set_response(answer, MHD_HTTP_OK, type,
		     MHD_create_response_from_buffer(body_len, (void *)body,
						     MHD_RESPMEM_PERSISTENT));
	snprintf(answer->tag, sizeof answer->tag, "%s", tag);
}

void answer_unchanged(struct answer *answer, const char *tag)
{
	answer_free(answer);
	answer->status = MHD_HTTP_NOT_MODIFIED;
	snprintf(answer->tag, sizeof answer->tag, "%s", tag);
}

static void add_if_any(struct MHD_Response *response, const char *name,
		       const char *value)
{
	if (value)
		MHD_add_response_header(response, name, value);
}

/* Sent from the descriptor by the kernel: what it takes does not depend on how
 * long it is. */
void answer_part(struct answer *answer, const struct crm_host_file *file)
{
	struct MHD_Response *response =
	    file->fd < 0
		? MHD_create_response_from_buffer(
		      file->body_len, (void *)file->body, MHD_RESPMEM_MUST_COPY)
		: MHD_create_response_from_fd_at_offset64(file->len, file->fd,
							  file->first);

	if (!response && file->fd >= 0)
		close(file->fd);
	set_response(answer, file->status, NULL, response);
	if (!response)
		return;
	answer->is_described = true;
	if (file->fd >= 0 || file->range)
		MHD_add_response_header(response, "Accept-Ranges", "bytes");
	MHD_add_response_header(response, "Content-Type",
				file->type ? file->type : "application/json");
	add_if_any(response, "Content-Range", file->range);
	add_if_any(response, "Content-Disposition", file->disposition);
	add_if_any(response, "ETag", file->tag);
}

void answer_events(struct answer *answer, struct MHD_Response *response)
{
	set_response(answer, MHD_HTTP_OK, "text/event-stream", response);
}

static struct MHD_Response *make_response(struct answer *answer)
{
	struct MHD_Response *response = answer->response;

	answer->response = NULL;
	if (response)
		return response;
	if (!answer->body && answer->status == MHD_HTTP_INTERNAL_SERVER_ERROR)
		return MHD_create_response_from_buffer(
		    sizeof no_memory_body - 1, (void *)no_memory_body,
		    MHD_RESPMEM_PERSISTENT);
	if (!answer->body)
		return MHD_create_response_from_buffer(0, NULL,
						       MHD_RESPMEM_PERSISTENT);
	response = MHD_create_response_from_buffer(
	    answer->body_len, answer->body, MHD_RESPMEM_MUST_FREE);
	if (response)
		answer->body = NULL;
	return response;
}

static bool has_body(const struct answer *answer)
{
	return answer->status != MHD_HTTP_NO_CONTENT &&
	       answer->status != MHD_HTTP_NOT_MODIFIED;
}

/* A file may be kept, and is asked for again each time; all else is nobody's
 * business but the agent's. */
static void add_headers(struct MHD_Response *response,
			const struct answer *answer, bool close)
{
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Cache-Control",
				answer->tag[0] ? "no-cache" : "no-store");
	MHD_add_response_header(
	    response, "Content-Security-Policy",
	    answer->policy ? answer->policy
			   : "default-src 'none'; frame-ancestors 'none'");
	MHD_add_response_header(response, "Cross-Origin-Resource-Policy",
				"same-origin");
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	if (has_body(answer) && !answer->is_described)
		MHD_add_response_header(response, "Content-Type",
					answer->type ? answer->type
						     : "application/json");
	if (answer->tag[0])
		MHD_add_response_header(response, "ETag", answer->tag);
	if (answer->status == MHD_HTTP_SERVICE_UNAVAILABLE)
		MHD_add_response_header(response, "Retry-After", "1");
	if (answer->allow)
		MHD_add_response_header(response, "Allow", answer->allow);
	if (answer->cookie)
		MHD_add_response_header(response, "Set-Cookie", answer->cookie);
	if (close)
		MHD_add_response_header(response, "Connection", "close");
}

enum MHD_Result answer_queue(struct answer *answer,
			     struct MHD_Connection *connection, bool close)
{
	struct MHD_Response *response = make_response(answer);
	enum MHD_Result result = MHD_NO;

	if (response) {
		add_headers(response, answer, close);
		result =
		    MHD_queue_response(connection, answer->status, response);
		MHD_destroy_response(response);
	}
	answer_free(answer);
	return result;
}

void answer_free(struct answer *answer)
{
	free(answer->body);
	free(answer->cookie);
	if (answer->response)
		MHD_destroy_response(answer->response);
	*answer = (struct answer){0};
}
