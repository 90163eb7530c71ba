/* verdict - what a check found. See verdict.h. */
#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct verdict *verdict_new(void)
{
	void *memory =
	    mmap(NULL, sizeof(struct verdict), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void verdict_free(struct verdict *verdict)
{
	if (verdict)
		munmap(verdict, sizeof(*verdict));
}

void verdict_clear(struct verdict *verdict)
{
	atomic_store(&verdict->ended, false);
	atomic_store(&verdict->problems, 0);
	atomic_store(&verdict->len, 0);
	memset(verdict->text, 0, sizeof(verdict->text));
}

/* Threads reserve their room first, so that no line tears another. What finds
 * no room is left out: the first lines say most. */
__attribute__((format(printf, 2, 0))) static void
add(struct verdict *verdict, const char *format, va_list ap)
{
	char line[VERDICT_LINE];
	size_t len, at;

	vsnprintf(line, sizeof(line) - 1, format, ap);
	for (len = 0; line[len] != '\0'; len++)
		if ((unsigned char)line[len] < ' ')
			line[len] = ' ';
	line[len++] = '\n';
	at = atomic_fetch_add(&verdict->len, len);
	if (at + len < sizeof(verdict->text))
		memcpy(verdict->text + at, line, len);
}

bool verdict_fail(struct verdict *verdict, const char *format, ...)
{
	va_list ap;

	atomic_fetch_add(&verdict->problems, 1);
	va_start(ap, format);
	add(verdict, format, ap);
	va_end(ap);
	return false;
}

void verdict_say(struct verdict *verdict, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(verdict, format, ap);
	va_end(ap);
}

bool verdict_need(struct verdict *verdict, bool condition, const char *sentence)
{
	return condition || verdict_fail(verdict, "%s", sentence);
}
