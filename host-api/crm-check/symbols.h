/* symbols - the names in a shared object's file: what it exports, and what
 * stands at an address. It reads bytes and runs nothing. */
#ifndef CRM_CHECK_SYMBOLS_H
#define CRM_CHECK_SYMBOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbols {
	unsigned char *bytes; /* owned; the mapped file */
	size_t size;
};

/* The file must have passed crm_loader_check_file(). */
bool symbols_open(struct symbols *symbols, const char *path);
void symbols_close(struct symbols *symbols);

/* Calls `each` with every name that other objects can see. False when the file
 * has no table of them. */
bool symbols_each_exported(const struct symbols *symbols,
			   void (*each)(void *context, const char *name),
			   void *context);

/* The name of the function at an address of the file, or NULL when there is
 * none, or the file was stripped. */
const char *symbols_at(const struct symbols *symbols, uint64_t address);

#endif
