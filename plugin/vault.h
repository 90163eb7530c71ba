/* vault - memory for what nobody may see: it appears in no core dump, is empty in
 * a child, and is overwritten before it is given back. It hides nothing from who
 * may read the memory of the process. */
#ifndef CALL_LOG_VAULT_H
#define CALL_LOG_VAULT_H

#include <stddef.h>

/* Zeroed, to vault_free(); NULL: no memory. A page at least. */
void *vault_new(size_t size);
void vault_free(void *memory); /* NULL is allowed */

/* A copy of so many bytes and a NUL. */
char *vault_copy(const char *bytes, size_t len);

#endif
