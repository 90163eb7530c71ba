/* cage - runs one check where it can do no harm: in a process of its own, with
 * a limit of time. It does not know what is checked. */
#ifndef CRM_CHECK_CAGE_H
#define CRM_CHECK_CAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "check.h"

/* True when the check came to its end without a problem. How it ended otherwise
 * is in the verdict. With setup->in_process it runs right here. */
bool cage_run(const struct trial *trial);

#endif
