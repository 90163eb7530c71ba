/* symbols - the names in a shared object's file. See symbols.h.
 *
 * Every number in the file is checked against its size before it is used. */
#include "symbols.h"

#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A table of symbols and the one of their names. */
struct table {
	ElfW(Shdr) entries, names;
	size_t count;
};

bool symbols_open(struct symbols *symbols, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;
	void *memory = MAP_FAILED;

	*symbols = (struct symbols){NULL, 0};
	if (fd < 0)
		return false;
	if (fstat(fd, &status) == 0 && status.st_size > 0)
		memory = mmap(NULL, (size_t)status.st_size, PROT_READ,
			      MAP_PRIVATE, fd, 0);
	close(fd);
	if (memory == MAP_FAILED)
		return false;
	*symbols = (struct symbols){memory, (size_t)status.st_size};
	return true;
}

void symbols_close(struct symbols *symbols)
{
	if (symbols->bytes)
		munmap(symbols->bytes, symbols->size);
	*symbols = (struct symbols){NULL, 0};
}

static bool read_at(const struct symbols *symbols, uint64_t at, void *to,
		    size_t len)
{
	if (at > symbols->size || len > symbols->size - at)
		return false;
	memcpy(to, symbols->bytes + at, len);
	return true;
}

static bool read_section(const struct symbols *symbols, uint64_t index,
			 ElfW(Shdr) * section)
{
	ElfW(Ehdr) header;

	return read_at(symbols, 0, &header, sizeof(header)) &&
	       header.e_shentsize == sizeof(*section) &&
	       index < header.e_shnum &&
	       read_at(symbols, header.e_shoff + index * sizeof(*section),
		       section, sizeof(*section)) &&
	       section->sh_offset <= symbols->size &&
	       (section->sh_type == SHT_NOBITS ||
		section->sh_size <= symbols->size - section->sh_offset);
}

static bool find_table(const struct symbols *symbols, uint32_t type,
		       struct table *table)
{
	for (uint64_t i = 0; read_section(symbols, i, &table->entries); i++) {
		if (table->entries.sh_type != type)
			continue;
		table->count = table->entries.sh_size / sizeof(ElfW(Sym));
		return read_section(symbols, table->entries.sh_link,
				    &table->names) &&
		       table->names.sh_type == SHT_STRTAB;
	}
	return false;
}

/* NULL when it is not terminated within the table. */
static const char *name_of(const struct symbols *symbols,
			   const struct table *table, const ElfW(Sym) * symbol)
{
	const unsigned char *name;
	size_t room;

	if (symbol->st_name >= table->names.sh_size)
		return NULL;
	room = table->names.sh_size - symbol->st_name;
	name = symbols->bytes + table->names.sh_offset + symbol->st_name;
	return memchr(name, '\0', room) ? (const char *)name : NULL;
}

static bool read_symbol(const struct symbols *symbols,
			const struct table *table, size_t index,
			ElfW(Sym) * symbol)
{
	return read_at(symbols,
		       table->entries.sh_offset + index * sizeof(*symbol),
		       symbol, sizeof(*symbol));
}

/* The macros of elf.h are the same for both word sizes. */
static bool is_exported(const ElfW(Sym) * symbol)
{
	unsigned visibility = ELF64_ST_VISIBILITY(symbol->st_other);

	return symbol->st_shndx != SHN_UNDEF &&
	       ELF64_ST_BIND(symbol->st_info) != STB_LOCAL &&
	       (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

bool symbols_each_exported(const struct symbols *symbols,
			   void (*each)(void *context, const char *name),
			   void *context)
{
	struct table table;
	ElfW(Sym) symbol;

	if (!find_table(symbols, SHT_DYNSYM, &table))
		return false;
	for (size_t i = 0; i < table.count; i++) {
		const char *name;

		if (!read_symbol(symbols, &table, i, &symbol) ||
		    !is_exported(&symbol))
			continue;
		name = name_of(symbols, &table, &symbol);
		each(context, name ? name : "(a damaged name)");
	}
	return true;
}

const char *symbols_at(const struct symbols *symbols, uint64_t address)
{
	struct table table;
	ElfW(Sym) symbol;

	if (!find_table(symbols, SHT_SYMTAB, &table))
		return NULL;
	for (size_t i = 0; i < table.count; i++)
		if (read_symbol(symbols, &table, i, &symbol) &&
		    ELF64_ST_TYPE(symbol.st_info) == STT_FUNC &&
		    symbol.st_shndx != SHN_UNDEF && symbol.st_value == address)
			return name_of(symbols, &table, &symbol);
	return NULL;
}
