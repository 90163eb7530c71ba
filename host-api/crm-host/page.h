/* page - files that are served as they are: the page bridge and the pages of
 * plugins. */
#ifndef CRM_HOST_PAGE_H
#define CRM_HOST_PAGE_H

#include <crm_host.h>

#include "answer.h"
#include "settings.h"

/* The file of the page bridge at that path, or NULL. */
const struct crm_page *page_of_bridge(const char *path);

/* Content-Security-Policy of a stand-in for the widget, which is shown by pages of these origins; none:
 * of this machine. To free(). NULL when memory is out. */
char *page_foreign_policy(const struct strings *origins);

/* Whether a person reads it, and not a browser for one. */
bool page_is_html(const struct crm_page *page);

/* [HTTP thread] Instead of a page that a person wanted to see. */
void page_refuse(struct answer *answer, unsigned status, const char *sentence);

/* [HTTP thread] The page, or that the client has it already; `policy` is
 * borrowed until the answer was queued. */
void page_answer(struct answer *answer, struct MHD_Connection *connection,
		 const struct crm_page *page, const char *policy);

#endif
