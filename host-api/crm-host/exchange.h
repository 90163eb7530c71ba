/* exchange - one HTTP request from its first header to the last byte of its
 * answer: reads the body within its limit, lets a route decide, waits without a
 * thread while a plugin works. It knows HTTP, and nothing of what is asked. */
#ifndef CRM_HOST_EXCHANGE_H
#define CRM_HOST_EXCHANGE_H

#include <microhttpd.h>
#include <stdbool.h>

#include "answer.h"
#include "identity.h"
#include "server.h"

struct route;

struct exchange {
	struct server *server;             /* borrowed */
	struct MHD_Connection *connection; /* borrowed */
	const struct route *route;         /* borrowed constant */
	const char *path; /* the HTTP library's; valid while a route decides */
	const struct crm_page *page; /* borrowed; of a route to a page */
	char *demo_cookie;           /* owned: makes the first agent ours */
	struct identity who;
	char *body; /* owned: what was read */
	size_t body_len, body_cap;
	size_t discarded;     /* bytes of a body that is not wanted */
	struct answer answer; /* the HTTP thread's, except while waiting */
	bool is_head;
	bool waiting; /* the HTTP thread's: was suspended */
};

/* [HTTP thread] Called by the HTTP library with a struct server as context. */
enum MHD_Result exchange_handle(void *server, struct MHD_Connection *connection,
				const char *url, const char *method,
				const char *version, const char *upload,
				size_t *upload_len, void **request);
void exchange_completed(void *server, struct MHD_Connection *connection,
			void **request, enum MHD_RequestTerminationCode code);

/* [HTTP thread] A route calls this before it hands the exchange to anyone who
 * will fill `answer` and call exchange_resume(), once, from any thread. */
void exchange_suspend(struct exchange *exchange);

/* [HTTP thread] The body is not needed any more. */
void exchange_drop_body(struct exchange *exchange);

/* [any] The answer is there. The exchange is gone when this returns. */
void exchange_resume(struct exchange *exchange);

/* [any] The same with an answer of the library; has the type of
 * crm_host_http_done, with the exchange as context. */
void exchange_answer(void *exchange, unsigned status, const char *body,
		     size_t body_len);

#endif
