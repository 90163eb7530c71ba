/* notation - what libconfig would not refuse but do wrong. See notation.h. */
#include "notation.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE = 1024 * 1024, MAX_INCLUDES = 10 };

/* ----------------------------------------------------------------- reading */

static char *read_all(int fd)
{
	char *text = malloc(MAX_FILE + 1);
	size_t len = 0;
	ssize_t part = -1;

	while (text && len < MAX_FILE &&
	       (part = read(fd, text + len, MAX_FILE - len)) > 0)
		len += (size_t)part;
	if (text && part >= 0) {
		text[len] = '\0';
		if (strlen(text) == len)
			return text;
		errno = EILSEQ;
	}
	free(text);
	return NULL;
}

char *crm_notation_file(const char *path, const char **reason)
{
	/* O_NONBLOCK: opening a pipe must not wait for its writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = NULL;
	struct stat status;

	*reason = NULL;
	if (fd < 0 || fstat(fd, &status) != 0)
		*reason = strerror(errno);
	else if (!S_ISREG(status.st_mode))
		*reason = "not a regular file";
	else if (status.st_size >= MAX_FILE)
		*reason = "larger than 1 MB";
	if (!*reason) {
		text = read_all(fd);
		if (!text)
			*reason = errno == EILSEQ ? "holds a NUL byte"
						  : strerror(errno);
	}
	if (fd >= 0)
		close(fd);
	return text;
}

/* ---------------------------------------------------------------- scanning */

struct scan {
	const char *at;
	unsigned line;
	const char *key; /* the last word that was no number, with its length */
	size_t key_len;
	const char *name;   /* of the text */
	const char *folder; /* of its includes */
	unsigned depth;     /* of includes */
	struct crm_text *problems;
};

static void check(struct scan *scan, const char *text);

static void skip_until(struct scan *scan, const char *end)
{
	while (*scan->at != '\0' && strncmp(scan->at, end, strlen(end)) != 0) {
		scan->line += *scan->at == '\n';
		scan->at++;
	}
	if (*scan->at != '\0' && *end != '\n')
		scan->at += strlen(end);
}

static void skip_string(struct scan *scan)
{
	for (scan->at++; *scan->at != '\0' && *scan->at != '"'; scan->at++) {
		if (*scan->at == '\\' && scan->at[1] != '\0')
			scan->at++;
		scan->line += *scan->at == '\n';
	}
	scan->at += *scan->at == '"';
}

/* A word, or a number: libconfig keeps a decimal or hexadecimal integer without
 * the suffix L in 32 bits. */
static void skip_word(struct scan *scan)
{
	const char *start = scan->at;
	bool hex = start[0] == '0' && (start[1] == 'x' || start[1] == 'X');
	size_t len = strspn(start, "0123456789abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.*");
	char *end;
	long long number;

	scan->at += len;
	if (!isdigit((unsigned char)*start)) {
		scan->key = start;
		scan->key_len = len;
		return;
	}
	errno = 0;
	number = strtoll(start, &end, hex ? 16 : 10);
	if (end != scan->at || (errno == 0 && number <= INT_MAX) ||
	    (hex && errno == 0 && number <= UINT_MAX))
		return;
	crm_text_line(scan->problems);
	crm_text_add(scan->problems,
		     "%s:%u: %.*s: found %.*s, allowed integers up to %d",
		     scan->name, scan->line, (int)scan->key_len, scan->key,
		     (int)(len < 40 ? len : 40), start, INT_MAX);
}

static void include(struct scan *scan)
{
	char path[PATH_MAX];
	const char *start = strchr(scan->at, '"');
	const char *end = start ? strchr(start + 1, '"') : NULL;
	struct scan inner = *scan;
	const char *reason;
	char *text;

	if (!end || memchr(scan->at, '\n', (size_t)(end - scan->at)) ||
	    scan->depth == MAX_INCLUDES) {
		scan->at++; /* libconfig has words for these */
		return;
	}
	scan->at = end + 1;
	snprintf(path, sizeof(path), "%s/%.*s", scan->folder,
		 (int)(end - start - 1), start + 1);
	text = crm_notation_file(path, &reason);
	if (text) {
		inner.depth++;
		inner.name = path;
		inner.line = 1;
		inner.key_len = 0;
		check(&inner, text);
		free(text);
		return;
	}
	crm_text_line(scan->problems);
	crm_text_add(scan->problems, "%s:%u: cannot include '%s': %s",
		     scan->name, scan->line, path, reason);
}

static void check(struct scan *scan, const char *text)
{
	scan->at = text;
	while (*scan->at != '\0') {
		const char *at = scan->at;

		if (*at == '#' || strncmp(at, "//", 2) == 0)
			skip_until(scan, "\n");
		else if (strncmp(at, "/*", 2) == 0)
			skip_until(scan, "*/");
		else if (*at == '"')
			skip_string(scan);
		else if (strncmp(at, "@include", 8) == 0)
			include(scan);
		else if (isalnum((unsigned char)*at) || *at == '_')
			skip_word(scan);
		else {
			scan->line += *at == '\n';
			scan->at++;
		}
	}
}

bool crm_notation_check(const char *text, const char *name, const char *folder,
			struct crm_text *problems)
{
	size_t before = problems->len;
	struct scan scan = {.line = 1,
			    .key = "",
			    .name = name,
			    .folder = folder,
			    .problems = problems};

	check(&scan, text);
	return problems->len == before;
}
