/* media_type - what kind of sound a file holds, by its first bytes. It trusts no
 * name and no header, and does not listen to it. */
#ifndef CALL_LOG_MEDIA_TYPE_H
#define CALL_LOG_MEDIA_TYPE_H

#include <stddef.h>

struct media_type {
	const char *name;   /* "audio/mpeg" */
	const char *ending; /* ".mp3" */
};

enum {
	MEDIA_WAV,
	MEDIA_MP3,
	MEDIA_OGG,
	MEDIA_FLAC,
	MEDIA_MP4,
	MEDIA_AMR,
	MEDIA_AMR_WB
};

/* All that are known, in that order, ended by a NULL name. */
extern const struct media_type media_types[];

/* NULL: it is no sound. So many bytes are enough. */
enum { MEDIA_TYPE_BYTES = 16 };
const struct media_type *media_type_of(const void *bytes, size_t len);

#endif
