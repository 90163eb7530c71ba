/* server - see server.h.
 *
 * Threads: [main] starts and stops; the HTTP library's one thread accepts,
 * reads, routes, submits and writes; any thread of a plugin answers, which only
 * stores the answer and wakes that one. */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "exchange.h"
#include "page.h"
#include "socket.h"

enum {
	IDLE_TIMEOUT_S = 60, /* a connection on which nothing moves */
	DESCRIPTORS_WANTED = 65536,
	DESCRIPTORS_KEPT = 256,   /* for plugins and for ourselves */
	CONNECTION_MEMORY = 32768 /* the request line and all headers */
};

int64_t server_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void init_idle(struct server *server)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&server->idle, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&server->lock, NULL);
}

/* What the library writes "like snprintf". It may grow between two looks, so it is
 * asked until it fits. */
typedef size_t write_text(const struct server *server, const void *more,
			  char *buf, size_t cap);

static char *text_of(write_text *write, const struct server *server,
		     const void *more)
{
	size_t cap = 4096;

	while (cap < 64 * 1024 * 1024) {
		char *text = malloc(cap);
		size_t len = text ? write(server, more, text, cap) : 0;

		if (!text || len < cap)
			return text;
		free(text);
		cap = len + len / 8 + 1;
	}
	return NULL;
}

static size_t write_status(const struct server *server, const void *none,
			   char *buf, size_t cap)
{
	(void)none;
	return crm_host_status(server->runtime, buf, cap);
}

static size_t write_policy(const struct server *server, const void *none,
			   char *buf, size_t cap)
{
	(void)none;
	return crm_host_http_page_policy(server->runtime, server->phone_url,
					 buf, cap);
}

struct who {
	const char *account, *agent;
};

static size_t write_service(const struct server *server, const void *more,
			    char *buf, size_t cap)
{
	const struct who *who = more;

	return crm_host_http_service(server->runtime, who->account, who->agent,
				     server->settings->polled ? "poll"
							      : "stream",
				     server->phone_url, buf, cap);
}

char *server_status(const struct server *server)
{
	return text_of(write_status, server, NULL);
}

char *server_service(const struct server *server, const char *account,
		     const char *agent)
{
	return text_of(write_service, server, &(struct who){account, agent});
}

bool server_listen(struct server *server, struct crm_runtime *runtime,
		   const struct settings *settings, struct log *log,
		   struct feed *feed, char *why, size_t why_cap)
{
	*server = (struct server){.runtime = runtime,
				  .settings = settings,
				  .log = log,
				  .feed = feed,
				  .listen_fd = -1,
				  .started_ms = server_now_ms()};
	init_idle(server);
	if (settings->phone.len > 0) {
		server->phone = phone_new(runtime, settings, why, why_cap);
		if (!server->phone)
			return false;
		phone_url(server->phone, server->phone_url,
			  sizeof server->phone_url);
	}
	server->page_policy = text_of(write_policy, server, NULL);
	if (!server->page_policy) {
		snprintf(why, why_cap, "out of memory");
		return false;
	}
	server->listen_fd = socket_listen(&settings->listen, why, why_cap);
	return server->listen_fd >= 0;
}

/* Raises the soft limit of descriptors and returns how many connections fit. */
static unsigned connection_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 768;
	if (limit.rlim_cur < DESCRIPTORS_WANTED &&
	    limit.rlim_cur < limit.rlim_max) {
		rlim_t before = limit.rlim_cur;

		limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED
				     ? limit.rlim_max
				     : DESCRIPTORS_WANTED;
		if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
			limit.rlim_cur = before;
	}
	if (limit.rlim_cur > DESCRIPTORS_WANTED)
		limit.rlim_cur = DESCRIPTORS_WANTED;
	if (limit.rlim_cur > 2 * DESCRIPTORS_KEPT)
		return (unsigned)limit.rlim_cur - DESCRIPTORS_KEPT;
	return (unsigned)limit.rlim_cur / 2 + 1;
}

static void log_address(struct server *server)
{
	char text[64];

	socket_text(server->listen_fd, text, sizeof text);
	log_say(server->log, CRM_INFO, "listening on http://%s/", text);
	if (server->phone)
		log_say(server->log, CRM_INFO, "simulated phone at %s",
			server->phone_url);
}

bool server_start(struct server *server, char *why, size_t why_cap)
{
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME;

	if (server->settings->listen.address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	server->daemon = MHD_start_daemon(
	    flags, 0, NULL, NULL, exchange_handle, server,
	    MHD_OPTION_LISTEN_SOCKET, server->listen_fd,
	    MHD_OPTION_CONNECTION_LIMIT, connection_limit(),
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
	    1, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, server,
	    MHD_OPTION_END);
	if (!server->daemon || !loop_start(&server->loop, server->daemon)) {
		snprintf(why, why_cap, "cannot start the HTTP server: %s",
			 strerror(errno));
		return false;
	}
	log_address(server);
	return true;
}

void server_quiesce(struct server *server)
{
	atomic_store(&server->draining, true);
	if (server->daemon && MHD_quiesce_daemon(server->daemon) >= 0)
		/* The library's thread may still be looking at the descriptor,
		 * so it is closed later; this refuses connections already. */
		shutdown(server->listen_fd, SHUT_RDWR);
	feed_end(server->feed);
}

bool server_wait_idle(struct server *server, uint32_t timeout_ms)
{
	struct timespec end;
	bool idle;
	int error = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_ms / 1000;
	end.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_sec++;
		end.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&server->lock);
	while ((server->exchanges || server->calls) && error == 0)
		error =
		    pthread_cond_timedwait(&server->idle, &server->lock, &end);
	idle = !server->exchanges && !server->calls;
	pthread_mutex_unlock(&server->lock);
	return idle;
}

void server_close(struct server *server)
{
	loop_end(&server->loop);
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	phone_free(server->phone);
	free(server->page_policy);
	pthread_cond_destroy(&server->idle);
	pthread_mutex_destroy(&server->lock);
}

static void change(struct server *server, size_t *count, bool up)
{
	pthread_mutex_lock(&server->lock);
	if (up)
		(*count)++;
	else
		(*count)--;
	if (server->exchanges == 0 && server->calls == 0)
		pthread_cond_signal(&server->idle);
	pthread_mutex_unlock(&server->lock);
}

void server_exchange_begin(struct server *server)
{
	change(server, &server->exchanges, true);
}

void server_exchange_end(struct server *server)
{
	change(server, &server->exchanges, false);
}

void server_call_begin(struct server *server)
{
	change(server, &server->calls, true);
}

void server_call_end(struct server *server)
{
	change(server, &server->calls, false);
}

size_t server_exchanges(struct server *server)
{
	size_t count;

	pthread_mutex_lock(&server->lock);
	count = server->exchanges;
	pthread_mutex_unlock(&server->lock);
	return count;
}
