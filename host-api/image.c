/* image - looks at a file's bytes before dlopen() may. See image.h.
 *
 * Every number in the file is hostile: each is checked against the file's size
 * before it is used, by subtraction, so that no sum can wrap. */
#include "image.h"

#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE EM_AARCH64
#else
#define NATIVE EM_NONE /* not known here: left to dlopen() */
#endif
#define NATIVE_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)
#define NATIVE_DATA                                                            \
	(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB)

enum { MAX_SEGMENTS = 64, MAX_DYNAMIC = 1024 };

struct image {
	int fd;
	size_t size; /* of the file */
	ElfW(Ehdr) header;
	ElfW(Phdr) segments[MAX_SEGMENTS];
	char *why;
	size_t why_cap;
};

static bool read_at(const struct image *image, void *to, size_t len,
		    uint64_t offset)
{
	if (offset > image->size || len > image->size - offset)
		return false;
	return pread(image->fd, to, len, (off_t)offset) == (ssize_t)len;
}

static bool refuse(const struct image *image, const char *reason)
{
	snprintf(image->why, image->why_cap, "%s", reason);
	return false;
}

static bool damaged(const struct image *image, const char *what)
{
	snprintf(image->why, image->why_cap,
		 "file is damaged (%s); install it again", what);
	return false;
}

static const char *machine_name(unsigned machine, char buf[32])
{
	static const struct {
		unsigned machine;
		const char *name;
	} known[] = {
	    {EM_386, "i386"},        {EM_X86_64, "x86-64"}, {EM_ARM, "arm"},
	    {EM_AARCH64, "aarch64"}, {EM_PPC64, "ppc64"},   {EM_S390, "s390x"},
	    {EM_RISCV, "riscv"},     {EM_MIPS, "mips"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].machine == machine)
			return known[i].name;
	snprintf(buf, 32, "machine %u", machine);
	return buf;
}

static bool check_machine(const struct image *image,
			  const unsigned char first[64])
{
	bool big = first[EI_DATA] == ELFDATA2MSB;
	/* e_machine is at 18 in every class, in the file's byte order. */
	unsigned machine =
	    big ? first[18] * 256u + first[19] : first[19] * 256u + first[18];
	char buf[32], own[32];

	if ((machine == NATIVE || NATIVE == EM_NONE) &&
	    first[EI_CLASS] == NATIVE_CLASS && first[EI_DATA] == NATIVE_DATA)
		return true;
	snprintf(image->why, image->why_cap, "built for %s%s; this host is %s",
		 machine_name(machine, buf),
		 machine == NATIVE ? " of another word size or byte order" : "",
		 machine_name(NATIVE, own));
	return false;
}

static bool check_header(struct image *image)
{
	unsigned char first[64];
	ssize_t len = pread(image->fd, first, sizeof(first), 0);

	if (len < SELFMAG || memcmp(first, ELFMAG, SELFMAG) != 0)
		return refuse(image, "not a shared object (no ELF header)");
	if (len < (ssize_t)sizeof(first)) {
		snprintf(image->why, image->why_cap,
			 "file is cut short (%zd bytes of at least %zu); "
			 "install it again",
			 len, sizeof(first));
		return false;
	}
	if (!check_machine(image, first))
		return false;
	memcpy(&image->header, first, sizeof(image->header));
	if (image->header.e_type != ET_DYN)
		return refuse(image,
			      "not a shared object (an ELF file of another "
			      "type)");
	if (image->header.e_phentsize != sizeof(ElfW(Phdr)) ||
	    image->header.e_phnum == 0 || image->header.e_phnum > MAX_SEGMENTS)
		return damaged(image, "bad program headers");
	return true;
}

static uint64_t end_of(uint64_t offset, uint64_t len)
{
	return offset > UINT64_MAX - len ? UINT64_MAX : offset + len;
}

static bool cut_short(const struct image *image, uint64_t needed)
{
	snprintf(image->why, image->why_cap,
		 "file is cut short (%zu bytes of %llu); install it again",
		 image->size, (unsigned long long)needed);
	return false;
}

/* The whole file is needed: what is mapped, and the section table that a linker
 * writes last, so that a copy that stopped early is never taken. */
static bool check_size(struct image *image)
{
	const ElfW(Ehdr) *header = &image->header;
	size_t table = header->e_phnum * sizeof(ElfW(Phdr));
	uint64_t needed = end_of(header->e_phoff, table);
	uint64_t sections = (uint64_t)header->e_shnum * header->e_shentsize;

	if (end_of(header->e_shoff, sections) > needed)
		needed = end_of(header->e_shoff, sections);
	if (!read_at(image, image->segments, table, header->e_phoff))
		return cut_short(image, needed);
	for (size_t i = 0; i < header->e_phnum; i++) {
		const ElfW(Phdr) *segment = &image->segments[i];
		uint64_t end = end_of(segment->p_offset, segment->p_filesz);

		if (segment->p_type == PT_LOAD && end > needed)
			needed = end;
	}
	return needed <= image->size || cut_short(image, needed);
}

/* What the kernel and the dynamic linker take for granted when they map. */
static bool check_segments(const struct image *image)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t behind = 0;
	unsigned flags = 0;

	for (size_t i = 0; i < image->header.e_phnum; i++) {
		const ElfW(Phdr) *segment = &image->segments[i];

		if (segment->p_type != PT_LOAD)
			continue;
		if (segment->p_filesz > segment->p_memsz ||
		    (segment->p_filesz < segment->p_memsz &&
		     !(segment->p_flags & PF_W)) ||
		    segment->p_vaddr < behind ||
		    segment->p_memsz > UINT32_MAX ||
		    segment->p_vaddr > UINT32_MAX ||
		    segment->p_align % page != 0 ||
		    (segment->p_flags & ~(unsigned)(PF_R | PF_W | PF_X)) != 0 ||
		    !(segment->p_flags & (PF_R | PF_X)) ||
		    (segment->p_vaddr - segment->p_offset) % page != 0)
			return damaged(image, "bad segments");
		behind = segment->p_vaddr + segment->p_memsz;
		flags |= segment->p_flags;
	}
	return (flags & PF_X) || damaged(image, "no code");
}

/* The segment that maps these addresses, as the file counts them, or NULL. */
static const ElfW(Phdr) *
    mapping(const struct image *image, uint64_t address, uint64_t len)
{
	for (size_t i = 0; i < image->header.e_phnum; i++) {
		const ElfW(Phdr) *segment = &image->segments[i];

		if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
		    address - segment->p_vaddr <= segment->p_memsz &&
		    len <= segment->p_memsz - (address - segment->p_vaddr))
			return segment;
	}
	return NULL;
}

/* Every other segment is a part of one that is mapped; these two the dynamic
 * linker writes to. */
static bool check_parts(const struct image *image)
{
	for (size_t i = 0; i < image->header.e_phnum; i++) {
		const ElfW(Phdr) *part = &image->segments[i];
		const ElfW(Phdr) *whole =
		    mapping(image, part->p_vaddr, part->p_memsz);
		bool written =
		    part->p_type == PT_DYNAMIC || part->p_type == PT_GNU_RELRO;

		if (part->p_type == PT_LOAD || part->p_type == PT_GNU_STACK ||
		    part->p_memsz == 0)
			continue;
		if (!whole || (written && !(whole->p_flags & PF_W)) ||
		    part->p_offset - whole->p_offset !=
			part->p_vaddr - whole->p_vaddr ||
		    end_of(part->p_offset, part->p_filesz) >
			whole->p_offset + whole->p_filesz)
			return damaged(image, "bad segments");
	}
	return true;
}

/* The tables that the dynamic linker follows without looking, one bit each. */
static unsigned needed_tag(int64_t tag)
{
	switch (tag) {
	case DT_STRTAB:
		return 1;
	case DT_SYMTAB:
		return 2;
	case DT_HASH:
	case DT_GNU_HASH:
		return 4;
	case DT_RELA:
	case DT_REL:
	case DT_JMPREL:
	case DT_INIT_ARRAY:
	case DT_FINI_ARRAY:
	case DT_INIT:
	case DT_FINI:
	case DT_VERSYM:
	case DT_VERNEED:
	case DT_VERDEF:
		return 8;
	default:
		return 0;
	}
}

static bool check_entries(const struct image *image, const ElfW(Phdr) * dynamic)
{
	unsigned found = 0;
	size_t count = dynamic->p_filesz / sizeof(ElfW(Dyn));

	for (size_t i = 0; i < count && i < MAX_DYNAMIC; i++) {
		ElfW(Dyn) entry;
		unsigned tag;

		if (!read_at(image, &entry, sizeof(entry),
			     dynamic->p_offset + i * sizeof(entry)))
			return damaged(image, "bad dynamic section");
		if (entry.d_tag == DT_NULL)
			return (found & 7) == 7 ||
			       damaged(image, "empty dynamic section");
		tag = needed_tag(entry.d_tag);
		found |= tag;
		if (tag != 0 && !mapping(image, entry.d_un.d_ptr, 1))
			return damaged(image, "bad dynamic section");
	}
	return damaged(image, "endless dynamic section");
}

/* A file of the right size whose blocks never reached the disk reads as zeros
 * after a power loss: dlopen() would die of its empty dynamic section. */
static bool check_dynamic(const struct image *image)
{
	for (size_t i = 0; i < image->header.e_phnum; i++) {
		const ElfW(Phdr) *segment = &image->segments[i];

		if (segment->p_type != PT_DYNAMIC)
			continue;
		return check_entries(image, segment);
	}
	return refuse(image, "not a shared object (no dynamic section)");
}

bool crm_image_check(int fd, size_t file_size, char *why, size_t why_cap)
{
	struct image image = {
	    .fd = fd, .size = file_size, .why = why, .why_cap = why_cap};

	return check_header(&image) && check_size(&image) &&
	       check_segments(&image) && check_parts(&image) &&
	       check_dynamic(&image);
}
