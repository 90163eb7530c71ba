/* vault_heap - the malloc() of a thread that is in it, and of one that is not. */
#include "../../plugin/vault_heap.h"
#include "../tap.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

enum { COUNT = 2000 };

static bool is_zero(const char *bytes, size_t len)
{
	while (len > 0 && bytes[len - 1] == 0)
		len--;
	return len == 0;
}

static void *elsewhere(void *heap)
{
	char *memory = vault_heap_strdup("x");
	bool held = vault_heap_holds(heap, memory);

	vault_heap_release(memory);
	return held ? heap : NULL;
}

/* Sizes of all kinds, in an order of no kind, each full of its own number. */
static bool many(const struct vault_heap *heap)
{
	static unsigned char *kept[COUNT];
	static size_t size[COUNT];
	bool right = true;
	unsigned number = 1;

	for (int round = 0; round < 5 * COUNT; round++) {
		number = number * 1103515245U + 12345U;
		size_t i = (number >> 8) % COUNT;

		for (size_t at = 0; kept[i] && at < size[i]; at++)
			right = right && kept[i][at] == (unsigned char)i;
		vault_heap_release(kept[i]);
		size[i] = (number >> 20) % (i % 50 == 0 ? 40000 : 300) + 1;
		kept[i] = vault_heap_malloc(size[i]);
		right = right && kept[i] && vault_heap_holds(heap, kept[i]) &&
			(uintptr_t)kept[i] % 16 == 0 &&
			is_zero((char *)kept[i], size[i]);
		if (kept[i])
			memset(kept[i], (int)i, size[i]);
	}
	for (size_t i = 0; i < COUNT; i++)
		vault_heap_release(kept[i]);
	return right;
}

int main(void)
{
	char *before = vault_heap_strdup("before");
	struct vault_heap *heap = vault_heap_new();
	pthread_t thread;
	void *held = heap;

	ok(heap && !vault_heap_holds(heap, before),
	   "without one it is malloc()");
	vault_heap_enter(heap);
	char *secret = vault_heap_strdup("secret");
	ok(vault_heap_holds(heap, secret), "with one it is in the heap");
	char *same = vault_heap_realloc(secret, 20);
	ok(same == secret, "which has some room left");
	same = vault_heap_realloc(secret, 200);
	is(same, "secret", "what grows keeps its content");
	ok(is_zero(secret, 7), "and leaves none");
	before = vault_heap_realloc(before, 1000);
	is(before, "before", "what was there before grows where it is");
	ok(!vault_heap_holds(heap, before), "which is not here");
	vault_heap_release(before);
	vault_heap_release(same);
	ok(is_zero(same, 200), "what is given back is overwritten");
	vault_heap_release(NULL);
	ok(many(heap), "pieces are apart, and zero when they are taken");
	ok(vault_heap_calloc(3, 5) && !vault_heap_calloc(SIZE_MAX / 2, 3) &&
	       !vault_heap_malloc(1 << 20) && !vault_heap_malloc(SIZE_MAX),
	   "what it cannot have it does not");
	pthread_create(&thread, NULL, elsewhere, heap);
	pthread_join(thread, &held);
	ok(!held, "other threads have malloc() meanwhile");
	vault_heap_enter(NULL);
	ok(!elsewhere(heap), "and so has this one when it has left");
	vault_heap_enter(heap);
	vault_heap_free(heap);
	vault_heap_free(NULL);
	before = vault_heap_strdup("after");
	is(before, "after", "and when the heap has ended");
	vault_heap_release(before);
	return tap_done();
}
