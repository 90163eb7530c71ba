/* vault - see vault.h. Each piece is a mapping of its own, that begins with its
 * size. */
#include "vault.h"

#include <stdalign.h>
#include <string.h>
#include <sys/mman.h>

struct piece {
	alignas(max_align_t) size_t size; /* of the mapping */
};

void *vault_new(size_t size)
{
	size_t whole = size + sizeof(struct piece);
	struct piece *piece = whole < size
				  ? MAP_FAILED
				  : mmap(NULL, whole, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (piece == MAP_FAILED)
		return NULL;
	/* What the kernel does not know it cannot promise. */
	if (madvise(piece, whole, MADV_DONTDUMP) != 0 ||
	    madvise(piece, whole, MADV_WIPEONFORK) != 0) {
		munmap(piece, whole);
		return NULL;
	}
	/* As far as the limits go: what is swapped lies on a disk. */
	(void)mlock(piece, whole);
	piece->size = whole;
	return piece + 1;
}

void vault_free(void *memory)
{
	if (!memory)
		return;
	struct piece *piece = (struct piece *)memory - 1;
	size_t size = piece->size;

	explicit_bzero(piece, size);
	munmap(piece, size);
}

char *vault_copy(const char *bytes, size_t len)
{
	char *copy = vault_new(len + 1);

	if (copy)
		memcpy(copy, bytes, len);
	return copy;
}
