/* server - the listening socket, the HTTP thread and the count of
 * what is under way, so that stopping can wait for it. What a request means is
 * not known here: see exchange.h and routes.h. */
#ifndef CRM_HOST_SERVER_H
#define CRM_HOST_SERVER_H

#include <crm_host.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "feed.h"
#include "log.h"
#include "loop.h"
#include "phone.h"
#include "settings.h"

struct server {
	struct crm_runtime *runtime;     /* borrowed from main */
	const struct settings *settings; /* borrowed from main */
	struct log *log;                 /* borrowed from main */
	struct feed *feed;               /* borrowed from main */
	char *page_policy;               /* owned; of the pages of plugins */
	char phone_url[96];              /* "": there is no simulated phone */
	struct MHD_Daemon *daemon;       /* owned; NULL: not started */
	struct loop loop;                /* its thread */
	struct phone *phone;             /* owned; NULL: none */
	int listen_fd;                   /* owned; -1: none */
	int64_t started_ms;              /* Unix time */
	atomic_bool draining;
	size_t upload_bytes; /* [HTTP thread] held by half-read bodies */

	pthread_mutex_t lock;
	pthread_cond_t idle;
	size_t exchanges; /* requests whose answer is not sent yet */
	size_t calls;     /* messages whose answer may still come in */
};

/* [main] Binds the address of the settings. False with the reason in `why`. */
bool server_listen(struct server *server, struct crm_runtime *runtime,
		   const struct settings *settings, struct log *log,
		   struct feed *feed, char *why, size_t why_cap);

/* [main] Serves, on a thread of its own. */
bool server_start(struct server *server, char *why, size_t why_cap);

/* [main] Refuses new connections; those that are open are told to close with
 * their next answer. */
void server_quiesce(struct server *server);

/* [main] Waits until each request has its answer on the wire. False when that
 * took longer; a client that does not read must not keep us. */
bool server_wait_idle(struct server *server, uint32_t timeout_ms);

/* [main] Ends the thread and closes everything. All messages must have been
 * answered (crm_host_stop() sees to that). */
void server_close(struct server *server);

/* [any] One more, one less of each. The server may be closed as soon as the
 * last one was ended. */
void server_exchange_begin(struct server *server);
void server_exchange_end(struct server *server);
void server_call_begin(struct server *server);
void server_call_end(struct server *server);
size_t server_exchanges(struct server *server);

/* [any] Unix time in milliseconds. */
int64_t server_now_ms(void);

/* [any] Texts of the library, however long; to free(). NULL when memory is out. */
char *server_status(const struct server *server);
char *server_service(const struct server *server, const char *account,
		     const char *agent);

#endif
