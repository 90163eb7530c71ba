/* vault_heap - malloc() and its kin for a library that takes them without a word on
 * who asks: what a thread allocates that has entered such a heap lies in vaults, and
 * is overwritten when it is given back; every other thread has the C library's. It
 * never gives memory back before its end. */
#ifndef CALL_LOG_VAULT_HEAP_H
#define CALL_LOG_VAULT_HEAP_H

#include <stdbool.h>
#include <stddef.h>

struct vault_heap;

/* NULL: no memory, or no way to know a thread by. */
struct vault_heap *vault_heap_new(void);
/* In the thread that entered it last, if any did. NULL is allowed. */
void vault_heap_free(struct vault_heap *heap);

/* The calling thread allocates there from now on; NULL: no more. What it allocated
 * there it must give back while it is there. */
void vault_heap_enter(struct vault_heap *heap);
bool vault_heap_holds(const struct vault_heap *heap, const void *memory);

/* As those of <stdlib.h> and <string.h>, and for what came from those too. */
void *vault_heap_malloc(size_t size);
void *vault_heap_calloc(size_t count, size_t size);
void *vault_heap_realloc(void *memory, size_t size);
char *vault_heap_strdup(const char *string);
void vault_heap_release(void *memory);

#endif
