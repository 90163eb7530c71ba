/* process - what this process looks like from outside the plugin. See
 * process.h.
 */
#include "process.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 64, PROC_TEXT = 4096, EXITING = 4 /* PF_EXITING */ };

static bool read_proc(const char *path, char buf[PROC_TEXT])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return false;
	len = read(fd, buf, PROC_TEXT - 1);
	close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return len > 0;
}

static int compare(const void *left, const void *right)
{
	int a = *(const int *)left, b = *(const int *)right;

	return (a > b) - (a < b);
}

static void read_numbers(const char *path, struct process_list *list)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	list->count = 0;
	if (!folder)
		return;
	while ((entry = readdir(folder)) != NULL && list->count < PROCESS_MAX) {
		char *end;
		long number = strtol(entry->d_name, &end, 10);

		if (end != entry->d_name && number != dirfd(folder))
			list->ids[list->count++] = (int)number;
	}
	closedir(folder);
	qsort(list->ids, list->count, sizeof(list->ids[0]), compare);
}

void process_files(struct process_list *list)
{
	read_numbers("/proc/self/fd", list);
}

/* pthread_join() returns a moment before the kernel forgets the thread; it then
 * runs no code any more, and its flags say so. The name may hold anything, so
 * what follows it is counted from its last parenthesis. */
static bool is_exiting(int thread)
{
	char path[PATH_ROOM], text[PROC_TEXT];
	const char *at;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	if (!read_proc(path, text))
		return true;
	at = strrchr(text, ')');
	for (int field = 2; at && field < 9; field++)
		at = strchr(at + 1, ' ');
	return at && (strtoul(at, NULL, 10) & EXITING) != 0;
}

void process_threads(struct process_list *list)
{
	struct process_list all;

	read_numbers("/proc/self/task", &all);
	list->count = 0;
	for (size_t i = 0; i < all.count; i++)
		if (!is_exiting(all.ids[i]))
			list->ids[list->count++] = all.ids[i];
}

int process_next_new(const struct process_list *now,
		     const struct process_list *before, size_t *at)
{
	while (*at < now->count) {
		const int *id = &now->ids[(*at)++];

		if (!bsearch(id, before->ids, before->count, sizeof(*id),
			     compare))
			return *id;
	}
	return -1;
}

uint64_t process_queued_ns(void)
{
	char text[PROC_TEXT];
	const char *at = read_proc("/proc/thread-self/schedstat", text)
			     ? strchr(text, ' ')
			     : NULL;

	return at ? strtoull(at, NULL, 10) : 0;
}

size_t process_resident(void)
{
	char text[PROC_TEXT];
	const char *at =
	    read_proc("/proc/self/statm", text) ? strchr(text, ' ') : NULL;

	return at ? strtoul(at, NULL, 10) * (size_t)sysconf(_SC_PAGESIZE) : 0;
}

void process_describe_file(int fd, char *buf, size_t cap)
{
	char path[PATH_ROOM];
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	len = readlink(path, buf, cap - 1);
	buf[len > 0 ? len : 0] = '\0';
}

bool process_file_closes_on_exec(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return flags < 0 || (flags & FD_CLOEXEC) != 0;
}

void process_describe_thread(int thread, char *buf, size_t cap)
{
	char path[PATH_ROOM], text[PROC_TEXT];

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", thread);
	if (!read_proc(path, text))
		snprintf(text, sizeof(text), "gone");
	text[strcspn(text, "\n")] = '\0';
	crm_text_copy(buf, cap, text);
}

/* KILL and STOP cannot be blocked; a fault hits who caused it; glibc keeps 32
 * and 33 for itself. */
static bool is_askable(int number)
{
	static const int exempt[] = {SIGKILL, SIGSTOP, SIGILL, SIGTRAP, SIGBUS,
				     SIGFPE,  SIGSEGV, SIGSYS, 32,      33};

	for (size_t i = 0; i < sizeof(exempt) / sizeof(exempt[0]); i++)
		if (number == exempt[i])
			return false;
	return true;
}

bool process_thread_blocks_signals(int thread, char *buf, size_t cap)
{
	char path[PATH_ROOM], proc[PROC_TEXT];
	struct crm_text text = crm_text_in(buf, cap);
	const char *line;
	uint64_t mask;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", thread);
	line = read_proc(path, proc) ? strstr(proc, "SigBlk:") : NULL;
	if (!line)
		return true;
	mask = strtoull(line + strlen("SigBlk:"), NULL, 16);
	for (int number = 1; number <= 64; number++) {
		const char *name = sigabbrev_np(number);

		if (!is_askable(number) || (mask >> (number - 1) & 1) != 0)
			continue;
		if (name)
			crm_text_add(&text, " %s", name);
		else
			crm_text_add(&text, " %d", number);
	}
	return text.len == 0;
}

/* ---------------------------------------------------------------- surroundings
 */

/* A copy of the global locale names its categories, and asks nobody to set it.
 */
static void describe_locale(struct crm_text *text)
{
	static const int categories[] = {LC_CTYPE,   LC_NUMERIC,  LC_TIME,
					 LC_COLLATE, LC_MONETARY, LC_MESSAGES};
	locale_t copy = duplocale(LC_GLOBAL_LOCALE);

	if (!copy)
		return;
	for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
		crm_text_add(
		    text, "category %d: %s\n", categories[i],
		    nl_langinfo_l(NL_LOCALE_NAME(categories[i]), copy));
	freelocale(copy);
	crm_text_add(text, "this thread has %s\n",
		     uselocale((locale_t)0) == LC_GLOBAL_LOCALE
			 ? "the global one"
			 : "one of its own");
}

static void describe_directory(struct crm_text *text)
{
	char path[PROC_TEXT];
	ssize_t len = readlink("/proc/self/cwd", path, sizeof(path) - 1);

	path[len > 0 ? len : 0] = '\0';
	crm_text_add(text, "%s\n", path);
}

/* umask() cannot be asked without being set. */
static void describe_umask(struct crm_text *text)
{
	char proc[PROC_TEXT];
	const char *line = read_proc("/proc/self/status", proc)
			       ? strstr(proc, "Umask:")
			       : NULL;

	if (line)
		crm_text_add(text, "%.*s\n", (int)strcspn(line, "\n"), line);
}

static void describe_environment(struct crm_text *text)
{
	for (char **entry = environ; entry && *entry; entry++)
		crm_text_add(text, "%s\n", *entry);
}

static void describe_mask(struct crm_text *text)
{
	sigset_t mask;

	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	for (int number = 1; number <= 64; number++)
		crm_text_add(text, "signal %d: %s\n", number,
			     sigismember(&mask, number) == 1 ? "blocked"
							     : "let through");
}

/* The C library sets SA_RESTORER whenever a handler is put back, and hides its
 * name: who puts back what was there has left it alone. */
static void describe_handlers(struct crm_text *text)
{
	enum { RESTORER = 0x04000000 };
	struct sigaction action;

	for (int number = 1; number <= 64; number++)
		if (sigaction(number, NULL, &action) == 0)
			crm_text_add(
			    text,
			    "signal %d: handler %#" PRIxPTR ", flags %#x\n",
			    number, (uintptr_t)action.sa_handler,
			    (unsigned)action.sa_flags & ~(unsigned)RESTORER);
}

const struct process_aspect process_locale = {"the locale", describe_locale},
			    process_directory = {"the working directory",
						 describe_directory},
			    process_umask = {"the umask", describe_umask},
			    process_environment = {"the environment",
						   describe_environment},
			    process_mask = {"the caller's signal mask",
					    describe_mask},
			    process_handlers = {"the signal handlers",
						describe_handlers};
