/* page - see page.h. */
#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "identity.h"

#define OWN_ONLY                                                               \
	"default-src 'none'; script-src 'self'; style-src 'self'; "            \
	"img-src 'self' data:; connect-src 'self'; "                           \
	"base-uri 'none'; form-action 'none'"

const struct crm_page *page_of_bridge(const char *path)
{
	static const char folder[] = "/widget/";

	return strncmp(path, folder, sizeof folder - 1) == 0
		   ? crm_host_bridge_file(path + sizeof folder - 1)
		   : NULL;
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
