/* message_corpus - what the fuzzer found worth keeping still keeps its
 * promises: the fuzz target itself, fed with the corpus by any compiler's
 * program. */
#include "../fuzz/message.c"
#include "../tap.h"

#include <glob.h>

int main(void)
{
	static char bytes[1 << 16];
	size_t fed = 0;
	glob_t files;

	glob("tests/fuzz/corpus/message/*", 0, NULL, &files);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		FILE *file = fopen(files.gl_pathv[i], "rb");
		size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

		if (file)
			fclose(file);
		fed += size > 0;
		diag("%s", files.gl_pathv[i]);
		LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
	}
	ok(fed > 100 && fed + 1 >= files.gl_pathc,
	   "%zu texts of the corpus keep the decoder's promises", fed);
	globfree(&files);
	return tap_done();
}
