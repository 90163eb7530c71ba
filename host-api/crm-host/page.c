/* page - see page.h. */
#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"

/* made from host-api/web/ */
extern const struct crm_pages bridge_files;

#define OWN_ONLY                                                               \
	"default-src 'none'; script-src 'self'; style-src 'self'; "            \
	"img-src 'self' data:; media-src 'self'; connect-src 'self'; "         \
	"base-uri 'none'; form-action 'none'"

const char page_foreign_policy[] =
    OWN_ONLY "; frame-ancestors http://127.0.0.1:* http://localhost:*";

const struct crm_page *page_of_bridge(const char *path)
{
	for (size_t i = 0; i < bridge_files.count; i++)
		if (strcmp(bridge_files.pages[i].path, path) == 0)
			return &bridge_files.pages[i];
	return NULL;
}

/* The length of the origin that the address begins with; 0: it is none, or none
 * that can stand in a header. */
static size_t origin_len(const char *url)
{
	size_t scheme = strncmp(url, "https://", 8) == 0  ? 8
			: strncmp(url, "http://", 7) == 0 ? 7
							  : 0;
	size_t host = strspn(url + scheme,
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
			     "XYZ0123456789.-:[]");
	char end = url[scheme + host];

	if (scheme == 0 || host == 0 ||
	    (end != '\0' && end != '/' && end != '?' && end != '#'))
		return 0;
	return scheme + host;
}

char *page_policy(const char *widget_url)
{
	size_t len = widget_url ? origin_len(widget_url) : 0;
	char *policy;

	if (asprintf(&policy,
		     OWN_ONLY "; frame-ancestors 'self'; frame-src %.*s",
		     len ? (int)len : 6, len ? widget_url : "'none'") < 0)
		return NULL;
	return policy;
}

void page_answer(struct answer *answer, struct MHD_Connection *connection,
		 const struct crm_page *page, const char *policy)
{
	char tag[64];
	const char *known;

	snprintf(tag, sizeof tag, "\"%.32s\"", page->tag);
	if (identity_header(connection, "If-None-Match", &known) == 1 &&
	    strcmp(known, tag) == 0)
		answer_unchanged(answer, tag);
	else
		answer_file(answer, page->type, page->body, page->body_len,
			    tag);
	answer->policy = policy;
}
