/* process - what this process looks like from outside the plugin: its threads,
 * its open files, its surroundings. It only looks. */
#ifndef CRM_CHECK_PROCESS_H
#define CRM_CHECK_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "text.h"

enum { PROCESS_MAX = 4096 };

/* The threads, or the open files, sorted by number. */
struct process_list {
	int ids[PROCESS_MAX];
	size_t count;
};

/* A thread that was joined counts as gone, also while the kernel still buries
 * it. */
void process_threads(struct process_list *list);
void process_files(struct process_list *list);

/* The first of `now` that `before` has not, from index *at on; -1 for none. */
int process_next_new(const struct process_list *now,
		     const struct process_list *before, size_t *at);

/* How long this thread has waited for a processor, in nanoseconds; 0 where the
 * kernel does not tell. */
uint64_t process_queued_ns(void);

/* Memory of this process that is in use, in bytes. */
size_t process_resident(void);

/* What a file descriptor stands for, such as "socket:[1234]". */
void process_describe_file(int fd, char *buf, size_t cap);
bool process_file_closes_on_exec(int fd);

/* The name of a thread; which signals it lets through, of those that the kernel
 * can send it and that it did not cause itself, as a text; true when none. */
void process_describe_thread(int thread, char *buf, size_t cap);
bool process_thread_blocks_signals(int thread, char *buf, size_t cap);

/* One aspect of the surroundings, one line each thing. */
struct process_aspect {
	const char *name;
	void (*describe)(struct crm_text *text);
};
extern const struct process_aspect process_locale, process_directory,
    process_umask, process_environment, process_mask, process_handlers;

#endif
