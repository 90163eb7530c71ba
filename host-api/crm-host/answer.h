/* answer - what a request is answered with, until it is handed to the HTTP
 * library. It decides nothing: routes and the plugins do. */
#ifndef CRM_HOST_ANSWER_H
#define CRM_HOST_ANSWER_H

#include <crm_host.h>
#include <microhttpd.h>
#include <stdbool.h>
#include <stdio.h>

struct answer {
	unsigned status; /* HTTP status; 0: none yet */
	char *body;      /* owned; NULL: empty */
	size_t body_len;
	const char *allow; /* borrowed constant: the Allow of a 405 */
	char *cookie;      /* owned: a Set-Cookie */
	/* of what is not JSON: */
	const char *type;   /* borrowed: the Content-Type */
	const char *policy; /* borrowed: the Content-Security-Policy */
	char tag[40];       /* the ETag; "" none: then nobody may keep it */
	struct MHD_Response *response; /* owned; instead of a body */
	bool is_described; /* the response has its type and tag itself */
};

/* The setters replace what was there. When memory is out the answer becomes a
 * 500 that says so. */

/* {"error": code, "message": sentence}. */
void answer_error(struct answer *answer, unsigned status, const char *code,
		  const char *sentence);

/* The error for CRM_BUSY. */
void answer_busy(struct answer *answer);
/* That status with a copy of `body`, byte for byte. */
void answer_copy(struct answer *answer, unsigned status, const char *body,
		 size_t body_len);
/* 200 with `body`, which becomes the answer's; NULL: memory is out. */
void answer_take(struct answer *answer, char *body, size_t body_len);

/* 200 with what was written to `out`, of open_memstream(); a NULL one, or one
 * that failed: memory is out. Closes it. */
void answer_written(struct answer *answer, FILE *out, char **body, size_t *len);

/* 200 with a file of that type and ETag; the body is borrowed until the end of
 * the server, `type` until the answer was queued. */
void answer_file(struct answer *answer, const char *type, const void *body,
		 size_t body_len, const char *tag);
/* 304: the client has that file. */
void answer_unchanged(struct answer *answer, const char *tag);

/* What a plugin has, or a part of it, or why not. Takes the descriptor over. */
void answer_part(struct answer *answer, const struct crm_host_file *file);

/* 200 with a stream of events, which becomes the answer's. */
void answer_events(struct answer *answer, struct MHD_Response *response);

/* [HTTP thread] Hands the answer over, with the security headers; `close` ends
 * the connection after it. The answer is empty afterwards. */
enum MHD_Result answer_queue(struct answer *answer,
			     struct MHD_Connection *connection, bool close);

void answer_free(struct answer *answer);

#endif
