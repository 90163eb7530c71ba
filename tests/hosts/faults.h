/* faults - what the driver does to itself, so that a plugin meets it: a wall
 * clock that is wrong, threads that cannot be made, names that cannot be looked
 * up, signals that interrupt every call, forks. The functions of libc that it stands before are the program's, so
 * the plugin's calls come here first; nothing is changed until it is told to. It
 * knows nothing of plugins. */
#ifndef TESTS_HOSTS_FAULTS_H
#define TESTS_HOSTS_FAULTS_H

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STANDS_BEFORE __attribute__((visibility("default")))

static atomic_llong wall_offset_ns;  /* how wrong the wall clock is */
static atomic_llong steady_ahead_ns; /* what the other one was moved on */
static atomic_long threads_left;     /* the one that fails; 0: none does */
static atomic_bool names_hang;       /* while they are looked up */
static atomic_ulong signals_seen;

/* ----------------------------------------------------------------- clocks */

STANDS_BEFORE int clock_gettime(clockid_t id, struct timespec *at)
{
	static int (*_Atomic libc)(clockid_t, struct timespec *);
	int (*real)(clockid_t, struct timespec *) = atomic_load(&libc);

	if (!real) {
		real = (int (*)(clockid_t, struct timespec *))(uintptr_t)dlsym(
		    RTLD_NEXT, "clock_gettime");
		atomic_store(&libc, real);
	}
	int result = real(id, at);
	bool wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
	long long offset =
	    atomic_load(wall ? &wall_offset_ns : &steady_ahead_ns);
	if (result != 0 || offset == 0 || (!wall && id != CLOCK_MONOTONIC))
		return result;
	long long ns = at->tv_sec * 1000000000LL + at->tv_nsec + offset;
	at->tv_sec = ns / 1000000000;
	at->tv_nsec = ns % 1000000000;
	if (at->tv_nsec < 0) {
		at->tv_nsec += 1000000000;
		at->tv_sec--;
	}
	return 0;
}

STANDS_BEFORE int gettimeofday(struct timeval *restrict at, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	clock_gettime(CLOCK_REALTIME, &now);
	*at = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
	return 0;
}

STANDS_BEFORE time_t time(time_t *at)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (at)
		*at = now.tv_sec;
	return now.tv_sec;
}

/* The wall clock is to show that Unix time; 0: the right one. */
static void faults_set_wall(long long unix_ms)
{
	struct timespec now;

	atomic_store(&wall_offset_ns, 0);
	if (unix_ms == 0)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	atomic_store(&wall_offset_ns, unix_ms * 1000000 -
					  now.tv_sec * 1000000000LL -
					  now.tv_nsec);
}

/* The steady clock goes on by so much at once. Who sleeps until a moment of it
 * sleeps on. */
static void faults_advance(long long ms)
{
	atomic_fetch_add(&steady_ahead_ns, ms * 1000000);
}

/* ---------------------------------------------------------------- threads */

STANDS_BEFORE int pthread_create(pthread_t *restrict id,
				 const pthread_attr_t *restrict attributes,
				 void *(*run)(void *), void *restrict argument)
{
	typedef int create(pthread_t *, const pthread_attr_t *,
			   void *(*)(void *), void *);
	create *real = (create *)(uintptr_t)dlsym(RTLD_NEXT, "pthread_create");

	if (atomic_load(&threads_left) > 0 &&
	    atomic_fetch_sub(&threads_left, 1) == 1)
		return EAGAIN;
	return real(id, attributes, run, argument);
}

/* ------------------------------------------------------------------ names */

/* Names that end in ".test" are 127.0.0.1. */
STANDS_BEFORE int getaddrinfo(const char *restrict node,
			      const char *restrict service,
			      const struct addrinfo *restrict hints,
			      struct addrinfo **restrict list)
{
	typedef int look_up(const char *, const char *, const struct addrinfo *,
			    struct addrinfo **);
	look_up *real = (look_up *)(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");
	struct in_addr address;
	bool is_name = node && !(hints && hints->ai_flags & AI_NUMERICHOST) &&
		       inet_pton(AF_INET, node, &address) != 1;
	const char *end = node ? strrchr(node, '.') : NULL;

	while (is_name && atomic_load(&names_hang))
		poll(NULL, 0, 5);
	if (is_name && end && strcmp(end, ".test") == 0)
		node = "127.0.0.1";
	return real(node, service, hints, list);
}

/* ---------------------------------------------------------------- signals */

static void count_signal(int number)
{
	(void)number;
	atomic_fetch_add(&signals_seen, 1);
}

/* From now on each of these interrupts what it meets, and ends nothing. */
static void faults_handle_signals(void)
{
	struct sigaction action = {.sa_handler = count_signal};

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
}

/* SIGALRM every so many microseconds; 0: no more. */
static void faults_set_timer(long us)
{
	struct timeval every = {us / 1000000, us % 1000000};
	struct itimerval timer = {every, every};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* The driver's own reading and writing is not what is tested. */
static void faults_hold_signals(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, before);
}

static void faults_release_signals(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* ------------------------------------------------------------------ forks */

/* 0 in the child, which dies with its parent. */
static pid_t faults_fork(void)
{
	pid_t parent = getpid(), child = fork();

	if (child == 0 &&
	    (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
		_exit(3);
	return child;
}

static int faults_wait(pid_t child)
{
	int status = -1;

	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

/* The child takes its commands from one named pipe and writes to another. */
static bool faults_talk_through(const char *in, const char *out)
{
	return freopen(in, "r", stdin) && freopen(out, "w", stdout);
}

#endif
