/* phone - see phone.h. */
#include "phone.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "page.h"
#include "socket.h"

enum { CONNECTIONS_MAX = 256, IDLE_TIMEOUT_S = 60 };

struct phone {
	struct crm_runtime *runtime; /* borrowed */
	char *policy;                /* owned; of its pages */
	struct MHD_Daemon *daemon;   /* owned */
	int fd;                      /* owned */
};

static enum MHD_Result handle(void *context, struct MHD_Connection *connection,
			      const char *url, const char *method,
			      const char *version, const char *upload,
			      size_t *upload_len, void **request)
{
	const struct phone *phone = context;
	const struct crm_page *page = crm_host_page(phone->runtime, url);
	struct answer answer = {0};

	(void)version;
	(void)upload;
	(void)request;
	if (*upload_len > 0)
		return MHD_NO;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		answer_error(&answer, MHD_HTTP_METHOD_NOT_ALLOWED,
			     "method_not_allowed",
			     "There are only files to get here.");
	else if (!page || !(page->flags & CRM_PAGE_FOREIGN))
		answer_error(&answer, MHD_HTTP_NOT_FOUND, "not_found",
			     "There is nothing at this path.");
	else
		page_answer(&answer, connection, page, phone->policy);
	return answer_queue(&answer, connection, false);
}

static struct MHD_Daemon *start(struct phone *phone,
				const struct settings_address *address)
{
	/* not epoll: see loop.h */
	unsigned flags = MHD_USE_POLL_INTERNAL_THREAD;

	if (address->address.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	return MHD_start_daemon(
	    flags, 0, NULL, NULL, handle, phone, MHD_OPTION_LISTEN_SOCKET,
	    phone->fd, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S,
	    MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP,
	    1, MHD_OPTION_END);
}

struct phone *phone_new(struct crm_runtime *runtime,
			const struct settings *settings, char *why,
			size_t why_cap)
{
	struct phone *phone = calloc(1, sizeof *phone);

	snprintf(why, why_cap, "out of memory");
	if (!phone)
		return NULL;
	phone->fd = -1;
	phone->runtime = runtime;
	phone->policy = page_foreign_policy(&settings->origins);
	if (phone->policy)
		phone->fd = socket_listen(&settings->phone, why, why_cap);
	if (phone->fd >= 0) {
		phone->daemon = start(phone, &settings->phone);
		if (phone->daemon)
			return phone;
		snprintf(why, why_cap, "cannot start the phone's server: %s",
			 strerror(errno));
	}
	phone_free(phone);
	return NULL;
}

void phone_free(struct phone *phone)
{
	if (!phone)
		return;
	if (phone->daemon)
		MHD_stop_daemon(phone->daemon);
	if (phone->fd >= 0)
		close(phone->fd);
	free(phone->policy);
	free(phone);
}

void phone_url(const struct phone *phone, char *buf, size_t cap)
{
	char text[64];

	socket_text(phone->fd, text, sizeof text);
	snprintf(buf, cap, "http://%s/phone/app.html", text);
}
