/* media_type - see media_type.h. */
#include "media_type.h"

#include <stdbool.h>
#include <string.h>

enum { WAV, MP3, OGG, FLAC, MP4 };

const struct media_type media_types[] = {
    [WAV] = {"audio/wav", ".wav"}, [MP3] = {"audio/mpeg", ".mp3"},
    [OGG] = {"audio/ogg", ".ogg"}, [FLAC] = {"audio/flac", ".flac"},
    [MP4] = {"audio/mp4", ".m4a"}, {NULL, NULL},
};

/* The header of an MPEG audio frame: eleven bits of 1, and then no value that is
 * reserved (version, layer, bit rate, sampling rate). */
static bool is_mpeg_frame(const unsigned char *at)
{
	return at[0] == 0xff && (at[1] & 0xe0) == 0xe0 &&
	       (at[1] & 0x18) != 0x08 && (at[1] & 0x06) != 0 &&
	       (at[2] & 0xf0) != 0xf0 && (at[2] & 0x0c) != 0x0c;
}

const struct media_type *media_type_of(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;

	if (len < MEDIA_TYPE_BYTES)
		return NULL;
	if (memcmp(at, "RIFF", 4) == 0 && memcmp(at + 8, "WAVE", 4) == 0)
		return &media_types[WAV];
	if (memcmp(at, "ID3", 3) == 0 || is_mpeg_frame(at))
		return &media_types[MP3];
	if (memcmp(at, "OggS", 4) == 0)
		return &media_types[OGG];
	if (memcmp(at, "fLaC", 4) == 0)
		return &media_types[FLAC];
	if (memcmp(at + 4, "ftypM4A ", 8) == 0)
		return &media_types[MP4];
	return NULL;
}
