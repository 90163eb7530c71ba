/* server - see server.h.
 *
 * Threads: [main] starts and stops; the HTTP library's one thread accepts,
 * reads, routes, submits and writes; any thread of a plugin answers, which only
 * stores the answer and wakes that one. */
#include "server.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "exchange.h"

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

bool server_listen(struct server *server, struct crm_runtime *runtime,
		   const struct settings *settings, struct log *log, char *why,
		   size_t why_cap)
{
	const struct sockaddr *address =
	    (const struct sockaddr *)&settings->listen;
	char text[64];
	int on = 1;

	*server = (struct server){.runtime = runtime,
				  .settings = settings,
				  .log = log,
				  .started_ms = server_now_ms()};
	init_idle(server);
	server->listen_fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listen_fd >= 0 &&
	    setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on,
		       sizeof on) == 0 &&
	    bind(server->listen_fd, address, settings->listen_len) == 0 &&
	    listen(server->listen_fd, SOMAXCONN) == 0)
		return true;
	settings_address_text(&settings->listen, text, sizeof text);
	snprintf(why, why_cap, "cannot listen on %s: %s", text,
		 strerror(errno));
	return false;
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
	struct sockaddr_storage bound = {0};
	socklen_t len = sizeof bound;
	char text[64];

	getsockname(server->listen_fd, (struct sockaddr *)&bound, &len);
	settings_address_text(&bound, text, sizeof text);
	log_say(server->log, CRM_INFO, "listening on http://%s/", text);
}

bool server_start(struct server *server, char *why, size_t why_cap)
{
	unsigned flags =
	    MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME;

	if (server->settings->listen.ss_family == AF_INET6)
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
	if (!server->daemon) {
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
	if (server->daemon)
		MHD_stop_daemon(server->daemon);
	if (server->listen_fd >= 0)
		close(server->listen_fd);
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
