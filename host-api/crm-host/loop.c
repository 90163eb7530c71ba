/* loop - see loop.h. */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Until a connection's time is over; -1: none has one. */
static int timeout_ms(struct MHD_Daemon *daemon)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(daemon, &ms) != MHD_YES)
		return -1;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

static void *run(void *argument)
{
	struct loop *loop = argument;
	struct pollfd fds[] = {{.fd = loop->ready_fd, .events = POLLIN},
			       {.fd = loop->wake_fd, .events = POLLIN}};
	eventfd_t count;

	while (!atomic_load(&loop->ending)) {
		poll(fds, 2, timeout_ms(loop->daemon));
		/* first: who wakes us from now on wakes us again */
		if (fds[1].revents != 0)
			eventfd_read(loop->wake_fd, &count);
		/* twice: with what one run closed, only the next listens again */
		MHD_run(loop->daemon);
		MHD_run(loop->daemon);
	}
	return NULL;
}

bool loop_start(struct loop *loop, struct MHD_Daemon *daemon)
{
	const union MHD_DaemonInfo *info =
	    MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int error;

	if (!info || info->epoll_fd < 0) {
		errno = ENOTSUP;
		return false;
	}
	*loop =
	    (struct loop){.daemon = daemon,
			  .ready_fd = info->epoll_fd,
			  .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (loop->wake_fd < 0)
		return false;
	error = pthread_create(&loop->thread, NULL, run, loop);
	if (error != 0) {
		close(loop->wake_fd);
		errno = error;
		return false;
	}
	pthread_setname_np(loop->thread, "http");
	loop->runs = true;
	return true;
}

void loop_wake(struct loop *loop)
{
	eventfd_write(loop->wake_fd, 1);
}

void loop_end(struct loop *loop)
{
	if (!loop->runs)
		return;
	atomic_store(&loop->ending, true);
	loop_wake(loop);
	pthread_join(loop->thread, NULL);
	close(loop->wake_fd);
	loop->runs = false;
}
