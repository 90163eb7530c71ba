/* host_image - files that were cut short or damaged anywhere never kill the
 * checks before dlopen(), nor, where those let them pass, dlopen() itself. */
#include "../tap.h"

#include <dlfcn.h>
#include <elf.h>
#include <sys/wait.h>

#include "../../host-api/image.h"
#include "../../host-api/loader.h"
#include "host_fixture.h"

enum { MUTATIONS = 2000, PASSED_TRIED = 60 };

static bool check_bytes(const char *path, const void *bytes, size_t len,
			char why[256])
{
	bool good;
	int fd;

	write_bytes(path, bytes, len, 0755);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	why[0] = '\0';
	good = crm_image_check(fd, len, why, 256);
	close(fd);
	return good;
}

/* Opens the plugin in a child: does it live to tell? */
static bool child_survives(const char *path)
{
	char why[1024];
	struct crm_file file;
	int status = 0;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(20);
		if (crm_loader_open(path, NULL, 0, &file, why, sizeof(why)))
			crm_loader_close(&file);
		_exit(0);
	}
	return child > 0 && waitpid(child, &status, 0) == child &&
	       WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Every length that is a boundary of something, and many between. */
static void test_truncated(const char *path, const unsigned char *file,
			   size_t size)
{
	size_t tried = 0, passed = 0, silent = 0, crashed = 0;
	char why[256];

	for (size_t len = 0; len < size; len += len < 200 ? 1 : 97) {
		if (check_bytes(path, file, len, why))
			passed++;
		silent += why[0] == '\0';
		tried++;
	}
	ok(passed == 0 && silent == 0,
	   "a file cut at each of %zu lengths is refused with a reason", tried);
	ok(check_bytes(path, file, size, why), "the whole file passes");
	for (size_t len = 1; len < size; len += size / 20) {
		write_bytes(path, file, len, 0755);
		crashed += !child_survives(path);
	}
	ok(crashed == 0, "opening a cut file kills nobody");
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* Changes one to four bytes of the header and the segment table. */
static void test_mutated(const char *path, const unsigned char *file,
			 size_t size)
{
	const char *given = getenv("SEED");
	uint32_t seed = given ? (uint32_t)strtoul(given, NULL, 10) : 4711;
	size_t head = sizeof(Elf64_Ehdr) + 9 * sizeof(Elf64_Phdr);
	size_t passed = 0, silent = 0, crashed = 0;
	unsigned char *copy = malloc(size);
	char why[256];

	diag("SEED=%u", seed);
	for (int i = 0; i < MUTATIONS; i++) {
		uint32_t changes = 1 + next_random(&seed) % 4;

		memcpy(copy, file, size);
		while (changes-- > 0) {
			size_t at = next_random(&seed) % head;

			copy[at] = (unsigned char)next_random(&seed);
		}
		if (!check_bytes(path, copy, size, why)) {
			silent += why[0] == '\0';
			continue;
		}
		if (passed++ < PASSED_TRIED)
			crashed += !child_survives(path);
	}
	free(copy);
	ok(silent == 0, "%d damaged headers are looked at, %zu refused",
	   MUTATIONS, MUTATIONS - passed);
	ok(passed < MUTATIONS / 2, "most of them are refused");
	ok(crashed == 0, "opening what passes kills nobody");
}

/* Numbers at which sums wrap around. */
static void test_overflow(const char *path, const unsigned char *file,
			  size_t size)
{
	static const uint64_t hostile[] = {UINT64_MAX, UINT64_MAX - 63,
					   INT64_MAX, UINT32_MAX,
					   (uint64_t)1 << 63};
	unsigned char *copy = malloc(size);
	size_t passed = 0, tried = 0;
	char why[256];

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
		for (size_t field = 0; field < 8; field++) {
			Elf64_Ehdr header;
			Elf64_Phdr segment;

			memcpy(copy, file, size);
			memcpy(&header, copy, sizeof(header));
			memcpy(&segment, copy + header.e_phoff,
			       sizeof(segment));
			switch (field) {
			case 0:
				header.e_phoff = hostile[i];
				break;
			case 1:
				header.e_shoff = hostile[i];
				break;
			case 2:
				header.e_phnum = 0xffff;
				break;
			case 3:
				header.e_phentsize = 1;
				break;
			case 4:
				segment.p_offset = hostile[i];
				break;
			case 5:
				segment.p_filesz = hostile[i];
				break;
			case 6:
				segment.p_vaddr = hostile[i];
				break;
			case 7:
				segment.p_filesz = segment.p_memsz = hostile[i];
				break;
			}
			memcpy(copy + sizeof(header), &segment,
			       sizeof(segment));
			memcpy(copy, &header, sizeof(header));
			passed += check_bytes(path, copy, size, why);
			tried++;
		}
	free(copy);
	ok(passed == 0, "%zu headers with numbers that wrap are refused",
	   tried);
}

/* All there, and each right by itself. */
static void test_order(const char *path, const unsigned char *file, size_t size)
{
	unsigned char *copy = malloc(size);
	unsigned char *second = copy + sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr);
	unsigned char *third = second + sizeof(Elf64_Phdr);
	Elf64_Phdr segment;
	char why[256];

	memcpy(copy, file, size);
	memcpy(&segment, second, sizeof(segment));
	memmove(second, third, sizeof(segment));
	memcpy(third, &segment, sizeof(segment));
	ok(!check_bytes(path, copy, size, why),
	   "segments out of order are refused");
	is(why, "file is damaged (bad segments); install it again",
	   "with the reason");
	free(copy);
}

int main(void)
{
	char *folder = folder_new();
	char from[PATH_MAX], path[PATH_MAX];
	size_t size;
	unsigned char *file = read_bytes(plugin_built("behave", from), &size);

	inside(folder, "x.so", path);
	test_truncated(path, file, size);
	test_mutated(path, file, size);
	test_overflow(path, file, size);
	test_order(path, file, size);
	free(file);
	folder_free(folder);
	return tap_done();
}
