/* post - the messages that plugins sent to widgets and that the host has not
 * fetched yet, for hosts that poll. Bounded: the newest CRM_POST_MAX are kept.
 */
#ifndef CRM_POST_H
#define CRM_POST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "crm_host.h"

enum { CRM_POST_MAX = 1000 };

struct crm_posts {
	pthread_mutex_t mutex;
	struct crm_post *ring[CRM_POST_MAX]; /* owned */
	size_t first, count;
};

void crm_posts_init(struct crm_posts *posts);
void crm_posts_clear(struct crm_posts *posts);
/* [any] Copies and appends; false without memory. *dropped tells whether the
 * oldest had to go. */
bool crm_posts_add(struct crm_posts *posts, const char *account,
		   const char *agent, const char *body, size_t body_len,
		   bool *dropped);
/* [any] The oldest, or NULL; free it with crm_host_post_free(). */
struct crm_post *crm_posts_take(struct crm_posts *posts);

#endif
