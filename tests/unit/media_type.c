/* media_type - what is told from the first bytes of a file. */
#include "../../plugin/media_type.h"
#include "../tap.h"

#define BYTES(s) s, sizeof(s) - 1

static const char *name_of(const char *bytes, size_t len)
{
	const struct media_type *type = media_type_of(bytes, len);

	return type ? type->name : NULL;
}

int main(void)
{
	is(name_of(BYTES("RIFF\x24\x10\x00\x00WAVEfmt ")), "audio/wav", "WAV");
	is(name_of(BYTES("ID3\x04\x00\x00\x00\x00\x00\x00............")),
	   "audio/mpeg", "MP3 with a tag");
	is(name_of(BYTES("\xff\xfb\x90\x64.................")), "audio/mpeg",
	   "MP3 without");
	is(name_of(BYTES("\xff\xf3\x40\xc4.................")), "audio/mpeg",
	   "MP3 of a low rate");
	is(name_of(BYTES("OggS\x00\x02..............")), "audio/ogg", "Ogg");
	is(name_of(BYTES("fLaC\x00\x00\x00\x22..........")), "audio/flac",
	   "FLAC");
	is(name_of(BYTES("\x00\x00\x00\x20"
			 "ftypM4A \x00\x00\x00\x00..")),
	   "audio/mp4", "MP4 audio");

	is(name_of(BYTES("\x00\x00\x00\x20"
			 "ftypmp42\x00\x00\x00\x00..")),
	   "audio/mp4", "by another brand");
	is(name_of(BYTES("#!AMR\n\x04............")), "audio/amr", "AMR");
	is(name_of(BYTES("#!AMR-WB\n\x04..............")), "audio/amr-wb",
	   "of more width");

	is(name_of(BYTES("<!DOCTYPE html><title>")), NULL, "a page is none");
	is(name_of(BYTES("{\"errorCode\":\"TokenExpired\"}")), NULL,
	   "nor an error");
	is(name_of(BYTES("RIFF\x24\x10\x00\x00"
			 "AVI LIST")),
	   NULL, "nor a film");
	is(name_of(BYTES("\xff\xd8\xff\xe0\x00\x10JFIF..........")), NULL,
	   "nor a picture");
	is(name_of(BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
			 "\xff\xff\xff")),
	   NULL, "nor an empty flash");
	is(name_of(BYTES("\xff\xfe<\0h\0t\0m\0l\0>\0.\0.\0")), NULL,
	   "nor a page in UTF-16");
	is(name_of(BYTES("ID3\x04")), NULL, "nor what is too short to tell");
	is(name_of("", 0), NULL, "nor nothing");
	for (const struct media_type *type = media_types; type->name; type++)
		ok(type->ending[0] == '.', "%s ends in %s", type->name,
		   type->ending);
	return tap_done();
}
