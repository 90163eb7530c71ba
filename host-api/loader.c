/* loader - opens a plugin file, or says in one line why not. See loader.h.
 *
 * The file is inspected first and opened by name afterwards. That is safe from
 * a swap in between without tricks: only root and we can write the file or any
 * directory above it, so nobody else can replace it. */
#include "loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"
#include "text.h"

/* For whom a file is judged, and where the reason goes. */
struct refusal {
	uid_t self;
	char *why;
	size_t cap;
};

__attribute__((format(printf, 2, 3))) static bool
refuse(const struct refusal *refusal, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(refusal->why, refusal->cap, format, ap);
	va_end(ap);
	return false;
}

/* Who but root and this process could write here? NULL when nobody. */
static const char *foreign_writer(mode_t mode)
{
	if (mode & S_IWOTH)
		return "everyone";
	return mode & S_IWGRP ? "its group" : NULL;
}

static bool is_trusted(uid_t owner, const struct refusal *refusal)
{
	return owner == 0 || owner == refusal->self;
}

static bool check_rights(const char *path, const struct stat *status,
			 const struct refusal *refusal)
{
	const char *writer = foreign_writer(status->st_mode);

	if (writer)
		return refuse(
		    refusal,
		    "file '%s' is writable by %s (mode %04o); chmod go-w it",
		    path, writer, (unsigned)(status->st_mode & 07777));
	if (!is_trusted(status->st_uid, refusal))
		return refuse(refusal,
			      "file '%s' belongs to uid %u; it must belong to "
			      "root or to this process (uid %u)",
			      path, (unsigned)status->st_uid,
			      (unsigned)refusal->self);
	return true;
}

/* One directory of the path. In a sticky one nobody can replace an entry of
 * another's, and what lies below was found to be root's or ours before. */
static bool check_directory(const char *path, const struct refusal *refusal)
{
	struct stat status;
	const char *writer;

	if (stat(path, &status) != 0)
		return refuse(refusal, "directory '%s': %s", path,
			      strerror(errno));
	if (!is_trusted(status.st_uid, refusal))
		return refuse(refusal,
			      "directory '%s' belongs to uid %u; install the "
			      "plugin where only root can write",
			      path, (unsigned)status.st_uid);
	writer = foreign_writer(status.st_mode);
	if (writer && !(status.st_mode & S_ISVTX))
		return refuse(refusal,
			      "directory '%s' is writable by %s (mode %04o); "
			      "install the plugin where only root can write",
			      path, writer, (unsigned)(status.st_mode & 07777));
	return true;
}

/* Every directory from the file up to the root. */
static bool check_directories(const char *resolved,
			      const struct refusal *refusal)
{
	char path[PATH_MAX];
	char *slash;

	crm_text_copy(path, sizeof(path), resolved);
	while ((slash = strrchr(path, '/')) != NULL && slash != path) {
		*slash = '\0';
		if (!check_directory(path, refusal))
			return false;
	}
	return check_directory("/", refusal);
}

static bool check_opened(int fd, const char *resolved,
			 const struct refusal *refusal)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return refuse(refusal, "%s", strerror(errno));
	if (!S_ISREG(status.st_mode))
		return refuse(refusal, "not a regular file");
	return check_rights(resolved, &status, refusal) &&
	       check_directories(resolved, refusal) &&
	       crm_image_check(fd, (size_t)status.st_size, refusal->why,
			       refusal->cap);
}

bool crm_loader_check_directory(const char *path, uid_t self, char *why,
				size_t why_cap)
{
	const struct refusal refusal = {self, why, why_cap};

	return check_directory(path, &refusal);
}

bool crm_loader_check_file(const char *path, uid_t self, char *resolved,
			   char *why, size_t why_cap)
{
	struct refusal refusal = {self, why, why_cap};
	bool good;
	int fd;

	if (path[0] != '/')
		return refuse(&refusal, "plugin path must be absolute");
	if (!realpath(path, resolved))
		return refuse(&refusal, "%s", strerror(errno));
	/* O_NONBLOCK: opening a pipe must not wait for its writer. */
	fd = open(resolved, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENXIO || errno == ENODEV))
		return refuse(&refusal, "not a regular file");
	if (fd < 0)
		return refuse(&refusal, "%s", strerror(errno));
	good = check_opened(fd, resolved, &refusal);
	close(fd);
	return good;
}

bool crm_loader_may_deepbind(void)
{
	void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
	bool own;

	if (!libc)
		return false;
	own = dlsym(RTLD_DEFAULT, "malloc") == dlsym(libc, "malloc");
	dlclose(libc);
	return own;
}

/* The plugin's own constant: dlsym() also looks into the libraries that it is
 * linked with, and one of those may be a plugin, too. */
static const void *find_entry(void *handle, size_t *size)
{
	const void *entry = dlsym(handle, "crm_entry");
	struct link_map *own = NULL, *found = NULL;
	const ElfW(Sym) *symbol = NULL;
	Dl_info info;

	if (!entry || dlinfo(handle, RTLD_DI_LINKMAP, &own) != 0)
		return NULL;
	if (dladdr1(entry, &info, (void **)&found, RTLD_DL_LINKMAP) == 0 ||
	    found != own)
		return NULL;
	*size = 0;
	if (dladdr1(entry, &info, (void **)&symbol, RTLD_DL_SYMENT) != 0 &&
	    symbol)
		*size = symbol->st_size;
	return entry;
}

static bool check_version(const struct crm_entry *entry,
			  const struct refusal *refusal)
{
	if (entry->abi_major == CRM_ABI_MAJOR)
		return true;
	return refuse(
	    refusal, "built for plugin ABI %u.%u; this host provides %d.%d; %s",
	    entry->abi_major, entry->abi_minor, CRM_ABI_MAJOR, CRM_ABI_MINOR,
	    entry->abi_major > CRM_ABI_MAJOR ? "upgrade the host"
					     : "rebuild the plugin");
}

static bool check_members(const struct crm_entry *entry,
			  const struct refusal *refusal)
{
	const char *missing = NULL;

	if (!entry->create)
		missing = "create";
	if (!entry->version || entry->version[0] == '\0')
		missing = "version";
	if (!entry->id || entry->id[0] == '\0')
		missing = "id";
	if (missing)
		return refuse(refusal, "entry is incomplete: %s is not set",
			      missing);
	/* Version 1.0 knows no extension of the host's that a plugin could
	 * need. */
	if (entry->requires_ext && entry->requires_ext[0])
		return refuse(refusal,
			      "needs host extension '%s', which this host does "
			      "not provide",
			      entry->requires_ext[0]);
	return true;
}

/* Reads the entry's bytes, no more of them than the symbol has. */
static bool check_entry(const void *found, size_t size,
			const struct refusal *refusal)
{
	const struct crm_entry *entry = (const struct crm_entry *)found;
	uint32_t magic = 0, entry_size;

	if (size >= sizeof(magic))
		memcpy(&magic, found, sizeof(magic));
	if (magic != CRM_MAGIC || size < offsetof(struct crm_entry, id))
		return refuse(
		    refusal,
		    "symbol 'crm_entry' is not a plugin entry (magic %08x)",
		    (unsigned)magic);
	if (!check_version(entry, refusal))
		return false;
	entry_size = entry->size;
	if (size < sizeof(*entry) && entry_size == sizeof(*entry))
		entry_size = (uint32_t)size;
	if (entry_size != sizeof(*entry))
		return refuse(refusal,
			      "entry is %u bytes, expected %zu; rebuild the "
			      "plugin with this host's crm_plugin.h",
			      (unsigned)entry_size, sizeof(*entry));
	return check_members(entry, refusal);
}

static bool check_twice(const struct crm_entry *entry,
			const struct crm_file_name *loaded, size_t count,
			const struct refusal *refusal)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(loaded[i].id, entry->id) == 0)
			return refuse(refusal,
				      "plugin '%s' is already loaded from '%s'",
				      entry->id, loaded[i].path);
	return true;
}

/* Without RTLD_DEEPBIND a plugin that is linked with a library calls the host's
 * function of the same name instead, where the host has one. */
static bool open_file(const char *resolved, struct crm_file *file,
		      const struct refusal *refusal)
{
	int flags = RTLD_NOW | RTLD_LOCAL;

	file->deepbind = crm_loader_may_deepbind();
	if (file->deepbind)
		flags |= RTLD_DEEPBIND;
	file->handle = dlopen(resolved, flags);
	return file->handle || refuse(refusal, "%s", dlerror());
}

bool crm_loader_open(const char *path, const struct crm_file_name *loaded,
		     size_t loaded_count, struct crm_file *file, char *why,
		     size_t why_cap)
{
	char resolved[PATH_MAX], reason[1024] = "";
	struct refusal refusal = {geteuid(), reason, sizeof(reason)};
	const void *entry;
	size_t size = 0;

	*file = (struct crm_file){NULL, NULL, false};
	if (!crm_loader_check_file(path, geteuid(), resolved, reason,
				   sizeof(reason)) ||
	    !open_file(resolved, file, &refusal))
		goto refused;
	entry = find_entry(file->handle, &size);
	if (!entry) {
		refuse(&refusal,
		       "exports no 'crm_entry'; it is not a CRM plugin");
		goto refused;
	}
	if (!check_entry(entry, size, &refusal) ||
	    !check_twice(entry, loaded, loaded_count, &refusal))
		goto refused;
	file->entry = entry;
	return true;

refused:
	crm_loader_close(file);
	snprintf(why, why_cap, "plugin '%s' not loaded: %s", path, reason);
	return false;
}

void crm_loader_close(struct crm_file *file)
{
	if (file->handle)
		dlclose(file->handle);
	*file = (struct crm_file){NULL, NULL, false};
}
