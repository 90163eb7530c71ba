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
	"img-src 'self' data:; connect-src 'self'; "                           \
	"base-uri 'none'; form-action 'none'"

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

char *page_foreign_policy(const struct strings *origins)
{
	char *policy = NULL;
	size_t len;
	FILE *out = open_memstream(&policy, &len);

	if (!out)
		return NULL;
	fputs(OWN_ONLY "; frame-ancestors", out);
	for (size_t i = 0; i < origins->count; i++)
		fprintf(out, " %s", origins->items[i]);
	if (origins->count == 0)
		fputs(" http://127.0.0.1:* http://localhost:*", out);
	if (fclose(out) == 0)
		return policy;
	free(policy);
	return NULL;
}

bool page_is_html(const struct crm_page *page)
{
	return strncmp(page->type, "text/html", 9) == 0;
}

void page_refuse(struct answer *answer, unsigned status, const char *sentence)
{
	char *body = NULL;
	int len = asprintf(&body,
			   "<!DOCTYPE html>\n<html lang=\"en\">"
			   "<meta charset=\"utf-8\"><title>Not now</title>"
			   "<p>%s</p></html>\n",
			   sentence);

	answer_take(answer, len < 0 ? NULL : body, len < 0 ? 0 : (size_t)len);
	if (len < 0)
		return;
	answer->status = status;
	answer->type = "text/html; charset=utf-8";
}

/* Does If-None-Match name the tag? Front servers that compress make it weak
 * (W/"..."), and a list may be longer. */
static bool is_known(const char *known, const char *tag)
{
	return strstr(known, tag) != NULL;
}

void page_answer(struct answer *answer, struct MHD_Connection *connection,
		 const struct crm_page *page, const char *policy)
{
	char tag[64];
	const char *known;

	snprintf(tag, sizeof tag, "\"%.32s\"", page->tag);
	if (identity_header(connection, "If-None-Match", &known) == 1 &&
	    is_known(known, tag))
		answer_unchanged(answer, tag);
	else
		answer_file(answer, page->type, page->body, page->body_len,
			    tag);
	answer->policy = policy;
}
