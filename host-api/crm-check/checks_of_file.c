/* checks_of_file - what can be said of a plugin's file: may it be loaded, what
 * does it export, does it run code that nobody called. It creates no plugin. */
#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "loader.h"
#include "symbols.h"

/* What a linker, a compiler's sanitizer or its coverage put there, and nobody
 * wrote. */
static bool is_generated(const char *name)
{
	static const char *const whole[] = {"_init",
					    "_fini",
					    "_edata",
					    "_end",
					    "__bss_start",
					    "frame_dummy",
					    "register_tm_clones"};
	static const char *const begin[] = {"_sub_I_", "asan.",      "tsan.",
					    "__asan",  "__odr_asan", "__tsan",
					    "__gcov"};

	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
		if (strcmp(name, whole[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(begin) / sizeof(begin[0]); i++)
		if (strncmp(name, begin[i], strlen(begin[i])) == 0)
			return true;
	return false;
}

/* The loader says all that ABI and file can be blamed for. */
static bool open_file(const struct trial *trial, struct crm_file *file)
{
	char why[VERDICT_LINE];

	return crm_loader_open(trial->setup->path, NULL, 0, file, why,
			       sizeof(why)) ||
	       verdict_fail(trial->verdict, "%s", why);
}

static void check_loads(const struct trial *trial)
{
	struct crm_file file;

	if (!open_file(trial, &file))
		return;
	verdict_say(trial->verdict, "%s %s", file.entry->id,
		    file.entry->version);
	crm_loader_close(&file);
}

/* Symbols are read only of a file that is whole. */
static bool open_symbols(const struct trial *trial, struct symbols *symbols)
{
	char resolved[PATH_MAX], why[VERDICT_LINE];

	if (!crm_loader_check_file(trial->setup->path, geteuid(), resolved, why,
				   sizeof(why)))
		return verdict_fail(trial->verdict, "%s", why);
	return symbols_open(symbols, resolved) ||
	       verdict_fail(trial->verdict, "cannot read the file");
}

static void see_exported(void *context, const char *name)
{
	if (strcmp(name, "crm_entry") != 0 && !is_generated(name))
		verdict_fail(context,
			     "it exports '%s'; compile with "
			     "-fvisibility=hidden",
			     name);
}

static void check_exports(const struct trial *trial)
{
	struct symbols symbols;

	if (!open_symbols(trial, &symbols))
		return;
	if (!symbols_each_exported(&symbols, see_exported, trial->verdict))
		verdict_fail(trial->verdict,
			     "it has no table of exported symbols");
	symbols_close(&symbols);
}

/* What the dynamic linker calls when it has mapped the file. */
struct initialisers {
	uintptr_t base; /* where the file is mapped */
	uintptr_t init; /* 0: none; both in memory */
	const uintptr_t *array;
	size_t count;
};

/* The address as a pointer, by way of one into the same file. */
static const uintptr_t *in_memory(const struct link_map *map, uintptr_t at)
{
	const char *here = (const char *)map->l_ld;

	return (const uintptr_t *)(const void *)(here + (at - (uintptr_t)here));
}

static bool find_initialisers(void *handle, struct initialisers *found)
{
	struct link_map *map = NULL;

	*found = (struct initialisers){0, 0, NULL, 0};
	if (dlinfo(handle, RTLD_DI_LINKMAP, &map) != 0)
		return false;
	found->base = map->l_addr;
	for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL;
	     entry++) {
		uintptr_t at = map->l_addr + entry->d_un.d_ptr;

		if (entry->d_tag == DT_INIT)
			found->init = at;
		if (entry->d_tag == DT_INIT_ARRAY)
			found->array = in_memory(map, at);
		if (entry->d_tag == DT_INIT_ARRAYSZ)
			found->count =
			    entry->d_un.d_val / sizeof(found->array[0]);
	}
	return true;
}

/* A compiler's own start files bring one function for the array. Where the
 * names were stripped, one is taken for that one. */
static void judge_initialisers(const struct trial *trial,
			       const struct initialisers *found,
			       const struct symbols *symbols)
{
	const char *name;

	for (size_t i = 0; found->array && i < found->count; i++) {
		name = symbols_at(symbols, found->array[i] - found->base);
		if (name ? !is_generated(name) : i > 0)
			verdict_fail(trial->verdict,
				     "it has a constructor, '%s'; do that in "
				     "create() or start()",
				     name ? name : "(its name was stripped)");
	}
	if (found->init == 0)
		return;
	name = symbols_at(symbols, found->init - found->base);
	if (name && !is_generated(name))
		verdict_fail(trial->verdict,
			     "'%s' runs when it is loaded; do that in create() "
			     "or start()",
			     name);
}

static void check_constructors(const struct trial *trial)
{
	struct initialisers found;
	struct symbols symbols;
	struct crm_file file;

	if (!open_symbols(trial, &symbols))
		return;
	if (open_file(trial, &file)) {
		if (find_initialisers(file.handle, &found))
			judge_initialisers(trial, &found, &symbols);
		else
			verdict_fail(trial->verdict, "%s", dlerror());
		crm_loader_close(&file);
	}
	symbols_close(&symbols);
}

/* Hosts load a plugin to look at it, and again to run it. Where it stays mapped
 * (-z nodelete) nothing grows at all. */
static void check_reloading(const struct trial *trial)
{
	enum { WARM_UP = 20, ROUNDS = 300, KB = 1024 };
	/* A sanitizer keeps something of each loading for its reports. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	enum { NOTICEABLE_KB = 64 * 1024 };
#else
	enum { NOTICEABLE_KB = 1024 };
#endif
	struct process_list before, after;
	struct crm_file file;
	size_t resident = 0, grown, at = 0;

	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		if (i == WARM_UP) {
			resident = process_resident();
			process_files(&before);
		}
		if (!open_file(trial, &file))
			return;
		crm_loader_close(&file);
	}
	process_files(&after);
	if (process_next_new(&after, &before, &at) >= 0)
		verdict_fail(trial->verdict, "loading it leaves a file open");
	grown = process_resident();
	grown = (grown > resident ? grown - resident : 0) / KB;
	verdict_say(trial->verdict,
		    "loaded and unloaded %d times; memory grew by %zu kB",
		    ROUNDS, grown);
	if (grown > NOTICEABLE_KB)
		verdict_fail(trial->verdict, "that is too much");
}

const struct check checks_of_file[] = {
    {"the file is safe to load and its entry is complete", check_loads, NULL,
     NULL},
    {"it exports crm_entry and nothing else", check_exports, NULL, NULL},
    {"it runs no code when it is loaded", check_constructors,
     "a constructor of it crashed or did not return", NULL},
    {"loading it 300 times leaves nothing behind", check_reloading, NULL, NULL},
    {NULL, NULL, NULL, NULL},
};
