/* process - see process.h. The mark is a byte in a page that the kernel wipes in
 * a child. Where it cannot, the process is asked for its number. */
#include "process.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MARK_LEN = 1 }; /* of a page */

static const volatile char *make_mark(void)
{
	char *mark = mmap(NULL, MARK_LEN, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mark == MAP_FAILED)
		return NULL;
	if (madvise(mark, MARK_LEN, MADV_WIPEONFORK) != 0) {
		munmap(mark, MARK_LEN);
		return NULL;
	}
	*mark = 1;
	return mark;
}

void process_begin(struct process *process)
{
	if (process_has_begun(process) && process_is_this(process))
		return;
	process_end(process);
	atomic_store(&process->id, getpid());
	atomic_store(&process->mark, make_mark());
}

bool process_has_begun(const struct process *process)
{
	return atomic_load(&process->id) != 0;
}

bool process_is_this(const struct process *process)
{
	const volatile char *mark = atomic_load(&process->mark);

	return mark ? *mark != 0 : atomic_load(&process->id) == getpid();
}

void process_end(struct process *process)
{
	const volatile char *mark = atomic_load(&process->mark);

	atomic_store(&process->mark, NULL);
	atomic_store(&process->id, 0);
	if (mark)
		munmap((void *)mark, MARK_LEN);
}
