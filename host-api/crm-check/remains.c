/* remains - what a plugin left in the process. See remains.h. */
#include "remains.h"

enum { DESCRIPTION = 256 };

void remains_judge(struct stand *stand)
{
	struct process_list now;
	char what[DESCRIPTION];
	size_t at = 0;
	int id;

	process_threads(&now);
	while ((id = process_next_new(&now, &stand->threads, &at)) >= 0) {
		process_describe_thread(id, what, sizeof(what));
		verdict_fail(stand->verdict, "the thread '%s' is left", what);
	}
	process_files(&now);
	at = 0;
	while ((id = process_next_new(&now, &stand->files, &at)) >= 0) {
		process_describe_file(id, what, sizeof(what));
		verdict_fail(stand->verdict, "file descriptor %d is left: %s",
			     id, what);
	}
}
