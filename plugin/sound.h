/* sound - whether a file holds the sound that its first bytes promise, as far as its
 * own frame tells: lengths against what is there, and that a second piece begins where
 * the first says that it ends. It trusts no name and no header, and hears nothing. */
#ifndef CALL_LOG_SOUND_H
#define CALL_LOG_SOUND_H

#include "media_type.h"

#include <stdbool.h>
#include <stdint.h>

/* NULL: it is none. *whole: as much as it should be. */
const struct media_type *sound_judge(int fd, uint64_t bytes, bool *whole);

#endif
