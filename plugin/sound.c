/* sound - see sound.h. Lengths that are not told, since it was made as it was sent,
 * count as right. */
#include "sound.h"

#include <string.h>
#include <sys/types.h>
#include <unistd.h>

enum {
	PIECES_MAX = 1000, /* looked at; of tags, chunks, boxes and blocks */
	PADDING_MAX = 4096
};

struct source {
	int fd;
	uint64_t bytes;
};

static bool read_at(const struct source *source, uint64_t at, void *to,
		    size_t len)
{
	return at < source->bytes && source->bytes - at >= len &&
	       pread(source->fd, to, len, (off_t)at) == (ssize_t)len;
}

static uint64_t big(const unsigned char *at, size_t len)
{
	uint64_t number = 0;

	while (len-- > 0)
		number = number << 8 | *at++;
	return number;
}

static uint32_t little(const unsigned char *at)
{
	return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[1] << 8 | at[0];
}

/* ------------------------------------------------------------------- WAV */

/* Who writes into a pipe knows no length, and says one of these: as much as there can be,
 * less what they round it by. */
enum { UNTOLD = 0x7ffff000 };

static bool fits(uint32_t told, uint64_t there)
{
	return told == 0 || told >= UNTOLD || told <= there;
}

static bool is_wav(const struct source *source)
{
	unsigned char at[8];
	uint64_t start = 12;
	bool format = false;

	if (!read_at(source, 0, at, 8) ||
	    /* a last byte that only fills up is counted, not always written */
	    !fits(little(at + 4), source->bytes - 8 + (source->bytes & 1)))
		return false;
	for (int i = 0; i < PIECES_MAX && read_at(source, start, at, 8); i++) {
		uint32_t len = little(at + 4);

		start += 8;
		if (memcmp(at, "data", 4) == 0)
			return format && fits(len, source->bytes - start);
		format = format || memcmp(at, "fmt ", 4) == 0;
		start += (uint64_t)len + (len & 1);
	}
	return false;
}

/* ------------------------------------------------------------------- MP4 */

/* The length of the box; 0: it has none that can be. */
static uint64_t box_at(const struct source *source, uint64_t start,
		       unsigned char at[16])
{
	uint64_t left = source->bytes - start, len;

	if (!read_at(source, start, at, 8))
		return 0;
	len = big(at, 4);
	if (len == 0)
		return left;
	if (len == 1)
		len = read_at(source, start, at, 16) ? big(at + 8, 8) : 0;
	return len >= 8 && len <= left ? len : 0;
}

static bool is_mp4(const struct source *source)
{
	unsigned char at[16];
	uint64_t start = 0;
	bool index = false, data = false;

	for (int i = 0; i < PIECES_MAX && start < source->bytes; i++) {
		uint64_t len = box_at(source, start, at);

		if (len == 0)
			return false;
		index = index || memcmp(at + 4, "moov", 4) == 0;
		data = data || memcmp(at + 4, "mdat", 4) == 0;
		start += len;
	}
	return index && data;
}

/* ------------------------------------------------------------------- MP3 */

/* In kbit/s, of version 1 and the later ones, of layers 2 and 3 and, where it differs,
 * 1. */
static unsigned bit_rate(bool first, int layer, unsigned index)
{
	static const unsigned short rates[][16] = {
	    {0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384},
	    {0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320},
	    {0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256},
	    {0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160},
	};

	if (first && layer == 1)
		return 32 * (index & 15);
	if (first)
		return rates[layer == 2 ? 0 : 1][index & 15];
	return rates[layer == 1 ? 2 : 3][index & 15];
}

/* How long the frame is that begins so; 0: none does. */
static unsigned frame_length(const unsigned char *at)
{
	static const unsigned samplings[] = {44100, 48000, 32000, 0};
	unsigned version = at[1] >> 3 & 3, padding = at[2] >> 1 & 1;
	int layer = 4 - (at[1] >> 1 & 3);
	unsigned rate = bit_rate(version == 3, layer, at[2] >> 4) * 1000;
	unsigned sampling = samplings[at[2] >> 2 & 3] >> (version == 3   ? 0
							  : version == 2 ? 1
									 : 2);

	if (at[0] != 0xff || (at[1] & 0xe0) != 0xe0 || version == 1 ||
	    layer == 4 || rate == 0 || at[2] >> 4 == 15 || sampling == 0)
		return 0;
	if (layer == 1)
		return (12 * rate / sampling + padding) * 4;
	return (layer == 3 && version != 3 ? 72 : 144) * rate / sampling +
	       padding;
}

/* Where the tags end, and what some write behind them. */
static uint64_t skip_tags(const struct source *source)
{
	unsigned char at[10];
	uint64_t start = 0, end;

	for (int i = 0; i < PIECES_MAX && read_at(source, start, at, 10) &&
			memcmp(at, "ID3", 3) == 0;
	     i++)
		start += 10 +
			 ((uint64_t)(at[6] & 127) << 21 |
			  (uint64_t)(at[7] & 127) << 14 |
			  (uint64_t)(at[8] & 127) << 7 | (at[9] & 127)) +
			 (at[5] & 0x10 ? 10 : 0);
	for (end = start + PADDING_MAX; start > 0 && start < end; start++)
		if (!read_at(source, start, at, 1) || at[0] != 0)
			break;
	return start;
}

static bool is_mp3(const struct source *source)
{
	unsigned char at[4], next[4];
	uint64_t start = skip_tags(source);
	unsigned len;

	if (!read_at(source, start, at, 4) || !(len = frame_length(at)))
		return false;
	return read_at(source, start + len, next, 4) && frame_length(next) &&
	       next[1] >> 1 == at[1] >> 1 && (next[2] & 12) == (at[2] & 12);
}

/* ------------------------------------------------------------ Ogg and FLAC */

static bool is_ogg(const struct source *source)
{
	unsigned char at[27 + 255], next[4];
	uint64_t len = 27;

	if (!read_at(source, 0, at, 27) || at[4] != 0 || (at[5] & 2) == 0 ||
	    !read_at(source, 27, at + 27, at[26]))
		return false;
	len += at[26];
	for (size_t i = 0; i < at[26]; i++)
		len += at[27 + i];
	return read_at(source, len, next, 4) && memcmp(next, "OggS", 4) == 0;
}

static bool is_flac(const struct source *source)
{
	unsigned char at[4] = {0};
	uint64_t start = 4;

	for (int i = 0; i < PIECES_MAX && (at[0] & 0x80) == 0; i++) {
		if (!read_at(source, start, at, 4) ||
		    (i == 0 && ((at[0] & 0x7f) != 0 || big(at + 1, 3) != 34)))
			return false;
		start += 4 + big(at + 1, 3);
	}
	return read_at(source, start, at, 2) && at[0] == 0xff &&
	       (at[1] & 0xfe) == 0xf8;
}

/* ------------------------------------------------------------------- AMR */

/* Of a frame, its first byte included, by its kind; 0: there is none. */
static const unsigned char narrow[16] = {13, 14, 16, 18, 20, 21, 27, 32,
					 6,  0,  0,  0,  0,  0,  0,  1};
static const unsigned char wide[16] = {18, 24, 33, 37, 41, 47, 51, 59,
				       61, 6,  0,  0,  0,  0,  1,  1};

static bool is_amr(const struct source *source, uint64_t start,
		   const unsigned char lengths[16])
{
	unsigned char at;

	for (int i = 0; i < 2; i++) {
		if (!read_at(source, start, &at, 1) || (at & 0x83) != 0 ||
		    lengths[at >> 3 & 15] == 0)
			return false;
		start += lengths[at >> 3 & 15];
	}
	return start <= source->bytes;
}

const struct media_type *sound_judge(int fd, uint64_t bytes, bool *whole)
{
	const struct source source = {fd, bytes};
	unsigned char first[MEDIA_TYPE_BYTES];
	const struct media_type *type =
	    read_at(&source, 0, first, sizeof(first))
		? media_type_of(first, sizeof(first))
		: NULL;

	*whole = false;
	if (!type)
		return NULL;
	switch (type - media_types) {
	case MEDIA_WAV:
		*whole = is_wav(&source);
		break;
	case MEDIA_MP3:
		*whole = is_mp3(&source);
		break;
	case MEDIA_OGG:
		*whole = is_ogg(&source);
		break;
	case MEDIA_FLAC:
		*whole = is_flac(&source);
		break;
	case MEDIA_MP4:
		*whole = is_mp4(&source);
		break;
	case MEDIA_AMR:
		*whole = is_amr(&source, 6, narrow);
		break;
	case MEDIA_AMR_WB:
		*whole = is_amr(&source, 9, wide);
		break;
	}
	return type;
}
