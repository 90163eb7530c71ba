/* known_file - the file behind the known calls: what this process learned goes
 * in, what others learned comes out. It is no store: it may be lost at any time,
 * and is then begun anew. Of one thread. */
#ifndef CALL_LOG_KNOWN_FILE_H
#define CALL_LOG_KNOWN_FILE_H

#include "known.h"

#include <stdbool.h>

struct known_file;

/* NULL: no memory. Whether a file can be had shows at known_file_begin(). */
struct known_file *known_file_new(const char *path, size_t max_calls);
/* `inherited`: by a fork; then only memory is freed. NULL is allowed. */
void known_file_free(struct known_file *file, bool inherited);

/* Without waiting. False: not now. err says why, and ERR_ROW that a damaged file
 * was put away and a fresh one serves next time. */
bool known_file_begin(struct known_file *file, struct err *err);

/* What is new since the last known_file_end() that succeeded, oldest first; at
 * first all. Text is borrowed until the next call. */
struct known_line {
	struct known_call call;
	bool logged; /* false: it is known not to be */
};
bool known_file_next(struct known_file *file, struct known_line *line);
/* To be called after all is read. */
bool known_file_put(struct known_file *file, const struct known_line *line);

/* False: nothing was written, and the same will be read again. */
bool known_file_end(struct known_file *file);

#endif
