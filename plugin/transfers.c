/* transfers - see transfers.h. */
#include "transfers.h"

#include "clock.h"
#include "unmarked.h"

#include <openssl/ssl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 64 };

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *context,
		     void *known)
{
	struct transfers *transfers = context;
	struct epoll_event event = {.data.fd = fd};

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(transfers->epoll, EPOLL_CTL_DEL, fd, &event);
		return 0;
	}
	if (what & CURL_POLL_IN)
		event.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		event.events |= EPOLLOUT;
	epoll_ctl(transfers->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd,
		  &event);
	curl_multi_assign(transfers->multi, fd, transfers);
	return 0;
}

static int on_timer(CURLM *multi, long ms, void *context)
{
	struct transfers *transfers = context;

	(void)multi;
	transfers->timer_ns =
	    ms < 0 ? CLOCK_NEVER : clock_after(clock_ns(), (uint64_t)ms);
	return 0;
}

static void wake_multi(void *multi)
{
	curl_multi_wakeup(multi);
}

static void settle_multi(void *multi)
{
	curl_multi_poll(multi, NULL, 0, 0, NULL);
}

/* Counted by libcurl, and safe in any thread: a host may use it too. */
static bool begin_library(struct transfers *transfers)
{
	struct curl_slist *probe;

	transfers->heap = vault_heap_new();
	transfers->global =
	    transfers->heap &&
	    curl_global_init_mem(CURL_GLOBAL_DEFAULT, vault_heap_malloc,
				 vault_heap_release, vault_heap_realloc,
				 vault_heap_strdup,
				 vault_heap_calloc) == CURLE_OK;
	if (!transfers->global)
		return false;
	vault_heap_enter(transfers->heap);
	probe = curl_slist_append(NULL, "");
	transfers->secret = vault_heap_holds(transfers->heap, probe);
	curl_slist_free_all(probe);
	vault_heap_enter(NULL);
	return true;
}

void transfers_enter(struct transfers *transfers)
{
	vault_heap_enter(transfers->heap);
}

bool transfers_open(struct transfers *transfers, struct err *err)
{
	*transfers = (struct transfers){
	    .epoll = epoll_create1(EPOLL_CLOEXEC),
	    .timer_ns = CLOCK_NEVER,
	};
	if (begin_library(transfers))
		transfers->multi = curl_multi_init();
	if (transfers->epoll < 0 || !transfers->multi)
		return err_set(err, ERR_NO_MEMORY, "libcurl does not start");
	unmarked_mark(wake_multi, settle_multi, transfers->multi);
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
	return true;
}

void transfers_close(struct transfers *transfers)
{
	if (transfers->multi)
		curl_multi_cleanup(transfers->multi);
	if (transfers->global)
		curl_global_cleanup();
	if (transfers->epoll >= 0)
		close(transfers->epoll);
	vault_heap_free(transfers->heap);
	*transfers = (struct transfers){.epoll = -1};
}

bool transfers_watch(struct transfers *transfers, int fd)
{
	/* not one of libcurl's */
	struct epoll_event event = {.events = EPOLLIN, .data.fd = -1};

	return epoll_ctl(transfers->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

void transfers_unwatch(struct transfers *transfers, int fd)
{
	struct epoll_event none = {0};

	epoll_ctl(transfers->epoll, EPOLL_CTL_DEL, fd, &none);
}

static CURLcode on_tls(CURL *easy, void *tls, void *context)
{
	(void)easy;
	(void)context;
	SSL_CTX_set_options(tls, SSL_OP_CLEANSE_PLAINTEXT);
	return CURLE_OK;
}

/* Of a libcurl over another library nothing is known. */
static bool set_tls(CURL *easy)
{
	const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;

	return !library || strncmp(library, "OpenSSL/3", 9) != 0 ||
	       curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls) ==
		   CURLE_OK;
}

bool transfers_add(struct transfers *transfers, CURL *easy)
{
	return set_tls(easy) &&
	       curl_multi_add_handle(transfers->multi, easy) == CURLM_OK;
}

void transfers_remove(struct transfers *transfers, CURL *easy)
{
	curl_multi_remove_handle(transfers->multi, easy);
}

static void serve(struct transfers *transfers, const struct epoll_event *event)
{
	int what = 0, running;

	if (event->data.fd < 0)
		return;
	if (event->events & (EPOLLIN | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (event->events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (event->events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	curl_multi_socket_action(transfers->multi, event->data.fd, what,
				 &running);
}

void transfers_step(struct transfers *transfers)
{
	struct epoll_event events[EVENTS];
	int running;
	int count = epoll_wait(transfers->epoll, events, EVENTS, 0);

	for (int i = 0; i < count; i++)
		serve(transfers, &events[i]);
	if (clock_ns() < transfers->timer_ns)
		return;
	transfers->timer_ns = CLOCK_NEVER;
	curl_multi_socket_action(transfers->multi, CURL_SOCKET_TIMEOUT, 0,
				 &running);
}

void *transfers_take(struct transfers *transfers, CURLcode *code)
{
	CURLMsg *message;
	char *context = NULL;
	int left;

	do
		message = curl_multi_info_read(transfers->multi, &left);
	while (message && message->msg != CURLMSG_DONE);
	if (!message)
		return NULL;
	*code = message->data.result;
	curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &context);
	return context;
}
