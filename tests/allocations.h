/* allocations - puts the program before the C library's allocator, so that any
 * allocation of its own, of a plugin and of the libraries can be made to fail,
 * and what is not freed be counted. To be included by one file of a program
 * that is linked with -rdynamic. Under a sanitizer blocks are its own, and what
 * leaks is for it to say. */
#ifndef TESTS_ALLOCATIONS_H
#define TESTS_ALLOCATIONS_H

#include <errno.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ALLOCATIONS_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ALLOCATIONS_SANITIZED
#endif
#ifdef ALLOCATIONS_SANITIZED
#define ALLOCATIONS_REAL(name) __interceptor_##name
#else
#define ALLOCATIONS_REAL(name) __libc_##name
#endif

#define ALLOCATIONS_EXPORT __attribute__((visibility("default")))

void *ALLOCATIONS_REAL(malloc)(size_t size);
void *ALLOCATIONS_REAL(calloc)(size_t count, size_t size);
void *ALLOCATIONS_REAL(realloc)(void *block, size_t size);
void ALLOCATIONS_REAL(free)(void *block);

static struct {
	atomic_long live;    /* blocks there are */
	atomic_long calls;   /* since the last allocations_fail() */
	atomic_long failing; /* the call that fails; 0: none */
	atomic_bool on;      /* and all after it */
	atomic_long failed;  /* calls that did */
	bool traced;         /* each failure tells its stack */
} allocations;

/* What this thread does is not counted and does not fail. */
static _Thread_local bool allocations_exempt;

/* The `nth` call from now on fails, by any thread; and, `on`, all after it. */
static inline void allocations_fail(long nth, bool on)
{
	atomic_store(&allocations.failing, 0);
	atomic_store(&allocations.calls, 0);
	atomic_store(&allocations.failed, 0);
	atomic_store(&allocations.on, on);
	atomic_store(&allocations.failing, nth);
}

/* Memory is given back. How many allocations failed. */
static inline long allocations_give_back(void)
{
	atomic_store(&allocations.failing, 0);
	return atomic_load(&allocations.failed);
}

static void allocations_trace(void)
{
	void *frames[40];

	allocations_exempt = true;
	backtrace_symbols_fd(frames, backtrace(frames, 40), 2);
	allocations_exempt = false;
}

static bool allocations_fails(void)
{
	long failing = atomic_load(&allocations.failing);

	if (failing == 0 || allocations_exempt)
		return false;
	long call = atomic_fetch_add(&allocations.calls, 1) + 1;
	if (call < failing || (call > failing && !atomic_load(&allocations.on)))
		return false;
	atomic_fetch_add(&allocations.failed, 1);
	if (allocations.traced)
		allocations_trace();
	errno = ENOMEM;
	return true;
}

static void *allocations_made(void *block)
{
	if (block)
		atomic_fetch_add(&allocations.live, 1);
	return block;
}

ALLOCATIONS_EXPORT void *malloc(size_t size)
{
	if (allocations_fails())
		return NULL;
	return allocations_made(ALLOCATIONS_REAL(malloc)(size));
}

ALLOCATIONS_EXPORT void *calloc(size_t count, size_t size)
{
	if (allocations_fails())
		return NULL;
	return allocations_made(ALLOCATIONS_REAL(calloc)(count, size));
}

ALLOCATIONS_EXPORT void free(void *block)
{
	if (block)
		atomic_fetch_sub(&allocations.live, 1);
	ALLOCATIONS_REAL(free)(block);
}

ALLOCATIONS_EXPORT void *realloc(void *block, size_t size)
{
	if (!block)
		return malloc(size);
	if (size == 0) {
		free(block);
		return NULL;
	}
	return allocations_fails() ? NULL
				   : ALLOCATIONS_REAL(realloc)(block, size);
}

#endif
