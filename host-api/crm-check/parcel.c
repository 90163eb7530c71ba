/* parcel - one request as a plugin gets to see it. See parcel.h.
 *
 * It lies in one piece: the request, its texts, the body. Where memory is
 * watched that piece fills whole pages and ends before one that nobody may
 * read; a tight one ends exactly there. */
#include "parcel.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static const char account[] = "crm-check", agent[] = "dana@crm-check.example";

static bool map_pages(struct parcel *parcel, size_t needed)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *pages;

	parcel->readable = (needed + page - 1) / page * page;
	parcel->size = parcel->readable + page;
	pages = mmap(NULL, parcel->size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (pages == MAP_FAILED)
		return false;
	parcel->pages = pages;
	return true;
}

static char *place(char **at, const char *text, size_t len)
{
	char *copy = *at;

	memcpy(copy, text, len);
	*at += len;
	return copy;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct parcel *parcel_new(enum parcel_kind kind, uint64_t id,
			  uint64_t deadline_ns, const char *path,
			  const char *body, size_t body_len)
{
	struct parcel *parcel = calloc(1, sizeof(*parcel));
	size_t path_size = strlen(path) + 1;
	size_t needed = sizeof(struct crm_request) + sizeof(account) +
			sizeof(agent) + path_size + body_len + 1;
	struct crm_request *request;
	char *at;

	if (!parcel)
		return NULL;
	parcel->kind = kind;
	if (kind == PARCEL_PLAIN)
		parcel->request = malloc(needed);
	else if (map_pages(parcel, needed))
		parcel->request = parcel->pages;
	request = parcel->request;
	if (!request) {
		free(parcel);
		return NULL;
	}
	at = (char *)(request + 1);
	*request = (struct crm_request){
	    .id = id,
	    .deadline_ns = deadline_ns,
	    .sent_at_ms = now_ms(),
	    .account = place(&at, account, sizeof(account)),
	    .agent = place(&at, agent, sizeof(agent)),
	    .path = place(&at, path, path_size),
	    .body_len = body_len,
	};
	/* A body is not terminated; a host that happens to do so is no promise.
	 */
	if (kind == PARCEL_TIGHT)
		at = (char *)parcel->pages + parcel->readable - body_len;
	request->body = at;
	memcpy(at, body, body_len);
	if (kind != PARCEL_TIGHT)
		at[body_len] = '\0';
	else
		mprotect((char *)parcel->pages + parcel->readable,
			 parcel->size - parcel->readable, PROT_NONE);
	return parcel;
}

void parcel_sent(struct parcel *parcel)
{
	if (parcel->kind == PARCEL_REVOKED)
		mprotect(parcel->pages, parcel->size, PROT_NONE);
}

void parcel_free(struct parcel *parcel)
{
	if (!parcel)
		return;
	if (parcel->pages)
		munmap(parcel->pages, parcel->size);
	else
		free(parcel->request);
	free(parcel);
}
