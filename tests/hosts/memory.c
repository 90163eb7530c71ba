/* memory - a host for the tests that fails the Nth allocation of the process,
 * for every N, while a plugin does one thing: once, and from the Nth on until
 * memory is given back. Allocations of the plugin, of libpq, SQLite, cJSON and
 * of the C library for them count alike.
 *
 *   memory PLUGIN SOCKET WORK SAMPLES SEED [SCENARIO...]
 *   ONLY=N [ON=1] [TRACE=1] [VERBOSE=1] memory ... SCENARIO
 *
 * SOCKET is PostgreSQL's, whose schema is there and whose calls must not be named
 * bad...; WORK an empty folder; SAMPLES how many N of each scenario, -K for every
 * Kth one; without SCENARIO all. To look into one N there is the second line. On
 * stdout:
 *
 *   fault SCENARIO MODE N WHAT         something went wrong
 *   done SCENARIO MODE tried=N struck=N last=N failed=N
 *                                      last: the greatest N that struck
 *
 * WORK/acknowledged names each call that was answered as logged. A round of a
 * scenario makes a plugin anew; many rounds, one after another, share a process,
 * which is forked from one that has made a round already, so that what libraries
 * keep for ever is there and every other block has to be freed. */
#include "memory_scenarios.h"

#include "../allocations.h"

#include <pwd.h>
#include <dlfcn.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum {
	WORKERS = 8,
	ROUNDS = 8,     /* a process */
	UNSTRUCK = 12,  /* rounds without a failure, then all N were had */
	FAULTS_MAX = 8, /* a scenario, then no more N */
	ROUND_S = 90,   /* a round that lasts so long hangs */
	SHORT_MS = 500  /* memory stays away for no longer, where none waits */
};

/* What the processes share. */
static struct shared {
	atomic_long tried, struck, unstruck, last, failed, faults;
	atomic_long round[WORKERS]; /* the N under way */
	atomic_bool reported[WORKERS];
} * shared;

static struct plan {
	const struct scenario *scenario;
	bool on;
	long first, step;
} plan;

static int worker;
static bool warm; /* what libraries keep for ever is there */

/* The disk is not what is tested. */
ALLOCATIONS_EXPORT int fsync(int fd)
{
	(void)fd;
	return 0;
}

ALLOCATIONS_EXPORT int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* ---------------------------------------------------------------- rounds */

static void fault(const char *what)
{
	allocations_exempt = true;
	atomic_fetch_add(&shared->faults, 1);
	atomic_store(&shared->reported[worker], true);
	dprintf(1, "fault %s %s %ld %s\n", plan.scenario->name,
		plan.on ? "on" : "once", atomic_load(&shared->round[worker]),
		what);
	_exit(3);
}

static void exempt(bool is)
{
	allocations_exempt = is;
}

/* Whoever waits for what only memory brings has waited long enough. */
static bool memory_is_short(void)
{
	static uint64_t since_ns; /* 0: it is not */
	uint64_t now = now_ns();

	if (atomic_load(&allocations.failing) == 0 ||
	    !atomic_load(&allocations.on) ||
	    atomic_load(&allocations.failed) == 0)
		since_ns = 0;
	else if (since_ns == 0)
		since_ns = now;
	return since_ns != 0 && now - since_ns > SHORT_MS * 1000000ull;
}

static void check_blocks(long before)
{
	char what[64];
	long more = atomic_load(&allocations.live) - before;

#ifdef ALLOCATIONS_SANITIZED
	more = 0;
#endif
	snprintf(what, sizeof(what), "%ld blocks leak", more);
	if (more != 0 && warm)
		fault(what);
}

static void play(long n)
{
	const struct scenario *scenario = plan.scenario;

	atomic_store(&shared->round[worker], n);
	alarm(ROUND_S);
	round_begin(scenario->name, plan.on, n);
	long before = atomic_load(&allocations.live);
	if (!scenario->bare)
		host_open();
	if (scenario->prepare)
		scenario->prepare();
	allocations_fail(n > 0 ? n : LONG_MAX, plan.on);
	scenario->act();
	long calls = atomic_load(&allocations.calls);
	long failed = allocations_give_back();
	round_settle(scenario);
	check_blocks(before);
	round_end();
	alarm(0);
	if (n == 0) {
		atomic_store(&shared->last, calls);
		return;
	}
	atomic_fetch_add(&shared->tried, 1);
	atomic_fetch_add(&shared->failed, failed);
	atomic_fetch_add(failed > 0 ? &shared->struck : &shared->unstruck, 1);
	for (long last = atomic_load(&shared->last); failed > 0 && n > last;)
		if (atomic_compare_exchange_weak(&shared->last, &last, n))
			break;
}

/* ------------------------------------------------------------- processes */

static pid_t spawn(int slot, const long *rounds, int count)
{
	fflush(stdout);
	atomic_store(&shared->reported[slot], false);
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	worker = slot;
	host_forked(slot);
	for (int i = 0; i < count; i++)
		play(rounds[i]);
	host_left();
	exit(0);
}

/* How a worker ended, unless it said so. */
static void note_end(int slot, int status)
{
	if (status == 0 || atomic_load(&shared->reported[slot]))
		return;
	atomic_fetch_add(&shared->faults, 1);
	if (WIFSIGNALED(status))
		printf("fault %s %s %ld %s %d\n", plan.scenario->name,
		       plan.on ? "on" : "once",
		       atomic_load(&shared->round[slot]),
		       WTERMSIG(status) == SIGALRM ? "hangs, signal"
						   : "crashes, signal",
		       WTERMSIG(status));
	else
		printf("fault %s %s %ld ends with %d\n", plan.scenario->name,
		       plan.on ? "on" : "once",
		       atomic_load(&shared->round[slot]), WEXITSTATUS(status));
	fflush(stdout);
}

struct slot {
	pid_t pid;
	long rounds[ROUNDS];
	int count;
};

/* What is left of its rounds after the one that ended a process. */
static void drop_played(struct slot *slot, long last)
{
	int kept = 0;

	for (int i = 0; i < slot->count; i++)
		if (slot->rounds[i] > last)
			slot->rounds[kept++] = slot->rounds[i];
	slot->count = kept;
}

static bool is_over(long samples, long given)
{
	if (atomic_load(&shared->faults) >= FAULTS_MAX)
		return true;
	return samples > 0 ? given >= samples
			   : atomic_load(&shared->unstruck) >= UNSTRUCK;
}

static void play_all(long samples)
{
	struct slot slots[WORKERS] = {{0}};
	long given = 0;
	int running = 0, status;

	do {
		for (int s = 0; s < WORKERS; s++) {
			struct slot *slot = &slots[s];

			if (slot->pid)
				continue;
			while (slot->count < (samples > 0 ? 2 : ROUNDS) &&
			       !is_over(samples, given))
				slot->rounds[slot->count++] =
				    plan.first + plan.step * given++;
			if (slot->count == 0)
				continue;
			slot->pid = spawn(s, slot->rounds, slot->count);
			running++;
		}
		pid_t pid = running > 0 ? wait(&status) : 0;
		for (int s = 0; pid > 0 && s < WORKERS; s++) {
			if (slots[s].pid != pid)
				continue;
			note_end(s, status);
			drop_played(&slots[s],
				    status == 0
					? LONG_MAX
					: atomic_load(&shared->round[s]));
			slots[s].pid = 0;
			running--;
		}
	} while (running > 0 || !is_over(samples, given));
}

/* Without a failure; how many allocations there are. */
static long measure(void)
{
	static const long none[] = {0};
	int status;
	pid_t pid = spawn(0, none, 1);

	waitpid(pid, &status, 0);
	note_end(0, status);
	return status == 0 ? atomic_load(&shared->last) : 0;
}

static void play_scenario(const struct scenario *scenario, bool on,
			  long samples)
{
	memset(shared, 0, sizeof(*shared));
	plan = (struct plan){scenario, on, 1, 1};
	if (samples < 0)
		plan.step = -samples;
	long calls = measure();
	atomic_store(&shared->last, 0);
	if (samples > 0 && calls > samples)
		plan.step = calls / samples;
	plan.first = 1 + rand() % plan.step;
	if (atomic_load(&shared->faults) == 0)
		play_all(samples);
	printf("done %s %s tried=%ld struck=%ld last=%ld failed=%ld\n",
	       scenario->name, on ? "on" : "once", atomic_load(&shared->tried),
	       atomic_load(&shared->struck), atomic_load(&shared->last),
	       atomic_load(&shared->failed));
	fflush(stdout);
}

static void play_one(const char *name)
{
	memset(shared, 0, sizeof(*shared));
	host_forked(0);
	plan.on = getenv("ON") != NULL;
	for (const struct scenario *s = scenarios; s->name; s++)
		if (name && strcmp(s->name, name) == 0)
			plan.scenario = s;
	allocations.traced = getenv("TRACE") != NULL;
	play(strtol(getenv("ONLY"), NULL, 10));
	host_left();
}

static bool is_asked(const char *name, int count, char **names)
{
	for (int i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return count == 0;
}

int main(int argc, char **argv)
{
	void *frames[4];

	if (argc < 6) {
		printf("error: see the source\n");
		return 2;
	}
	backtrace(frames, 4); /* loads what it needs */
	/* Asks, and so loads for good, every service that knows users: libpq asks
	 * who we are, and the next service when one has no memory. */
	getpwnam("nobody has this name");
	void *file = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	const struct crm_entry *entry = file ? dlsym(file, "crm_entry") : NULL;
	if (!entry) {
		printf("error: %s\n", dlerror());
		return 2;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	host_init(entry, argv[2], argv[3]);
	srand((unsigned)strtoul(argv[5], NULL, 10));
	plan.scenario = scenarios;
	play(0);
	warm = true;
	play(0);
	host_left();
	if (getenv("ONLY")) {
		play_one(argv[6]);
		return 0;
	}
	for (const struct scenario *s = scenarios; s->name; s++) {
		if (!is_asked(s->name, argc - 6, argv + 6))
			continue;
		play_scenario(s, false, strtol(argv[4], NULL, 10));
		play_scenario(s, true, strtol(argv[4], NULL, 10));
	}
	return 0;
}
