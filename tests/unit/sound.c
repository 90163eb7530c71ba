/* sound - what is taken for the sound that it begins as, and what is not. Each row is
 * a file put together from pieces. */
#include "../../plugin/sound.h"
#include "../tap.h"

#include <stdlib.h>
#include <unistd.h>

/* A piece of a file: bytes, and then so many of filling. */
#define PIECE(bytes, filling)                                                  \
	{                                                                      \
		bytes, sizeof(bytes) - 1, filling                              \
	}
#define FRAME PIECE("\xff\xfb\x90\x64", 413)  /* MPEG 1, 128 kbit/s, 44.1 kHz */
#define PADDED PIECE("\xff\xfb\x92\x64", 414) /* and one byte more */
#define FRAME_2 PIECE("\xff\xf3\x40\xc4", 100)  /* MPEG 2, 32, 22.05 kHz */
#define FRAME_25 PIECE("\xff\xe3\x40\xc4", 204) /* 2.5, 11.025 kHz */
#define TAG "ID3\x04\x00\x00\x00\x00\x01\x02"   /* of 130 bytes */
#define FMT "fmt \x10\x00\x00\x00"
#define FTYP(brand)                                                            \
	"\x00\x00\x00\x14"                                                     \
	"ftyp" brand "\x00\x00\x02\x00"                                        \
	"mp41"
#define OGG(flags) "OggS\x00" flags "12345678abcdefgh1234\x01\x1e"
#define STREAMINFO "\x00\x00\x22"

enum { PIECES = 6 };

static const struct {
	const char *what, *type; /* NULL: none */
	bool whole;
	struct {
		const char *bytes;
		size_t len, filling;
	} pieces[PIECES];
} rows[] = {
    {"MP3", "audio/mpeg", true, {FRAME, FRAME, FRAME}},
    {"with a padded frame", "audio/mpeg", true, {PADDED, FRAME}},
    {"with a tag", "audio/mpeg", true, {PIECE(TAG, 130), FRAME, FRAME}},
    {"with two, and room",
     "audio/mpeg",
     true,
     {PIECE(TAG, 130), PIECE(TAG, 130), PIECE("\0\0\0", 0), FRAME, FRAME}},
    {"of a low rate", "audio/mpeg", true, {FRAME_2, FRAME_2}},
    {"of a lower one", "audio/mpeg", true, {FRAME_25, FRAME_25}},
    {"a tag and a page",
     "audio/mpeg",
     false,
     {PIECE(TAG, 130), PIECE("<html>", 800)}},
    {"a tag that never ends",
     "audio/mpeg",
     false,
     {PIECE("ID3\x04\x00\x00\x7f\x7f\x7f\x7f", 900)}},
    {"one frame", "audio/mpeg", false, {FRAME, PIECE("<html>", 500)}},
    {"frames that are apart",
     "audio/mpeg",
     false,
     {FRAME, PIECE("!", 0), FRAME}},
    {"frames of two kinds", "audio/mpeg", false, {FRAME, FRAME_2}},
    {"zeros before a frame", NULL, false, {PIECE("\0\0\0", 0), FRAME, FRAME}},

    {"WAV",
     "audio/wav",
     true,
     {PIECE("RIFF\x2c\x00\x00\x00WAVE" FMT, 16),
      PIECE("data\x08\x00\x00\x00", 8)}},
    {"with more chunks",
     "audio/wav",
     true,
     {PIECE("RIFF\x00\x00\x00\x00WAVE"
	    "JUNK\x03\x00\x00\x00",
	    4),
      PIECE(FMT, 16), PIECE("LIST\x02\x00\x00\x00", 2),
      PIECE("data\x08\x00\x00\x00", 8)}},
    {"made as it was sent",
     "audio/wav",
     true,
     {PIECE("RIFF\xff\xff\xff\xffWAVE" FMT, 16),
      PIECE("data\xff\xff\xff\xff", 8)}},
    {"made as it was sent, by sox",
     "audio/wav",
     true,
     {PIECE("RIFF\x24\xf0\xff\x7fWAVE" FMT, 16),
      PIECE("data\x00\xf0\xff\x7f", 8)}},
    {"made as it was sent, by arecord",
     "audio/wav",
     true,
     {PIECE("RIFF\x24\x00\x00\x80WAVE" FMT, 16),
      PIECE("data\x00\x00\x00\x80", 8)}},
    {"without what fills up its last byte",
     "audio/wav",
     true,
     {PIECE("RIFF\x2c\x00\x00\x00WAVE" FMT, 16),
      PIECE("data\x07\x00\x00\x00", 7)}},
    {"cut",
     "audio/wav",
     false,
     {PIECE("RIFF\x2c\x00\x00\x00WAVE" FMT, 16),
      PIECE("data\x08\x00\x00\x00", 7)}},
    {"cut, of unknown length",
     "audio/wav",
     false,
     {PIECE("RIFF\x00\x00\x00\x00WAVE" FMT, 16),
      PIECE("data\x08\x00\x00\x00", 7)}},
    {"of no format",
     "audio/wav",
     false,
     {PIECE("RIFF\x14\x00\x00\x00WAVE"
	    "data\x08\x00\x00\x00",
	    8)}},
    {"of nothing else",
     "audio/wav",
     false,
     {PIECE("RIFF\x1c\x00\x00\x00WAVE" FMT, 16)}},
    {"a film",
     NULL,
     false,
     {PIECE("RIFF\x24\x10\x00\x00"
	    "AVI LIST",
	    800)}},

    {"MP4",
     "audio/mp4",
     true,
     {PIECE(FTYP("M4A "), 0), PIECE("\x00\x00\x00\x10moov", 8),
      PIECE("\x00\x00\x00\x18mdat", 16)}},
    {"of another brand",
     "audio/mp4",
     true,
     {PIECE(FTYP("isom"), 0), PIECE("\x00\x00\x00\x18mdat", 16),
      PIECE("\x00\x00\x00\x10moov", 8)}},
    {"of a third",
     "audio/mp4",
     true,
     {PIECE(FTYP("mp42"), 0), PIECE("\x00\x00\x00\x10moov", 8),
      PIECE("\x00\x00\x00\x00mdat", 16)}},
    {"with a large box",
     "audio/mp4",
     true,
     {PIECE(FTYP("mp42"), 0), PIECE("\x00\x00\x00\x10moov", 8),
      PIECE("\x00\x00\x00\x01mdat\x00\x00\x00\x00\x00\x00\x00\x20", 16)}},
    {"of a brand of none",
     NULL,
     false,
     {PIECE(FTYP("heic"), 0), PIECE("\x00\x00\x00\x10moov", 8),
      PIECE("\x00\x00\x00\x18mdat", 16)}},
    {"cut in its data",
     "audio/mp4",
     false,
     {PIECE(FTYP("M4A "), 0), PIECE("\x00\x00\x00\x10moov", 8),
      PIECE("\x00\x00\x00\x18mdat", 15)}},
    {"cut before its index",
     "audio/mp4",
     false,
     {PIECE(FTYP("M4A "), 0), PIECE("\x00\x00\x00\x18mdat", 16)}},
    {"with a box of no length",
     "audio/mp4",
     false,
     {PIECE(FTYP("M4A "), 0), PIECE("\x00\x00\x00\x04moov", 8)}},

    {"Ogg",
     "audio/ogg",
     true,
     {PIECE(OGG("\x02"), 30), PIECE(OGG("\x00"), 30)}},
    {"of one page", "audio/ogg", false, {PIECE(OGG("\x02"), 30)}},
    {"from its middle",
     "audio/ogg",
     false,
     {PIECE(OGG("\x00"), 30), PIECE(OGG("\x00"), 30)}},
    {"pages that are apart",
     "audio/ogg",
     false,
     {PIECE(OGG("\x02"), 31), PIECE(OGG("\x00"), 30)}},

    {"FLAC",
     "audio/flac",
     true,
     {PIECE("fLaC\x80" STREAMINFO, 34), PIECE("\xff\xf8", 100)}},
    {"with more blocks",
     "audio/flac",
     true,
     {PIECE("fLaC\x00" STREAMINFO, 34), PIECE("\x84\x00\x00\x05", 5),
      PIECE("\xff\xf9", 100)}},
    {"blocks alone", "audio/flac", false, {PIECE("fLaC\x80" STREAMINFO, 34)}},
    {"no sound behind them",
     "audio/flac",
     false,
     {PIECE("fLaC\x80" STREAMINFO, 34), PIECE("<html>", 100)}},

    {"AMR", "audio/amr", true, {PIECE("#!AMR\n\x04", 12), PIECE("\x3c", 31)}},
    {"in wide",
     "audio/amr-wb",
     true,
     {PIECE("#!AMR-WB\n\x04", 17), PIECE("\x44", 60)}},
    {"one that is cut",
     "audio/amr",
     false,
     {PIECE("#!AMR\n\x04", 12), PIECE("\x3c", 30)}},
    {"text behind the first words",
     "audio/amr",
     false,
     {PIECE("#!AMR\nis not what follows here", 0)}},

    {"a page",
     NULL,
     false,
     {PIECE("<!DOCTYPE html><title>Sign in</title>", 0)}},
    {"an error", NULL, false, {PIECE("{\"errorCode\":\"TokenExpired\"}", 0)}},
    {"a picture", NULL, false, {PIECE("\xff\xd8\xff\xe0\x00\x10JFIF", 500)}},
    {"too little", NULL, false, {PIECE("ID3", 0)}},
    {"nothing", NULL, false, {PIECE("", 0)}},
};

static uint64_t make(FILE *file, size_t row)
{
	for (size_t i = 0; i < PIECES && rows[row].pieces[i].bytes; i++) {
		fwrite(rows[row].pieces[i].bytes, 1, rows[row].pieces[i].len,
		       file);
		for (size_t n = 0; n < rows[row].pieces[i].filling; n++)
			fputc('x', file);
	}
	fflush(file);
	return (uint64_t)ftell(file);
}

/* A large file of nothing but tags would else be read for minutes. */
static void many_tags(void)
{
	static const char empty[] = "ID3\x04\x00\x00\x00\x00\x00";
	FILE *file = tmpfile();
	bool whole = true;

	for (int i = 0; i < 2000; i++)
		fwrite(empty, 1, sizeof(empty), file);
	uint64_t bytes = make(file, 0);
	ok(sound_judge(fileno(file), bytes, &whole) && !whole,
	   "of tags not more than a thousand are passed over");
	fclose(file);
}

int main(void)
{
	many_tags();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FILE *file = tmpfile();
		bool whole = true;
		uint64_t bytes = make(file, i);
		const struct media_type *type =
		    sound_judge(fileno(file), bytes, &whole);

		is(type ? type->name : NULL, rows[i].type, rows[i].what);
		ok(whole == rows[i].whole, "%s",
		   rows[i].whole ? "which is whole" : "which is not whole");
		fclose(file);
	}
	return tap_done();
}
