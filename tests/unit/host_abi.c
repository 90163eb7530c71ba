/* host_abi - the plugin ABI, frozen: where each member lies, what each number
 * is, and that both public headers stand alone, as C11 and as C++11. */
#include "crm_plugin.h"

#include "../tap.h"

#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host_fixture.h"

#if defined(__x86_64__) || defined(__aarch64__)
#define AT(type, member, offset)                                               \
	_Static_assert(offsetof(struct type, member) == (offset),              \
		       #type "." #member " has moved")
#define SIZE(type, size)                                                       \
	_Static_assert(sizeof(struct type) == (size), #type " has grown")

SIZE(crm_request, 64);
AT(crm_request, id, 0);
AT(crm_request, deadline_ns, 8);
AT(crm_request, sent_at_ms, 16);
AT(crm_request, account, 24);
AT(crm_request, agent, 32);
AT(crm_request, path, 40);
AT(crm_request, body, 48);
AT(crm_request, body_len, 56);

SIZE(crm_host, 72);
AT(crm_host, size, 0);
AT(crm_host, abi_major, 4);
AT(crm_host, abi_minor, 6);
AT(crm_host, host_data, 8);
AT(crm_host, name, 16);
AT(crm_host, version, 24);
AT(crm_host, log, 32);
AT(crm_host, config, 40);
AT(crm_host, complete, 48);
AT(crm_host, post, 56);
AT(crm_host, extension, 64);

SIZE(crm_plugin, 40);
AT(crm_plugin, start, 0);
AT(crm_plugin, submit, 8);
AT(crm_plugin, stop, 16);
AT(crm_plugin, destroy, 24);
AT(crm_plugin, extension, 32);

SIZE(crm_entry, 48);
AT(crm_entry, magic, 0);
AT(crm_entry, size, 4);
AT(crm_entry, abi_major, 8);
AT(crm_entry, abi_minor, 10);
AT(crm_entry, id, 16);
AT(crm_entry, version, 24);
AT(crm_entry, requires_ext, 32);
AT(crm_entry, create, 40);

SIZE(crm_page, 48);
AT(crm_page, path, 0);
AT(crm_page, type, 8);
AT(crm_page, body, 16);
AT(crm_page, body_len, 24);
AT(crm_page, tag, 32);
AT(crm_page, flags, 40);

SIZE(crm_pages, 16);
AT(crm_pages, pages, 0);
AT(crm_pages, count, 8);

SIZE(crm_health, 8);
AT(crm_health, snapshot, 0);
#endif

_Static_assert(CRM_ABI_MAJOR == 1 && CRM_MAGIC == 0x314d5243, "ABI 1");
_Static_assert(CRM_OK == 0 && CRM_BAD_REQUEST == 1 && CRM_BUSY == 2 &&
		   CRM_TIMEOUT == 3 && CRM_STOPPING == 4 &&
		   CRM_UNSUPPORTED == 5 && CRM_FAILED == 6,
	       "statuses are frozen");
_Static_assert(CRM_DEBUG == 0 && CRM_INFO == 1 && CRM_WARN == 2 &&
		   CRM_ERROR == 3,
	       "levels are frozen");

static void test_names(void)
{
	is(crm_status_name(CRM_OK), "ok", "a status has a name");
	is(crm_status_name(CRM_FAILED), "failed", "each of them");
	is(crm_status_name((enum crm_status)99), "unknown status",
	   "and what is none has one, too");
}

static bool runs(char *const arguments[])
{
	int status = -1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		dup2(1, 2);
		execvp(arguments[0], arguments);
		_exit(127);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/* Compiles a file that holds nothing but the header, and one use of it. */
static bool compiles(const char *folder, const char *compiler,
		     const char *standard, const char *header)
{
	bool cxx = strstr(standard, "++") != NULL;
	char source[PATH_MAX], text[300], flag[32], language[8];
	char *arguments[] = {(char *)(uintptr_t)compiler,
			     (char *)(uintptr_t) "-x",
			     language,
			     flag,
			     (char *)(uintptr_t) "-Wall",
			     (char *)(uintptr_t) "-Wextra",
			     (char *)(uintptr_t) "-Wpedantic",
			     (char *)(uintptr_t) "-Werror",
			     (char *)(uintptr_t) "-Ihost-api",
			     (char *)(uintptr_t) "-fsyntax-only",
			     source,
			     NULL};

	snprintf(language, sizeof(language), "%s", cxx ? "c++" : "c");
	snprintf(flag, sizeof(flag), "-std=%s", standard);
	snprintf(text, sizeof(text),
		 "#include \"%s\"\n"
		 "extern const enum crm_status used;\n"
		 "const enum crm_status used = CRM_BUSY;\n",
		 header);
	write_text(folder, "alone", text);
	inside(folder, "alone", source);
	return runs(arguments);
}

static void test_headers(void)
{
	static const char *const headers[] = {"crm_plugin.h", "crm_host.h"};
	static const char *const compilers[][2] = {{"gcc", "c11"},
						   {"clang", "c11"},
						   {"g++", "c++11"},
						   {"clang++", "c++11"}};
	char *folder = folder_new();

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < 4; j++)
			ok(compiles(folder, compilers[j][0], compilers[j][1],
				    headers[i]),
			   "%s alone is %s for %s", headers[i], compilers[j][1],
			   compilers[j][0]);
	folder_free(folder);
}

int main(void)
{
	test_names();
	test_headers();
	return tap_done();
}
