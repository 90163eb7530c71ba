/* folder - opens a file below a folder, and none elsewhere, whatever it is called
 * and whoever made links there. It reads nothing. */
#ifndef CRM_FOLDER_H
#define CRM_FOLDER_H

#include <stddef.h>
#include <stdint.h>

/* A regular file of that many bytes, at a path below the folder; or -1, with the
 * reason in `why`. The folder itself may be a link, nothing below it may. */
int crm_folder_open(const char *folder, const char *path, uint64_t bytes,
		    char *why, size_t why_cap);

#endif
