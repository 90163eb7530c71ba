/* post - the messages that plugins sent to widgets. See post.h. */
#include "post.h"

#include <stdlib.h>
#include <string.h>

void crm_posts_init(struct crm_posts *posts)
{
	memset(posts, 0, sizeof(*posts));
	pthread_mutex_init(&posts->mutex, NULL);
}

void crm_posts_clear(struct crm_posts *posts)
{
	struct crm_post *post;

	while ((post = crm_posts_take(posts)) != NULL)
		crm_host_post_free(post);
	pthread_mutex_destroy(&posts->mutex);
}

/* One allocation: the handle, then body, account and agent, each terminated. */
static struct crm_post *post_new(const char *account, const char *agent,
				 const char *body, size_t body_len)
{
	size_t account_size = strlen(account) + 1;
	size_t agent_size = strlen(agent) + 1;
	struct crm_post *post =
	    malloc(sizeof(*post) + body_len + 1 + account_size + agent_size);
	char *at;

	if (!post)
		return NULL;
	at = (char *)(post + 1);
	memcpy(at, body, body_len);
	at[body_len] = '\0';
	post->body = at;
	post->body_len = body_len;
	at += body_len + 1;
	post->account = memcpy(at, account, account_size);
	post->agent = memcpy(at + account_size, agent, agent_size);
	return post;
}

bool crm_posts_add(struct crm_posts *posts, const char *account,
		   const char *agent, const char *body, size_t body_len,
		   bool *dropped)
{
	struct crm_post *post = post_new(account, agent, body, body_len);
	struct crm_post *oldest = NULL;

	if (!post)
		return false;
	pthread_mutex_lock(&posts->mutex);
	if (posts->count == CRM_POST_MAX) {
		oldest = posts->ring[posts->first];
		posts->first = (posts->first + 1) % CRM_POST_MAX;
		posts->count--;
	}
	posts->ring[(posts->first + posts->count++) % CRM_POST_MAX] = post;
	pthread_mutex_unlock(&posts->mutex);
	*dropped = oldest != NULL;
	crm_host_post_free(oldest);
	return true;
}

struct crm_post *crm_posts_take(struct crm_posts *posts)
{
	struct crm_post *post = NULL;

	pthread_mutex_lock(&posts->mutex);
	if (posts->count > 0) {
		post = posts->ring[posts->first];
		posts->first = (posts->first + 1) % CRM_POST_MAX;
		posts->count--;
	}
	pthread_mutex_unlock(&posts->mutex);
	return post;
}

void crm_host_post_free(struct crm_post *post)
{
	free(post);
}
