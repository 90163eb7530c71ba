/* host_fixture - what the tests of the host library share: a folder with
 * plugins that the loader accepts, configuration files, and what was logged. */
#ifndef TESTS_HOST_FIXTURE_H
#define TESTS_HOST_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crm_host.h"

/* ----------------------------------------------------------------- folders */

/* Under /tmp, which is sticky and root's, so that the loader trusts it. */
static inline char *folder_new(void)
{
	char *path = strdup("/tmp/host-test-XXXXXX");

	if (!path || !mkdtemp(path)) {
		perror("mkdtemp");
		exit(1);
	}
	return path;
}

static inline int folder_remove_one(const char *path, const struct stat *status,
				    int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static inline void folder_free(char *path)
{
	nftw(path, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

/* "<folder>/<name>" in a buffer of the caller's. */
static inline const char *inside(const char *folder, const char *name,
				 char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.3000s/%.300s", folder, name);
	return path;
}

static inline void write_bytes(const char *path, const void *bytes, size_t len,
			       mode_t mode)
{
	FILE *file = fopen(path, "w");

	if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0 ||
	    chmod(path, mode) != 0) {
		perror(path);
		exit(1);
	}
}

static inline void write_text(const char *folder, const char *name,
			      const char *text)
{
	char path[PATH_MAX];

	write_bytes(inside(folder, name, path), text, strlen(text), 0600);
}

/* The whole of a file; free it. */
static inline unsigned char *read_bytes(const char *path, size_t *len)
{
	FILE *file = fopen(path, "r");
	unsigned char *bytes = malloc(4 * 1024 * 1024);

	if (!file || !bytes) {
		perror(path);
		exit(1);
	}
	*len = fread(bytes, 1, 4 * 1024 * 1024, file);
	fclose(file);
	return bytes;
}

/* ----------------------------------------------------------------- plugins */

/* A built plugin, found beside this test program. */
static inline const char *plugin_built(const char *name, char path[PATH_MAX])
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[len > 0 ? len : 0] = '\0';
	for (int i = 0; i < 2; i++)
		if (strrchr(self, '/'))
			*strrchr(self, '/') = '\0';
	snprintf(path, PATH_MAX, "%.3000s/plugins/%.200s.so", self, name);
	return path;
}

/* Copies a plugin into the folder, as `as`.so. */
static inline void plugin_copy(const char *folder, const char *name,
			       const char *as)
{
	char from[PATH_MAX], to[PATH_MAX], file[300];
	size_t len;
	unsigned char *bytes = read_bytes(plugin_built(name, from), &len);

	snprintf(file, sizeof(file), "%s.so", as);
	write_bytes(inside(folder, file, to), bytes, len, 0755);
	free(bytes);
}

/* --------------------------------------------------------------------- log */

/* What was logged, as "<level> <source>: <line>\n"... */
struct lines {
	pthread_mutex_t mutex;
	size_t len;
	char text[64 * 1024];
};

static inline void lines_log(void *context, enum crm_level level,
			     const char *source, const char *line)
{
	static const char *const names[] = {"debug", "info", "warn", "error"};
	struct lines *lines = context;
	int len;

	pthread_mutex_lock(&lines->mutex);
	len =
	    snprintf(lines->text + lines->len, sizeof(lines->text) - lines->len,
		     "%s %s: %s\n", names[level], source, line);
	if (len > 0 && lines->len + (size_t)len < sizeof(lines->text))
		lines->len += (size_t)len;
	lines->text[lines->len] = '\0';
	pthread_mutex_unlock(&lines->mutex);
}

static inline size_t lines_count(struct lines *lines, const char *part)
{
	size_t count = 0;

	pthread_mutex_lock(&lines->mutex);
	for (const char *p = strstr(lines->text, part); p;
	     p = strstr(p + 1, part))
		count++;
	pthread_mutex_unlock(&lines->mutex);
	return count;
}

static inline bool lines_have(struct lines *lines, const char *part)
{
	bool found = lines_count(lines, part) > 0;

	if (!found)
		printf("# logged: %s\n", lines->text);
	return found;
}

static inline struct crm_host_callbacks lines_callbacks(struct lines *lines)
{
	memset(lines, 0, sizeof(*lines));
	pthread_mutex_init(&lines->mutex, NULL);
	return (struct crm_host_callbacks){lines, lines_log, NULL};
}

/* -------------------------------------------------------------------- host */

/* Opens and starts a host of the folder, whose configuration has a group `host`
 * and `groups`. Says on stdout why it cannot. */
static inline struct crm_runtime *
host_run(const char *folder, const char *groups,
	 const struct crm_host_callbacks *callbacks)
{
	char text[4096], path[PATH_MAX], why[2048] = "";
	struct crm_runtime *runtime;

	snprintf(text, sizeof(text), "host: { plugin_dir = \".\"; };\n%s\n",
		 groups);
	write_text(folder, "host.conf", text);
	runtime = crm_host_open(inside(folder, "host.conf", path), callbacks,
				why, sizeof(why));
	if (runtime && crm_host_start(runtime, why, sizeof(why)) == CRM_OK)
		return runtime;
	printf("# %s\n", why);
	crm_host_close(runtime);
	return NULL;
}

/* A message without anything but a path, and what came back. */
static inline enum crm_status host_call(struct crm_runtime *runtime,
					const char *path, uint32_t timeout_ms,
					char answer[512])
{
	char message[128];
	size_t len;

	snprintf(message, sizeof(message), "{\"path\": \"%s\"}", path);
	return crm_host_call(runtime, "", "bob", message, strlen(message), 0,
			     timeout_ms, answer, 512, &len);
}

static inline uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

#endif
