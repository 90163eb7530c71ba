/* media_type - see media_type.h. */
#include "media_type.h"

#include <stdbool.h>
#include <string.h>

const struct media_type media_types[] = {
    [MEDIA_WAV] = {"audio/wav", ".wav"},
    [MEDIA_MP3] = {"audio/mpeg", ".mp3"},
    [MEDIA_OGG] = {"audio/ogg", ".ogg"},
    [MEDIA_FLAC] = {"audio/flac", ".flac"},
    [MEDIA_MP4] = {"audio/mp4", ".m4a"},
    [MEDIA_AMR] = {"audio/amr", ".amr"},
    [MEDIA_AMR_WB] = {"audio/amr-wb", ".awb"},
    {NULL, NULL},
};

/* Of what phones and their services record. */
static bool is_mp4(const unsigned char *at)
{
	static const char brands[][5] = {
	    "M4A ", "M4B ", "isom", "iso2", "iso3", "iso4", "iso5",
	    "iso6", "iso7", "iso8", "iso9", "mp41", "mp42", "dash",
	    "3gp4", "3gp5", "3gp6", "3g2a", "MSNV", "qt  "};

	if (memcmp(at + 4, "ftyp", 4) != 0)
		return false;
	for (size_t i = 0; i < sizeof(brands) / sizeof(brands[0]); i++)
		if (memcmp(at + 8, brands[i], 4) == 0)
			return true;
	return false;
}

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
		return &media_types[MEDIA_WAV];
	if (memcmp(at, "ID3", 3) == 0 || is_mpeg_frame(at))
		return &media_types[MEDIA_MP3];
	if (memcmp(at, "OggS", 4) == 0)
		return &media_types[MEDIA_OGG];
	if (memcmp(at, "fLaC", 4) == 0)
		return &media_types[MEDIA_FLAC];
	if (memcmp(at, "#!AMR\n", 6) == 0)
		return &media_types[MEDIA_AMR];
	if (memcmp(at, "#!AMR-WB\n", 9) == 0)
		return &media_types[MEDIA_AMR_WB];
	if (is_mp4(at))
		return &media_types[MEDIA_MP4];
	return NULL;
}
