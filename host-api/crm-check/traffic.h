/* traffic - threads that send messages to a plugin, as a host's do. */
#ifndef CRM_CHECK_TRAFFIC_H
#define CRM_CHECK_TRAFFIC_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "stand.h"

enum { TRAFFIC_THREADS = 8 };

struct traffic {
	struct stand *stand; /* borrowed */
	pthread_t threads[TRAFFIC_THREADS];
	size_t thread_count;
	size_t each;               /* messages a thread sends */
	atomic_bool stopped;       /* stop() has returned */
	atomic_size_t not_refused; /* messages that were sent after that, and
				      not answered CRM_STOPPING */
	atomic_size_t sent_after;
};

/* [main] Begins to send `each` messages from each thread; 0: on and on, until
 * traffic_stopped(). */
bool traffic_begin(struct traffic *traffic, struct stand *stand, size_t each);
/* [main] Says that stop() has returned: each thread sends one more, and ends.
 */
void traffic_stopped(struct traffic *traffic);
/* [main] Waits until all threads have ended. */
void traffic_join(struct traffic *traffic);

/* [main] All three: sends about `count` messages in all. */
bool traffic_send(struct stand *stand, size_t count);

#endif
