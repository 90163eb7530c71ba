/* crm_plugin.h - the contract between the CRM host and a plugin.
 *
 * A plugin is one shared object exporting one symbol: `crm_entry`.
 * The host reads that constant before it runs any plugin code, then
 *
 *     create -> start -> submit ... submit -> stop -> destroy
 *
 * Four rules hold for every function below, in both directions.
 *
 *   BORROW  A pointer argument is valid until the call returns. Copy what you
 *           keep. Nothing is ever freed on the other side of the boundary.
 *   ONCE    Each request accepted by submit() gets exactly one complete().
 *   PROMPT  No call waits for the network or the disk. Only stop() may wait.
 *   THREAD  [main]  the host's loading thread, never two calls at a time
 *           [any]   any thread, any number at a time, also re-entrantly
 *
 * Text is UTF-8 with an explicit length where it can be large. Times are
 * nanoseconds of CLOCK_MONOTONIC. This file is C11 and C++11.
 */
#ifndef CRM_PLUGIN_H
#define CRM_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The major number changes when these structs change, and then nothing loads
 * across it. They are frozen within a major: what is new arrives as an
 * extension, and the minor number counts the extensions this header knows. */
#define CRM_ABI_MAJOR 1
#define CRM_ABI_MINOR 0
#define CRM_MAGIC UINT32_C(0x314d5243) /* "CRM1" in memory, little-endian */

#if defined(__GNUC__)
#define CRM_EXPORT __attribute__((visibility("default")))
#else
#define CRM_EXPORT
#endif

enum crm_status {
	CRM_OK = 0,
	CRM_BAD_REQUEST =
	    1,            /* the body is wrong; the same body will fail again */
	CRM_BUSY = 2,     /* not accepted now; the caller may try later */
	CRM_TIMEOUT = 3,  /* the deadline passed first */
	CRM_STOPPING = 4, /* after stop() began */
	CRM_UNSUPPORTED = 5, /* no such path, key or extension */
	CRM_FAILED = 6       /* an internal failure, described through log() */
};

enum crm_level { CRM_DEBUG, CRM_INFO, CRM_WARN, CRM_ERROR };

/* One message from the widget. */
struct crm_request {
	uint64_t id; /* the host's name for it; unique while pending */
	uint64_t
	    deadline_ns; /* the host answers CRM_TIMEOUT itself after this */
	int64_t
	    sent_at_ms; /* when the widget posted it, Unix time; 0 = unknown */
	const char *account; /* tenant, "" for a host that has only one */
	const char *agent;   /* who is signed in at the host; never empty */
	const char
	    *path; /* "/callLogger", or the type of a message without one */
	const char *body; /* the whole message, JSON text */
	size_t body_len;
};

/* What the host gives the plugin. Valid from create() until destroy() returns.
 */
struct crm_host {
	uint32_t size; /* sizeof(struct crm_host) as the host compiled it */
	uint16_t abi_major, abi_minor;
	void *host_data;
	const char *name, *version;

	/* [any] One line, no newline. Secrets and message bodies never go here.
	 */
	void (*log)(const struct crm_host *host, enum crm_level level,
		    const char *line);

	/* [main, during create] Copies the value of `key` into buf like
	 * snprintf and returns its full length, or -1 when the key is not set
	 * in the file (defaults are the plugin's own). Numbers are decimal,
	 * booleans "true" or "false", lists one element a line. */
	ptrdiff_t (*config)(const struct crm_host *host, const char *key,
			    char *buf, size_t cap);

	/* [any] Answers request `id`. Allowed from inside submit(). With CRM_OK
	 * the body is the whole answer message, or empty for a message that
	 * wants none; with any other status it is one sentence for a person, or
	 * empty. The host drops an answer that comes after the deadline. */
	void (*complete)(const struct crm_host *host, uint64_t id,
			 enum crm_status status, const char *body,
			 size_t body_len);

	/* [any] Sends a message to every open widget of that agent, or
	 * CRM_BUSY. */
	enum crm_status (*post)(const struct crm_host *host,
				const char *account, const char *agent,
				const char *body, size_t body_len);

	/* [any] The host's side of an extension such as "crm.timer/1", or NULL.
	 */
	const void *(*extension)(const struct crm_host *host, const char *id);
};

/* A running instance. The plugin embeds this as its own first member. */
struct crm_plugin {
	/* [main] Starts threads. Runs in the process that serves, after any
	 * fork. An unreachable database is not a reason to fail. */
	enum crm_status (*start)(struct crm_plugin *self);

	/* [any] CRM_OK means accepted: one complete() will follow, or may
	 * already have. Any other value means refused, and no complete() will
	 * come. */
	enum crm_status (*submit)(struct crm_plugin *self,
				  const struct crm_request *request);

	/* [main] Refuses new work, answers all accepted work, ends all threads.
	 * CRM_OK: nothing of the plugin runs any more. CRM_TIMEOUT: the same,
	 * but some answers were CRM_STOPPING. CRM_BUSY: a thread would not end,
	 * so the host must neither destroy() nor unload. */
	enum crm_status (*stop)(struct crm_plugin *self, uint64_t deadline_ns);

	/* [main] After stop(), or instead of start(). */
	void (*destroy)(struct crm_plugin *self);

	/* [any] The plugin's side of an extension, or NULL. */
	const void *(*extension)(struct crm_plugin *self, const char *id);
};

/* The exported constant. */
struct crm_entry {
	uint32_t magic; /* CRM_MAGIC */
	uint32_t size;  /* sizeof(struct crm_entry) */
	uint16_t abi_major, abi_minor;
	const char *id;      /* "org.example.calllog" */
	const char *version; /* the plugin's own, "1.4.2" */
	const char *const
	    *requires_ext; /* extension ids, NULL-terminated; may be NULL */

	/* [main] Reads configuration; opens nothing, starts nothing. On failure
	 * returns NULL with the reason, for a person, in why. */
	struct crm_plugin *(*create)(const struct crm_host *host, char *why,
				     size_t why_cap);
};

#define CRM_ENTRY_INIT                                                         \
	CRM_MAGIC, sizeof(struct crm_entry), CRM_ABI_MAJOR, CRM_ABI_MINOR

extern CRM_EXPORT const struct crm_entry crm_entry;

/* ---------------------------------------------------------------- extensions
 *
 * An extension is a string id and what it points to. Each one below but the
 * last is offered by the plugin through plugin.extension(); the pointer stays
 * valid, and what it points to unchanged, until destroy() returns. A host that
 * does not know an extension never asks for it; a plugin that lacks one returns
 * NULL. */

/* const char *: a JSON array, one object an option of the plugin's group in the
 * host's configuration file, in the order in which a person should read them:
 *   {"name": "conninfo",          the key
 *    "type": "string",            string | int | bool | enum | strings (a list)
 *    "required": true,            default false
 *    "secret": "never",           "never" (default); "may" hold a password, as
 *                                 a connection string does
 *    "default": "text",           a value of that type: "text", 5, true, ["a"];
 *                                 absent: none
 *    "min": 1, "max": 10,         int: the allowed range, inclusive
 *    "values": ["none", "all"],   enum: what is allowed
 *    "example": "text",           for the sample configuration; else the default
 *    "help": "One or more sentences for an administrator."}
 * The host checks the file against it before create() (see CRM_EXT_DESCRIBE),
 * and prints the sample configuration and the manual page from it. The keys
 * `enabled` and `required` are the host's. */
#define CRM_EXT_OPTIONS "crm.options/1"

/* const char *: a JSON object, what of the widget's conversation the plugin
 * takes and what it wants registered with the widget:
 *   {"paths":   ["/callLogger"],         messages with such a `path`, and
 *    "types":   ["rc-login-status-notify"],  messages without one, by `type`
 *    "service": {"callLoggerPath": "/callLogger"},  members of `service` in the
 *               widget's rc-adapter-register-third-party-service
 *    "page":    {"callUrl": "/#call/{sessionId}"},  what the page bridge is to
 *               know (host-api/web/bridge.js says which members)
 *    "events":  "call_log/events",       the path, of those above, that gives a
 *               host of several processes what post() gives one of a single
 *               process: asked with the body {"after": "<cursor>"}, "" for from
 *               now on, it answers {"data": {"cursor": "<cursor>", "gap": false,
 *               "messages": [...]}}; "gap": something may be missing
 *    "files":   {"path": "/recordings/", "ask": "call_log/recording",
 *                "folder": "/var/lib/recordings"}}  sound, in files below that
 *               folder, that a host may serve its agents at <path><id>. For each
 *               request it asks, by the path `ask`, of those above, with the
 *               body {"id": "<id>"}; where a part is wanted with {"first": 0,
 *               "last": 9} too (inclusive; no `last`: to the end), or {"end":
 *               10} (the last bytes), and perhaps with {"tag": "..."}: all of
 *               it unless it still has that tag; with {"head": true} where none
 *               of it will be sent. The answer {"data": {"file":
 *               "2026-11/17.mp3", "type": "audio/mpeg", "bytes": 1234, "tag":
 *               "<of [0-9A-Za-z]>", "name": "call-17.mp3", "first": 0, "last":
 *               9}} says what is sent: `first` and `last` of a part, both null
 *               when there are no such bytes, absent for all of it.
 *               {"data": null}: there is none, or not for this agent. A host
 *               that does not know `files` never asks */
#define CRM_EXT_WIDGET_SERVICE "crm.widget-service/1"

/* const struct crm_pages *: files that the host serves under its own session, as
 * they are, at the paths given below its root or a folder of its choice: so they
 * name each other, and the page bridge widget/bridge.js, relatively. What they
 * want to know they ask in messages of their own (a path of
 * CRM_EXT_WIDGET_SERVICE). */
#define CRM_EXT_PAGES "crm.pages/1"

/* Not of the agent's CRM: served from another origin, to anybody. For a
 * stand-in of the widget. */
#define CRM_PAGE_FOREIGN 1u

struct crm_page {
	const char *path; /* "/", "/calls.css" */
	const char *type; /* "text/css; charset=utf-8" */
	const void *body;
	size_t body_len;
	const char *tag; /* differs when the body does; of [0-9a-z] */
	unsigned flags;
};

struct crm_pages {
	const struct crm_page *pages;
	size_t count;
};

/* const struct crm_health *: what the plugin knows of its own health. */
#define CRM_EXT_HEALTH "crm.health/1"

struct crm_health {
	/* [any, from create to destroy] Writes a JSON object into buf like
	 * snprintf (cut to cap, always terminated when cap > 0) and returns its
	 * full length. Never waits. */
	size_t (*snapshot)(struct crm_plugin *self, char *buf, size_t cap);
};

/* The other way round, asked by the plugin of host.extension() in create(): not
 * NULL when the host only wants the plugin described, to check the
 * configuration file before it creates the plugin proper, or to print
 * documentation. No key is set then. create() must return an instance on which
 * nothing but extension() and destroy() will be called. A plugin whose create()
 * needs no key to succeed can ignore this. One that ignores it and refuses is
 * created with the file's values, and the file is checked only after that. */
#define CRM_EXT_DESCRIBE "crm.describe/1"

#ifdef __cplusplus
}
#endif
#endif
