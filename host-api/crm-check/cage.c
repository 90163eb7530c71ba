/* cage - runs one check where it can do no harm. See cage.h. */
#include "cage.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

static void run_here(const struct trial *trial)
{
	trial->check->run(trial);
	atomic_store(&trial->verdict->ended, true);
}

static void run_as_child(const struct trial *trial, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	run_here(trial);
	_exit(0);
}

/* Waits for the child, at most until then. */
static bool wait_until(pid_t child, uint64_t until_ns, int *status)
{
	for (;;) {
		pid_t ended = waitpid(child, status, WNOHANG);

		if (ended == child)
			return true;
		if ((ended < 0 && errno != EINTR) || crm_clock_ns() > until_ns)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

static void tell_end(const struct trial *trial, int status)
{
	if (WIFSIGNALED(status))
		verdict_fail(trial->verdict, "it died of SIG%s: %s",
			     sigabbrev_np(WTERMSIG(status)),
			     sigdescr_np(WTERMSIG(status)));
	else if (!atomic_load(&trial->verdict->ended))
		verdict_fail(trial->verdict,
			     "the process was ended, with status %d",
			     WEXITSTATUS(status));
	else
		return;
	if (trial->check->hint)
		verdict_say(trial->verdict, "a sign of: %s",
			    trial->check->hint);
}

static void run_apart(const struct trial *trial)
{
	uint64_t until = crm_clock_after(trial->setup->seconds * 1000);
	pid_t parent = getpid(), child = fork();
	int status = 0;

	if (child < 0) {
		verdict_fail(trial->verdict, "cannot fork: %s",
			     strerror(errno));
		return;
	}
	if (child == 0)
		run_as_child(trial, parent);
	if (wait_until(child, until, &status)) {
		tell_end(trial, status);
		return;
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	verdict_fail(trial->verdict, "it did not end within %u s",
		     trial->setup->seconds);
	if (trial->check->hint)
		verdict_say(trial->verdict, "a sign of: %s",
			    trial->check->hint);
}

bool cage_run(const struct trial *trial)
{
	verdict_clear(trial->verdict);
	if (trial->setup->in_process)
		run_here(trial);
	else
		run_apart(trial);
	return atomic_load(&trial->verdict->problems) == 0;
}
