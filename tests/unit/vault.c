/* vault - memory that shows in no core dump and in no child. */
#include "../../plugin/vault.h"
#include "../tap.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The kernel's flags of the mapping that an address lies in. */
static bool has_flags(const void *memory, const char *first, const char *second)
{
	FILE *maps = fopen("/proc/self/smaps", "re");
	char line[512];
	unsigned long from, to;
	bool inside = false, has = false;

	while (maps && fgets(line, sizeof(line), maps)) {
		char *end;

		from = strtoul(line, &end, 16);
		if (*end == '-') {
			to = strtoul(end + 1, NULL, 16);
			inside =
			    (uintptr_t)memory >= from && (uintptr_t)memory < to;
		} else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
			has = strstr(line, first) && strstr(line, second);
		}
	}
	if (maps)
		fclose(maps);
	return has;
}

static int child_sees(const char *secret)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(secret[0] == '\0' ? 0 : 1);
	waitpid(child, &status, 0);
	return status;
}

int main(void)
{
	char *secret = vault_copy("token-token", 5);
	char *large = vault_new(100000);

	is(secret, "token", "it copies as many bytes as told");
	ok(has_flags(secret, " dd", " wf"),
	   "a core dump leaves it out, and a child gets it empty");
	ok(large && large[99999] == '\0' && has_flags(large, " dd", " wf"),
	   "a large piece is zeroed and the same");
	ok(child_sees(secret) == 0, "a child reads nothing");
	is(secret, "token", "and it is still there");
	ok(!vault_new(SIZE_MAX) && !vault_new(SIZE_MAX / 2),
	   "what cannot be had is not had");
	vault_free(secret);
	vault_free(large);
	vault_free(NULL);
	return tap_done();
}
