/* loop - the thread that an HTTP daemon works on. Ours, since the library's own
 * (0.9.75) waits once more when 128 connections are ready at once, and serves none
 * of them until something else comes. */
#ifndef CRM_HOST_LOOP_H
#define CRM_HOST_LOOP_H

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct loop {
	struct MHD_Daemon *daemon; /* borrowed */
	int ready_fd;              /* borrowed; the daemon's */
	int wake_fd;               /* owned */
	atomic_bool ending;
	pthread_t thread;
	bool runs;
};

/* [main] Serves a daemon that was started with MHD_USE_EPOLL and without a thread.
 * False with the reason in errno. */
bool loop_start(struct loop *loop, struct MHD_Daemon *daemon);

/* [any] After MHD_resume_connection(): has the daemon look at it. */
void loop_wake(struct loop *loop);

/* [main] Ends the thread, if it runs; to be done before MHD_stop_daemon(). */
void loop_end(struct loop *loop);

#endif
