/* page - files that are served as they are: the page bridge and the pages of
 * plugins. */
#ifndef CRM_HOST_PAGE_H
#define CRM_HOST_PAGE_H

#include <crm_host.h>

#include "answer.h"

/* The file of the page bridge at that path, or NULL. */
const struct crm_page *page_of_bridge(const char *path);

/* Content-Security-Policy of pages that show the widget of that address; to
 * free(). NULL when memory is out. */
char *page_policy(const char *widget_url);

/* Of a stand-in for the widget, which the pages of this machine show. */
extern const char page_foreign_policy[];

/* [HTTP thread] The page, or that the client has it already; `policy` is
 * borrowed until the answer was queued. */
void page_answer(struct answer *answer, struct MHD_Connection *connection,
		 const struct crm_page *page, const char *policy);

#endif
