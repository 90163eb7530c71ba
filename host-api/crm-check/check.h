/* check - one thing that a plugin must do, and the lists of them. Each check
 * opens the plugin anew. */
#ifndef CRM_CHECK_CHECK_H
#define CRM_CHECK_CHECK_H

#include "process.h"
#include "setup.h"
#include "verdict.h"

struct check;

/* What a check works with. */
struct trial {
	const struct check *check; /* borrowed, as all below */
	const struct setup *setup;
	struct verdict *verdict;
	int output; /* the file that stdout and stderr go to */
};

struct check {
	const char *name; /* a sentence of what is so when it passes */
	void (*run)(const struct trial *trial);
	const char *hint; /* what a crash or a hang is a sign of; or NULL */
	const struct process_aspect *aspect; /* for those that look at one */
};

/* Each list ends with a check without a name. */
extern const struct check checks_of_file[], checks_of_life[],
    checks_of_traffic[], checks_of_trouble[], checks_of_manners[];

#endif
