/* crm_host.h - the host library: everything a host author needs.
 *
 * A host is any program that receives the phone widget's messages: a web
 * server, a helpdesk's worker process, a script through its language's FFI. It
 * opens one configuration file, which names the plugins, and hands messages
 * over:
 *
 *     open -> start -> submit / call ... -> stop -> close
 *
 * open() may run before a fork; start() must run in the process that serves.
 * The library remembers that process: in any other one, submit() and call()
 * refuse with CRM_UNSUPPORTED, stop() too, and close() touches nothing.
 *
 * Threads: [main] one thread, one call at a time; [any] any thread, any number
 * at a time. Text is UTF-8. Nothing returned must be freed except by the
 * function named for it; arguments are borrowed until the call returns.
 * This file is C11 and C++11.
 */
#ifndef CRM_HOST_H
#define CRM_HOST_H

#include "crm_plugin.h"

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

#define CRM_HOST_VERSION "1.0.0"

/* The plugins of one configuration file, and the requests in flight. */
struct crm_runtime;

/* What the host gets told. Every member may be NULL. */
struct crm_host_callbacks {
	void *context; /* passed back as the first argument */

	/* [any] One line without a newline, from the library or a plugin.
	 * `source` is "host" or the plugin's group in the configuration file.
	 * NULL: lines go to stderr as "<level> <source>: <line>". */
	void (*log)(void *context, enum crm_level level, const char *source,
		    const char *line);

	/* [any] A plugin sends `body`, a whole message, to every open widget of
	 * that agent. Must not block. Return CRM_BUSY when it cannot be queued.
	 * NULL: the library keeps the newest 1,000 for crm_host_next_post(). */
	enum crm_status (*post)(void *context, const char *account,
				const char *agent, const char *body,
				size_t body_len);
};

/* [any] A callbacks.post for hosts that cannot reach an agent's pages, such as
 * those of several processes: CRM_UNSUPPORTED, so that plugins keep what they
 * have to tell where pages ask for it (crm_host_events_path()). */
enum crm_status crm_host_no_post(void *context, const char *account,
				 const char *agent, const char *body,
				 size_t body_len);

/* [main] Reads the file, checks it, loads and creates every enabled plugin.
 * Returns NULL with one line a problem in `why` (file, line, key, what was
 * found, what is allowed) when the file is wrong or a plugin marked
 * `required = true` does not load. A plugin that is not required and does not
 * load is logged at ERROR, and the others go on. `callbacks` is copied. */
struct crm_runtime *crm_host_open(const char *config_path,
				  const struct crm_host_callbacks *callbacks,
				  char *why, size_t why_cap);

/* [main] Starts the plugins in this process. CRM_OK, or CRM_FAILED with the
 * reason in `why` when a required plugin did not start. */
enum crm_status crm_host_start(struct crm_runtime *runtime, char *why,
			       size_t why_cap);

/* One message from a widget, as the host received it. */
struct crm_message {
	const char *account; /* tenant; "" in a host with only one */
	const char *agent;   /* the signed-in user; never empty */
	/* when the widget posted it, Unix time; 0 = unknown */
	int64_t sent_at_ms;
	const char *body; /* the widget's message, JSON text */
	size_t body_len;
	uint32_t timeout_ms; /* 0 = request_timeout_ms of the configuration */
};

/* [any] Receives the answer: exactly once for each accepted message, on any
 * thread, also before crm_host_submit() returns. `body` is the answer message
 * (CRM_OK; empty when the message wants none) or a sentence that says what is
 * wrong. It must not block; it may call crm_host_submit(). */
typedef void crm_host_done(void *context, enum crm_status status,
			   const char *body, size_t body_len);

/* [any] Hands one message to the plugin that takes its path (or its type, when
 * it has no path). A notification that no plugin takes is answered CRM_OK and
 * empty: it asks for nothing. CRM_OK: accepted, `done` is called once. Any other status:
 * refused, `done` is never called, and `why` says the reason in a sentence:
 * CRM_BAD_REQUEST, CRM_UNSUPPORTED (no plugin takes that path), CRM_BUSY,
 * CRM_STOPPING, CRM_FAILED (not started, out of memory). */
enum crm_status crm_host_submit(struct crm_runtime *runtime,
				const struct crm_message *message,
				crm_host_done *done, void *context, char *why,
				size_t why_cap);

/* [any] The same, waiting for the answer: for hosts that serve one request at a
 * time, and for FFIs. Copies the answer (or the sentence) into `answer` like
 * snprintf and its full length into *answer_len. CRM_TIMEOUT when no answer
 * came in time. */
enum crm_status crm_host_call(struct crm_runtime *runtime, const char *account,
			      const char *agent, const char *message,
			      size_t message_len, int64_t sent_at_ms,
			      uint32_t timeout_ms, char *answer,
			      size_t answer_cap, size_t *answer_len);

/* [any] Takes the oldest message that a plugin posted to widgets, where
 * callbacks.post is NULL. Returns a handle with the parts, or NULL when there
 * is none. Free it with crm_host_post_free(). */
struct crm_post {
	const char *account, *agent, *body;
	size_t body_len;
};
struct crm_post *crm_host_next_post(struct crm_runtime *runtime);
void crm_host_post_free(struct crm_post *post);

/* [any] Write a JSON object into buf like snprintf, return its full length.
 * service: the union of the plugins' `service` objects (see
 * CRM_EXT_WIDGET_SERVICE). status: {"requests": {...}, "plugins": [{"name",
 * "id", "version", "state", "health": {...}}]}. */
size_t crm_host_service(struct crm_runtime *runtime, char *buf, size_t cap);
size_t crm_host_status(struct crm_runtime *runtime, char *buf, size_t cap);

/* [any] The union of the plugins' `page` objects (see CRM_EXT_WIDGET_SERVICE):
 * what the page bridge is to know. Like crm_host_service(). */
size_t crm_host_page_settings(struct crm_runtime *runtime, char *buf,
			      size_t cap);

/* [any] The path of the messages by which a host of several processes asks for
 * what plugins have to tell widgets (`events` of CRM_EXT_WIDGET_SERVICE), into
 * buf. False when no plugin has one. */
bool crm_host_events_path(struct crm_runtime *runtime, char *buf, size_t cap);

/* [any] The page that a plugin offers at that path, or NULL; borrowed until
 * close. */
const struct crm_page *crm_host_page(struct crm_runtime *runtime,
				     const char *path);

/* [any] The value of `group`.`key` ("host" or a plugin's group), formatted as
 * for plugins (lists: one element a line); borrowed until close; NULL when it
 * is not set and has no default. Keys of `host`: listen, plugin_dir (absolute),
 * trusted_proxies, origins, demo_agents, phone_listen, events, max_message_kb,
 * request_timeout_ms. */
const char *crm_host_setting(struct crm_runtime *runtime, const char *group,
			     const char *key);

/* [any] Where a key of `host` stands, "file:line", for a line about its value;
 * borrowed until close; NULL for an unknown key. */
const char *crm_host_place(struct crm_runtime *runtime, const char *key);

/* [main] Refuses new messages, stops the plugins, waits for all answers; gives
 * what is left CRM_STOPPING when the time is over. CRM_OK, or CRM_TIMEOUT when
 * some were given up, or CRM_BUSY when a plugin's thread would not end (it
 * stays loaded). May be called once. */
enum crm_status crm_host_stop(struct crm_runtime *runtime, uint32_t timeout_ms);

/* [main] Destroys the plugins and frees everything; calls stop with a deadline
 * of 5 s when that was not done. NULL is allowed. */
void crm_host_close(struct crm_runtime *runtime);

/* Receives one line without a newline; CRM_ERROR for what keeps the host from
 * starting, CRM_WARN for what does not, CRM_INFO for the rest. */
typedef void crm_host_line(void *context, enum crm_level level,
			   const char *line);

/* [main] Checks a configuration file as open() does, the plugins' create()
 * included, and starts nothing. Also warns of a password in a file that others
 * can read. CRM_OK when open() would succeed with every enabled plugin, else
 * CRM_FAILED, after one line a problem. */
enum crm_status crm_host_check(const char *config_path, crm_host_line *line,
			       void *context);

/* [main] One line for each plugin of the file and each other one in its
 * plugin_dir: "<group>\t<state>\t<id> <version>\t<path>[\t<reason>]", where
 * state is "ready", "disabled", "unused" (no group in the file) or "refused".
 * CRM_FAILED, after the reasons at CRM_ERROR, when the file cannot be used. */
enum crm_status crm_host_list(const char *config_path, crm_host_line *line,
			      void *context);

/* [main] Write a complete sample configuration, and the manual page of the
 * configuration file (roff, section 5, for `man -l`), for the host and the
 * given plugin files, into buf like snprintf. Return the full length, or 0 with
 * the reason in `why`. */
size_t crm_host_sample(const char *const *plugin_paths, size_t plugin_count,
		       char *buf, size_t cap, char *why, size_t why_cap);
size_t crm_host_manual(const char *const *plugin_paths, size_t plugin_count,
		       char *buf, size_t cap, char *why, size_t why_cap);

/* ------------------------------------------------------------------- over HTTP
 *
 * What a page bridge asks of the host that serves its page (README.md, "The HTTP
 * contract"), for a host of any kind, once it knows who asks and that the page
 * may. Bodies are JSON, those of errors {"error": "<code>", "message": "<a
 * sentence>"}. */

/* [any] Receives the status and the body (none with 204): exactly once, on any
 * thread, also before the function returns that it was given to. It must not
 * block. */
typedef void crm_host_http_done(void *context, unsigned status,
				const char *body, size_t body_len);

/* [any] POST messages. `body` is what was posted, the envelope around a message;
 * borrowed until the call returns. */
void crm_host_http_message(struct crm_runtime *runtime, const char *account,
			   const char *agent, const char *body, size_t body_len,
			   crm_host_http_done *done, void *context);

/* [any] GET events, for a host of several processes: what was to be told after
 * that cursor. */
void crm_host_http_events(struct crm_runtime *runtime, const char *account,
			  const char *agent, const char *after,
			  crm_host_http_done *done, void *context);

/* [any] The same two, waiting for the answer: for hosts that serve one request at
 * a time, and for FFIs. NULL: no memory. Free with crm_host_http_free(). */
struct crm_host_answer {
	unsigned status;
	const char *body;
	size_t body_len;
};
struct crm_host_answer *crm_host_http_call_message(struct crm_runtime *runtime,
						   const char *account,
						   const char *agent,
						   const char *body,
						   size_t body_len);
struct crm_host_answer *crm_host_http_call_events(struct crm_runtime *runtime,
						  const char *account,
						  const char *agent,
						  const char *after);
void crm_host_http_free(struct crm_host_answer *answer);

/* What a request wants of a file: values of its headers, NULL where there is none. */
struct crm_host_wanted {
	const char *range, *if_range;
	bool head; /* HEAD: none of it, and the part is of no interest */
};

/* The answer to such a request. */
struct crm_host_file {
	unsigned status;  /* 200, 206, 416, or another error */
	const char *body; /* of an error */
	size_t body_len;
	/* with 200 and 206: of this file so many bytes from there on; -1: none */
	int fd;
	uint64_t first, len;
	/* values of Content-Type, Content-Disposition and ETag; with 206 and 416 of
	 * Content-Range; else NULL */
	const char *type, *disposition, *tag, *range;
};

/* [any] Receives it: exactly once, on any thread, also before the function returns
 * that it was given to. It must not block. The descriptor is its to close, all else
 * borrowed. */
typedef void crm_host_file_done(void *context,
				const struct crm_host_file *file);

/* [any] Whether a plugin may have a file at that path (`files` of
 * CRM_EXT_WIDGET_SERVICE). */
bool crm_host_http_has_file(struct crm_runtime *runtime, const char *path);

/* [any] GET or HEAD of such a path: asks the plugin, which decides who may, and opens
 * the file. 404 when there is none, or not for this agent. The answer is nobody
 * else's: "Cache-Control: no-store", "X-Content-Type-Options: nosniff" and
 * "Accept-Ranges: bytes" belong to it. */
void crm_host_http_file(struct crm_runtime *runtime, const char *account,
			const char *agent, const char *path,
			const struct crm_host_wanted *wanted,
			crm_host_file_done *done, void *context);

/* [any] The same, waiting for the answer. NULL: no memory. Free with
 * crm_host_http_free_file(), which closes no descriptor. */
struct crm_host_file *
crm_host_http_call_file(struct crm_runtime *runtime, const char *account,
			const char *agent, const char *path,
			const struct crm_host_wanted *wanted);
void crm_host_http_free_file(struct crm_host_file *file);

/* [any] GET service.json, written into buf like snprintf. `events` is "stream" or
 * "poll", the way this host has; `stand_in` the address of what is shown where the
 * plugins name no widget, NULL: nothing. */
size_t crm_host_http_service(struct crm_runtime *runtime, const char *account,
			     const char *agent, const char *events,
			     const char *stand_in, char *buf, size_t cap);

/* [any] The Content-Security-Policy of the plugins' pages, which show the widget,
 * like crm_host_http_service(). */
size_t crm_host_http_page_policy(struct crm_runtime *runtime,
				 const char *stand_in, char *buf, size_t cap);

/* [any] What a status other than CRM_OK is over HTTP; writes the body of that
 * error into buf like snprintf. An empty sentence is replaced by a general one. */
unsigned crm_host_http_refusal(enum crm_status status, const char *sentence,
			       size_t sentence_len, char *buf, size_t cap);

/* [any] A file of the page bridge, by its name ("bridge.js"), or NULL; and what
 * differs when any of them does, of [0-9a-f]. All are served from one folder, in
 * which the bridge asks for `messages`, `service.json` and `events`. Constants. */
const struct crm_page *crm_host_bridge_file(const char *name);
const char *crm_host_bridge_version(void);

/* [any] "busy" for CRM_BUSY, and so on; never NULL. */
const char *crm_status_name(enum crm_status status);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif
#endif
