/* loader - opens a plugin file, or says in one line why not. It checks the file
 * and its entry and runs no plugin code but the dynamic linker's; what happens
 * with the plugin then is not its business. */
#ifndef CRM_LOADER_H
#define CRM_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "crm_plugin.h"

/* An opened plugin file. */
struct crm_file {
	void *handle;                  /* owned */
	const struct crm_entry *entry; /* borrowed from the file */
	bool deepbind;                 /* its own libraries come first */
};

/* The files of a host that are open already, to refuse the same id twice. */
struct crm_file_name {
	const char *id, *path;
};

/* [main] Opens the plugin at an absolute path. False, and nothing stays open,
 * with `plugin '<path>' not loaded: <reason>` in why. */
bool crm_loader_open(const char *path, const struct crm_file_name *loaded,
		     size_t loaded_count, struct crm_file *file, char *why,
		     size_t why_cap);
void crm_loader_close(struct crm_file *file);

/* [main] The part of it before dlopen(): path, owner, rights, ELF, for a
 * process of the user `self`. `resolved` has room for PATH_MAX bytes. The
 * reason has no prefix here. */
bool crm_loader_check_file(const char *path, uid_t self, char *resolved,
			   char *why, size_t why_cap);
/* [main] One directory of such a path. */
bool crm_loader_check_directory(const char *path, uid_t self, char *why,
				size_t why_cap);

/* [any] Does the process use libc's own malloc? Under another one (jemalloc, a
 * sanitizer) RTLD_DEEPBIND would mix the two. */
bool crm_loader_may_deepbind(void);

#endif
