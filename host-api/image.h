/* image - looks at a file's bytes before dlopen() may: is it a shared object,
 * for this machine, and all there? dlopen() itself kills the process when it is
 * not. It is no linker: what libraries and symbols are missing, dlopen() tells.
 */
#ifndef CRM_IMAGE_H
#define CRM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

/* Reads from an open regular file. True when dlopen() may have it; else the
 * reason is in `why`. Survives any content. */
bool crm_image_check(int fd, size_t file_size, char *why, size_t why_cap);

#endif
