/* recording_parts - see recording_parts.h. */
#include "recording_parts.h"

#include "recording_file.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

enum { PATH_BYTES = 4096 };

static bool is_month(const char *name)
{
	return strlen(name) == RECORDING_MONTH - 1 && name[4] == '-' &&
	       strspn(name, "0123456789-") == RECORDING_MONTH - 1;
}

static bool next_month(const char *folder, char month[RECORDING_MONTH])
{
	char next[RECORDING_MONTH] = "";
	DIR *all = opendir(folder);

	for (struct dirent *one; all && (one = readdir(all));)
		if (is_month(one->d_name) && strcmp(one->d_name, month) > 0 &&
		    (!next[0] || strcmp(one->d_name, next) < 0))
			memcpy(next, one->d_name, sizeof(next));
	if (all)
		closedir(all);
	memcpy(month, next, sizeof(next));
	return next[0] != '\0';
}

/* Those that there is no room for come the next time. */
static void add_part(struct buf *names, const char *month, const char *file)
{
	char name[RECORDING_NAME_MAX];
	const char *ending = strstr(file, ".part");
	size_t len = ending ? (size_t)(ending - file) : 0;
	int done = snprintf(name, sizeof(name), "%s%s/%.*s",
			    names->len > 0 ? "\n" : "", month, (int)len, file);

	if (len > 0 && strcmp(ending, ".part") == 0 &&
	    strspn(file, "0123456789abcdef-") == len && done > 0 &&
	    (size_t)done < sizeof(name) &&
	    names->len + (size_t)done <= names->max)
		buf_add_string(names, name);
}

bool recording_parts_next(const char *folder, char month[RECORDING_MONTH],
			  struct buf *names)
{
	char path[PATH_BYTES];
	DIR *files;

	buf_clear(names);
	if (!next_month(folder, month))
		return false;
	snprintf(path, sizeof(path), "%s/%s", folder, month);
	files = opendir(path);
	for (struct dirent *one; files && (one = readdir(files));)
		add_part(names, month, one->d_name);
	if (files)
		closedir(files);
	return true;
}
