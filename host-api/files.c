/* files - see files.h. */
#include "files.h"

#include <stdio.h>
#include <string.h>

enum { PATH, ASK, FOLDER, MEMBERS };
static const char *const members[MEMBERS] = {"path", "ask", "folder"};

static bool read_string(struct crm_json value, char *buf, size_t cap)
{
	ptrdiff_t len = crm_json_string(value, buf, cap);

	return len > 0 && (size_t)len < cap;
}

/* "/x/": neither the root itself nor a part of a name. */
static bool is_folder_path(const char *path)
{
	size_t len = strlen(path);

	return len > 2 && path[0] == '/' && path[len - 1] == '/';
}

bool crm_files_read(struct crm_files *files, struct crm_json member, char *why,
		    size_t why_cap)
{
	struct crm_json value[MEMBERS] = {{NULL, 0}};
	const char *problem = NULL;

	*files = (struct crm_files){0};
	if (!member.text ||
	    !crm_json_members(member.text, member.len, members, value, MEMBERS))
		problem = "is not an object";
	else if (!read_string(value[PATH], files->path, sizeof files->path) ||
		 !is_folder_path(files->path))
		problem = "has no 'path' such as \"/recordings/\"";
	else if (!read_string(value[ASK], files->ask, sizeof files->ask))
		problem = "has no 'ask', the path of a message";
	else if (!read_string(value[FOLDER], files->folder,
			      sizeof files->folder) ||
		 files->folder[0] != '/')
		problem = "has no 'folder', an absolute path";
	if (problem)
		snprintf(why, why_cap,
			 "'files' of " CRM_EXT_WIDGET_SERVICE " %s", problem);
	return !problem;
}

static bool is_id(const char *text)
{
	size_t len = strspn(text, "0123456789_-abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return len > 0 && len <= CRM_FILES_ID && text[len] == '\0';
}

bool crm_files_find(struct crm_files *files, struct crm_runtime *runtime,
		    const char *path, const char **id)
{
	char why[128];

	for (size_t i = 0; i < runtime->instance_count; i++) {
		struct crm_json member =
		    crm_instance_widget_member(runtime->instances[i], "files");
		size_t len;

		if (!member.text ||
		    !crm_files_read(files, member, why, sizeof why))
			continue;
		len = strlen(files->path);
		if (strncmp(path, files->path, len) != 0 || !is_id(path + len))
			continue;
		files->instance = runtime->instances[i];
		*id = path + len;
		return true;
	}
	return false;
}
