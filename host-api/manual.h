/* manual - the sample configuration and the manual page, printed from the
 * option tables that the file is checked against, so that they cannot drift. */
#ifndef CRM_MANUAL_H
#define CRM_MANUAL_H

#include <stddef.h>

#include "option.h"
#include "text.h"

/* One group of the configuration file and its options. */
struct crm_group {
	const char *name;
	const struct crm_options *options; /* NULL: none are known */
};

/* The first group is the host's. */
void crm_manual_sample(struct crm_text *text, const struct crm_group *groups,
		       size_t count);
/* In roff; the page is named after the second group, the first plugin. */
void crm_manual_page(struct crm_text *text, const struct crm_group *groups,
		     size_t count);

#endif
