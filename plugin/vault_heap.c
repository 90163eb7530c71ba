/* vault_heap - see vault_heap.h. Pieces are of sizes that double, cut from large
 * vaults one after another; one that is given back waits, all zero, for the next of
 * its size. A heap is only ever used by one thread, so that it needs no lock, which
 * a fork could leave held. */
#include "vault_heap.h"

#include "vault.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	SMALLEST = 32,
	SIZES = 15, /* the largest is of 512 kB */
	BLOCK_BYTES = 1 << 20
};

struct piece {
	alignas(max_align_t) struct piece *next; /* while it waits */
	size_t order;                            /* SMALLEST << order */
};

struct block {
	alignas(max_align_t) struct block *next;
	size_t used; /* of its bytes */
	alignas(max_align_t) unsigned char bytes[];
};

struct vault_heap {
	struct block *blocks; /* owned, by vaults; that in use first */
	struct piece *waiting[SIZES];
};

/* Which heap a thread has entered: who calls back has nowhere to keep a context. A key,
 * not a variable of each thread, for which a library that is loaded late needs room that
 * a process may have no more of, and where leak checkers look in vain. */
static struct {
	pthread_once_t once;
	pthread_key_t key;
	bool made;
} entry = {.once = PTHREAD_ONCE_INIT};

static void make_key(void)
{
	entry.made = pthread_key_create(&entry.key, NULL) == 0;
}

static struct vault_heap *entered(void)
{
	return entry.made ? pthread_getspecific(entry.key) : NULL;
}

struct vault_heap *vault_heap_new(void)
{
	pthread_once(&entry.once, make_key);
	return entry.made ? calloc(1, sizeof(struct vault_heap)) : NULL;
}

void vault_heap_free(struct vault_heap *heap)
{
	if (!heap)
		return;
	if (entered() == heap)
		vault_heap_enter(NULL);
	while (heap->blocks) {
		struct block *block = heap->blocks;

		heap->blocks = block->next;
		vault_free(block);
	}
	free(heap);
}

/* Where there is no memory for it, it has the C library's, as before; a thread that
 * was there once always can. */
void vault_heap_enter(struct vault_heap *heap)
{
	if (entry.made)
		(void)pthread_setspecific(entry.key, heap);
}

bool vault_heap_holds(const struct vault_heap *heap, const void *memory)
{
	for (const struct block *b = heap->blocks; b; b = b->next)
		if ((uintptr_t)memory - (uintptr_t)b < BLOCK_BYTES)
			return true;
	return false;
}

static bool is_here(const void *memory)
{
	struct vault_heap *heap = entered();

	return heap && memory && vault_heap_holds(heap, memory);
}

static size_t bytes_of(const struct piece *piece)
{
	return (size_t)SMALLEST << piece->order;
}

/* ------------------------------------------------------------ allocation */

static bool add_block(struct vault_heap *heap)
{
	struct block *block = vault_new(BLOCK_BYTES);

	if (!block)
		return false;
	block->next = heap->blocks;
	heap->blocks = block;
	return true;
}

/* The end of a block that is too short is left as it is. */
static struct piece *cut(struct vault_heap *heap, size_t order)
{
	size_t size = sizeof(struct piece) + ((size_t)SMALLEST << order);

	if ((!heap->blocks ||
	     heap->blocks->used + size > BLOCK_BYTES - sizeof(struct block)) &&
	    !add_block(heap))
		return NULL;
	struct block *block = heap->blocks;
	struct piece *piece = (struct piece *)(block->bytes + block->used);

	piece->order = order;
	block->used += size;
	return piece;
}

static void *take(struct vault_heap *heap, size_t size)
{
	size_t order = 0;

	while (order < SIZES && ((size_t)SMALLEST << order) < size)
		order++;
	if (order == SIZES)
		return NULL;
	struct piece *piece = heap->waiting[order];

	if (piece)
		heap->waiting[order] = piece->next;
	else
		piece = cut(heap, order);
	return piece ? piece + 1 : NULL;
}

void *vault_heap_malloc(size_t size)
{
	struct vault_heap *heap = entered();

	return heap ? take(heap, size) : malloc(size);
}

/* Whatever is taken is zero. */
void *vault_heap_calloc(size_t count, size_t size)
{
	struct vault_heap *heap = entered();
	size_t all;

	if (!heap)
		return calloc(count, size);
	return __builtin_mul_overflow(count, size, &all) ? NULL
							 : take(heap, all);
}

void vault_heap_release(void *memory)
{
	if (!is_here(memory)) {
		free(memory);
		return;
	}
	struct vault_heap *heap = entered();
	struct piece *piece = (struct piece *)memory - 1;

	explicit_bzero(memory, bytes_of(piece));
	piece->next = heap->waiting[piece->order];
	heap->waiting[piece->order] = piece;
}

void *vault_heap_realloc(void *memory, size_t size)
{
	if (!memory)
		return vault_heap_malloc(size);
	if (!is_here(memory))
		return realloc(memory, size);
	size_t had = bytes_of((struct piece *)memory - 1);

	if (size <= had)
		return memory;
	void *larger = take(entered(), size);

	if (!larger)
		return NULL;
	memcpy(larger, memory, had);
	vault_heap_release(memory);
	return larger;
}

char *vault_heap_strdup(const char *string)
{
	size_t len = strlen(string) + 1;
	char *copy = vault_heap_malloc(len);

	if (copy)
		memcpy(copy, string, len);
	return copy;
}
