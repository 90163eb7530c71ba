/* notation - finds in a configuration text what libconfig would not refuse but
 * do wrong: a number that does not fit (it would wrap around in silence) and an
 * include that is no file (it would end the process). It is not a parser. */
#ifndef CRM_NOTATION_H
#define CRM_NOTATION_H

#include <stdbool.h>

#include "text.h"

/* The whole of a regular file as a string, to be freed, or NULL with a reason.
 */
char *crm_notation_file(const char *path, const char **reason);

/* Checks a text and the files it includes, which lie in `folder`; `name` is
 * what the problems call it. False when a line was added. */
bool crm_notation_check(const char *text, const char *name, const char *folder,
			struct crm_text *problems);

#endif
