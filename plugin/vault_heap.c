/* vault_heap - see vault_heap.h. Pieces are of sizes that double, cut from large
 * vaults one after another; one that is given back waits, all zero, for the next of
 * its size. A heap is only ever used by one thread, so that it needs no lock, which
 * a fork could leave held. */
#include "vault_heap.h"

#include "vault.h"

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

/* The one variable of its kind: who calls back has nowhere to keep a context. */
static _Thread_local struct vault_heap *entered;

struct vault_heap *vault_heap_new(void)
{
	return calloc(1, sizeof(struct vault_heap));
}

void vault_heap_free(struct vault_heap *heap)
{
	if (!heap)
		return;
	if (entered == heap)
		entered = NULL;
	while (heap->blocks) {
		struct block *block = heap->blocks;

		heap->blocks = block->next;
		vault_free(block);
	}
	free(heap);
}

void vault_heap_enter(struct vault_heap *heap)
{
	entered = heap;
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
	return entered && memory && vault_heap_holds(entered, memory);
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
	return entered ? take(entered, size) : malloc(size);
}

/* Whatever is taken is zero. */
void *vault_heap_calloc(size_t count, size_t size)
{
	size_t all;

	if (!entered)
		return calloc(count, size);
	return __builtin_mul_overflow(count, size, &all) ? NULL
							 : take(entered, all);
}

void vault_heap_release(void *memory)
{
	if (!is_here(memory)) {
		free(memory);
		return;
	}
	struct piece *piece = (struct piece *)memory - 1;

	explicit_bzero(memory, bytes_of(piece));
	piece->next = entered->waiting[piece->order];
	entered->waiting[piece->order] = piece;
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
	void *larger = take(entered, size);

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
