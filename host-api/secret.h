/* secret - tells whether a connection string holds a password. It does not take it
 * out, nor judge how good it is. */
#ifndef CRM_SECRET_H
#define CRM_SECRET_H

#include <stdbool.h>

/* A non-empty `password = ...`, as key or in a URI's query, or in a URI's
 * scheme://user:password@host. */
bool crm_secret_in(const char *text);

#endif
