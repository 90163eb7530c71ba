/* setup - what the command line says: the plugin, its configuration, what to
 * send it. It does not change once the checks run. */
#ifndef CRM_CHECK_SETUP_H
#define CRM_CHECK_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SETUP_VALUES = 64 };

struct crm_config;

struct setup_value {
	char *key, *value; /* owned */
};

struct setup {
	char *path;  /* owned, as all below; of the plugin, absolute */
	char *group; /* its file's name without .so */
	struct crm_config *config; /* NULL: no file */
	char *include;             /* an extended regular expression */
	char *body;                /* of every message; NULL: one of our own */
	size_t body_len;
	struct setup_value values[SETUP_VALUES];
	size_t value_count;
	uint64_t seed;
	size_t messages;    /* how many to send in the check of many */
	unsigned seconds;   /* that a check may take */
	unsigned submit_ms; /* that submit() may take */
	char *bodies;       /* a folder of messages; NULL: none */
	int silent;         /* a socket that accepts and says nothing, or -1 */
	unsigned silent_port;
	bool in_process;
	bool help;
};

/* Reads the command line. False with a sentence in why. */
bool setup_read(struct setup *setup, int count, char **arguments, char *why,
		size_t why_cap);
void setup_free(struct setup *setup);

/* [any] The value of a key as host.config() gives it, or NULL. Free it. */
char *setup_value(const struct setup *setup, const char *key);

extern const char setup_usage[];

#endif
