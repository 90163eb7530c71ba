/* process - a process knows itself from its children. */
#include "../../plugin/process.h"
#include "../tap.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child finds, as its exit status. */
static int of_child(int (*look)(struct process *process),
		    struct process *process)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(look(process));
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int finds_itself(struct process *process)
{
	return process_is_this(process);
}

static int finds_itself_later(struct process *process)
{
	return of_child(finds_itself, process);
}

static int begins_anew(struct process *process)
{
	process_begin(process);
	return process_is_this(process) && process_has_begun(process) &&
	       of_child(finds_itself, process) == 0;
}

static int ends(struct process *process)
{
	process_end(process);
	return !process_has_begun(process);
}

static void walk(struct process *process, const char *how)
{
	ok(process_has_begun(process) && process_is_this(process),
	   "%s: it is this process where it began", how);
	ok(of_child(finds_itself, process) == 0, "%s: and not its child", how);
	ok(of_child(finds_itself_later, process) == 0,
	   "%s: nor a child of that", how);
	ok(process_is_this(process), "%s: it still is", how);
	ok(of_child(begins_anew, process) == 1,
	   "%s: a child can begin for itself", how);
	ok(of_child(ends, process) == 1, "%s: or forget it", how);
}

int main(void)
{
	struct process process = {.id = 0};

	ok(!process_has_begun(&process), "nothing has begun yet");
	process_begin(&process);
	walk(&process, "by its mark");
	process_begin(&process);
	ok(process_is_this(&process), "to begin twice is to begin once");
	process_end(&process);
	process_end(&process);
	ok(!process_has_begun(&process), "it ends, twice as well");

	/* as where the kernel cannot wipe a mark */
	struct process number = {.id = 0};
	atomic_store(&number.id, getpid());
	walk(&number, "by its number");
	return tap_done();
}
