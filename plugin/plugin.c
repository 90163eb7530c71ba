/* plugin - see plugin.h.
 *
 * Threads and what each owns:
 *   the host's own   nothing; submit() decodes and enqueues
 *   call_log/write   the writer's connection, the batch
 *   call_log/match   the matcher's connection, the round
 *   call_log/listen  the listener's connection
 *   call_log/desk    the desk's connection
 *   call_log/report  that of reports
 *   call_log/fetch   the fetcher's connection, downloads (given a folder)
 * Data moves between them only through queues. */
#include "plugin.h"

#include "backfill.h"
#include "clock.h"
#include "config.h"
#include "db.h"
#include "desk.h"
#include "fetcher.h"
#include "health.h"
#include "listener.h"
#include "log.h"
#include "logger.h"
#include "matcher.h"
#include "process.h"
#include "recall.h"
#include "service.h"
#include "threads.h"
#include "trigger.h"
#include "writer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	/* How much later than stop()'s deadline a thread may end: it answers
	 * what is left then. */
	GRACE_MS = 5000
};

struct plugin {
	struct crm_plugin abi; /* first: the host's pointer is ours */
	const struct crm_host *host;
	struct config config; /* owned, as all below */
	struct health *health;
	struct writer *writer;
	struct trigger *trigger;
	struct recall *recall;
	struct matcher *matcher;
	struct listener *listener;
	struct desk *desk, *reports;
	struct fetcher *fetcher; /* NULL: no 'recordings_dir' is set */
	struct writer_observer observer;
	struct logger logger;
	struct crm_health health_extension;
	char *options;
	char *service;

	struct threads threads;
	_Atomic bool stopping;  /* also true before start() */
	_Atomic long inside;    /* calls of submit() */
	struct process process; /* that started it */
};

static struct plugin *plugin_of(struct crm_plugin *abi)
{
	return (struct plugin *)abi;
}

/* Is this a child of the process that started it? Then there are no threads,
 * locks may be held for ever, and what is open is the parent's. */
static bool is_foreign(const struct plugin *plugin)
{
	return process_has_begun(&plugin->process) &&
	       !process_is_this(&plugin->process);
}

/* --------------------------------------------------------------- submit */

static enum crm_status handle(struct plugin *plugin,
			      const struct crm_request *request)
{
	if (strcmp(request->path, SERVICE_LOG) == 0)
		return logger_submit(&plugin->logger, request);
	if (strcmp(request->path, SERVICE_MATCH) == 0)
		return matcher_submit(plugin->matcher, request);
	if (strcmp(request->path, SERVICE_BACKFILL) == 0)
		return backfill_submit(&plugin->logger, request);
	if (plugin->config.recordings == CONFIG_RECORDINGS_FETCH &&
	    strcmp(request->path, SERVICE_RECORDINGS) == 0)
		return fetcher_submit(plugin->fetcher, request);
	if (desk_takes(plugin->desk, request->path))
		return desk_submit(plugin->desk, request);
	if (desk_takes(plugin->reports, request->path))
		return desk_submit(plugin->reports, request);
	return CRM_UNSUPPORTED;
}

static enum crm_status plugin_submit(struct crm_plugin *abi,
				     const struct crm_request *request)
{
	struct plugin *plugin = plugin_of(abi);
	enum crm_status status = CRM_STOPPING;

	if (is_foreign(plugin))
		return CRM_STOPPING;
	/* stop() waits for those inside: first say so, then look. */
	atomic_fetch_add(&plugin->inside, 1);
	if (!atomic_load(&plugin->stopping))
		status = handle(plugin, request);
	atomic_fetch_sub(&plugin->inside, 1);
	return status;
}

/* -------------------------------------------------------------- threads */

static void tell_to_stop(struct plugin *plugin, uint64_t deadline_ns)
{
	atomic_store(&plugin->stopping, true);
	if (plugin->writer)
		writer_stop(plugin->writer, deadline_ns);
	if (plugin->matcher)
		matcher_stop(plugin->matcher, deadline_ns);
	if (plugin->listener)
		listener_stop(plugin->listener);
	if (plugin->desk)
		desk_stop(plugin->desk, deadline_ns);
	if (plugin->reports)
		desk_stop(plugin->reports, deadline_ns);
	if (plugin->fetcher)
		fetcher_stop(plugin->fetcher, deadline_ns);
}

static enum crm_status plugin_start(struct crm_plugin *abi)
{
	struct plugin *plugin = plugin_of(abi);
	struct threads *threads = &plugin->threads;
	struct err err = {0};

	process_begin(&plugin->process);
	if (!trigger_open(plugin->trigger, &err) ||
	    !matcher_open(plugin->matcher, &err) ||
	    !desk_open(plugin->desk, &err) ||
	    !desk_open(plugin->reports, &err) ||
	    !writer_open(plugin->writer, &err) ||
	    !recall_open(plugin->recall, &err) ||
	    (plugin->fetcher && !fetcher_open(plugin->fetcher, &err))) {
		log_line(plugin->host, CRM_ERROR, "%s", err.text);
		return CRM_FAILED;
	}
	if (threads_start(threads, "call_log/write", writer_run, plugin->writer,
			  &err) &&
	    threads_start(threads, "call_log/match", matcher_run,
			  plugin->matcher, &err) &&
	    threads_start(threads, "call_log/listen", listener_run,
			  plugin->listener, &err) &&
	    threads_start(threads, "call_log/desk", desk_run, plugin->desk,
			  &err) &&
	    threads_start(threads, "call_log/report", desk_run, plugin->reports,
			  &err) &&
	    (!plugin->fetcher ||
	     threads_start(threads, "call_log/fetch", fetcher_run,
			   plugin->fetcher, &err))) {
		atomic_store(&plugin->stopping, false);
		return CRM_OK;
	}
	log_line(plugin->host, CRM_ERROR, "%s", err.text);
	tell_to_stop(plugin, 0);
	threads_join(threads, CLOCK_NEVER);
	return CRM_FAILED;
}

static enum crm_status plugin_stop(struct crm_plugin *abi, uint64_t deadline_ns)
{
	struct plugin *plugin = plugin_of(abi);
	uint64_t now = clock_ns();

	if (is_foreign(plugin))
		return CRM_OK;
	uint64_t end_ns =
	    clock_after(deadline_ns > now ? deadline_ns : now, GRACE_MS);

	tell_to_stop(plugin, deadline_ns);
	bool ended = threads_join(&plugin->threads, end_ns);
	/* Whoever is still inside submit() does not wait for anything. */
	while (ended && atomic_load(&plugin->inside) > 0 && clock_ns() < end_ns)
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	if (!ended || atomic_load(&plugin->inside) > 0)
		return CRM_BUSY;
	if (writer_given_up(plugin->writer) > 0)
		return CRM_TIMEOUT;
	return CRM_OK;
}

/* ----------------------------------------------------------- extensions */

static size_t plugin_health(struct crm_plugin *abi, char *buf, size_t cap)
{
	struct plugin *plugin = plugin_of(abi);

	return health_print(
	    plugin->health,
	    writer_queued(plugin->writer) + matcher_queued(plugin->matcher) +
		desk_queued(plugin->desk) + desk_queued(plugin->reports) +
		(plugin->fetcher ? fetcher_queued(plugin->fetcher) : 0),
	    buf, cap);
}

static const void *plugin_extension(struct crm_plugin *abi, const char *id)
{
	struct plugin *plugin = plugin_of(abi);

	if (strcmp(id, CRM_EXT_OPTIONS) == 0)
		return plugin->options;
	if (strcmp(id, CRM_EXT_WIDGET_SERVICE) == 0)
		return plugin->service;
	if (strcmp(id, CRM_EXT_PAGES) == 0)
		return &plugin_pages;
	if (strcmp(id, CRM_EXT_HEALTH) == 0)
		return &plugin->health_extension;
	return NULL;
}

/* ----------------------------------------------------------- life cycle */

static void plugin_destroy(struct crm_plugin *abi)
{
	struct plugin *plugin = plugin_of(abi);

	/* libpq would say good-bye over the parent's connections. */
	if (is_foreign(plugin))
		return;
	writer_free(plugin->writer);
	matcher_free(plugin->matcher);
	listener_free(plugin->listener);
	desk_free(plugin->desk);
	desk_free(plugin->reports);
	fetcher_free(plugin->fetcher);
	recall_free(plugin->recall);
	trigger_free(plugin->trigger);
	health_free(plugin->health);
	config_free(&plugin->config);
	free(plugin->options);
	free(plugin->service);
	threads_free(&plugin->threads);
	process_end(&plugin->process);
	free(plugin);
}

/* ----------------------------------------------- what became of an event */

static void on_stored(void *context, const struct event *event)
{
	struct plugin *plugin = context;

	recall_committed(plugin->recall, event);
}

static void on_spooled(void *context, const struct event *event)
{
	struct plugin *plugin = context;

	recall_kept(plugin->recall, event);
}

static void on_replayed(void *context, const struct event *event)
{
	struct plugin *plugin = context;

	recall_committed(plugin->recall, event);
	trigger_add(plugin->trigger, event->account, event->agent,
		    event->session_id, TRIGGER_NOW);
}

static void on_erased(void *context, const struct event *event)
{
	struct plugin *plugin = context;

	recall_erased(plugin->recall, event);
	trigger_add(plugin->trigger, event->account, event->agent,
		    event->session_id, TRIGGER_NOW);
}

static void on_rejected(void *context, const struct event *event)
{
	struct plugin *plugin = context;

	recall_rejected(plugin->recall, event);
	trigger_add(plugin->trigger, event->account, event->agent,
		    event->session_id, TRIGGER_NOW);
}

/* ---------------------------------------------------------------- parts */

static bool make_memory(struct plugin *plugin, struct err *err)
{
	const struct config *config = &plugin->config;
	struct recall_settings recall = {
	    .spool = config->spool,
	    .spool_max_bytes = (uint64_t)config->spool_max_mb * 1024 * 1024,
	    .host = plugin->host,
	};

	plugin->trigger = trigger_new(plugin->host, plugin->health, err);
	recall.trigger = plugin->trigger;
	if (plugin->trigger)
		plugin->recall = recall_new(&recall, err);
	plugin->observer = (struct writer_observer){
	    .context = plugin,
	    .stored = on_stored,
	    .spooled = on_spooled,
	    .replayed = on_replayed,
	    .erased = on_erased,
	    .rejected = on_rejected,
	};
	return plugin->recall != NULL;
}

static bool make_listener(struct plugin *plugin, struct err *err)
{
	const struct config *config = &plugin->config;
	bool own = config->listen_conninfo[0] != '\0';
	struct listener_settings listener = {
	    .conninfo = own ? config->listen_conninfo : config->conninfo,
	    .host = plugin->host,
	    .health = plugin->health,
	    .recall = plugin->recall,
	    .trigger = plugin->trigger,
	    .retention_days = (unsigned)config->retention_days,
	};

	plugin->listener = listener_new(&listener, err);
	return plugin->listener != NULL;
}

static bool make_desks(struct plugin *plugin, struct err *err)
{
	struct desk_settings desk = {
	    .kind = DESK_CALLS,
	    .conninfo = plugin->config.conninfo,
	    .supervisors = plugin->config.supervisors,
	    .host = plugin->host,
	    .health = plugin->health,
	};

	plugin->desk = desk_new(&desk, err);
	desk.kind = DESK_REPORTS;
	if (plugin->desk)
		plugin->reports = desk_new(&desk, err);
	return plugin->reports != NULL;
}

static bool make_fetcher(struct plugin *plugin, struct err *err)
{
	struct fetcher_settings fetcher = {
	    .config = &plugin->config,
	    .host = plugin->host,
	    .health = plugin->health,
	};

	/* what was fetched once is to be erased in its time */
	if (plugin->config.recordings_dir[0] == '\0')
		return true;
	plugin->fetcher = fetcher_new(&fetcher, err);
	return plugin->fetcher != NULL;
}

static bool make_parts(struct plugin *plugin, struct err *err)
{
	const struct config *config = &plugin->config;
	size_t bytes = (size_t)config->queue_max_mb * 1024 * 1024;
	struct writer_settings writer = {
	    .conninfo = config->conninfo,
	    .host = plugin->host,
	    .health = plugin->health,
	    .observer = &plugin->observer,
	    .empty_note_erases = config->empty_note == CONFIG_EMPTY_ERASE,
	    .keeps_recordings = config->recordings == CONFIG_RECORDINGS_FETCH,
	    .spool = config->spool[0] ? config->spool : NULL,
	    .spool_max_bytes = (uint64_t)config->spool_max_mb * 1024 * 1024,
	    .commit_deadline_ms = (unsigned)config->commit_deadline_ms,
	    .batch_max = (size_t)config->batch_max,
	    .queue_max = (size_t)config->queue_max,
	    .queue_max_bytes = bytes,
	};
	struct matcher_settings matcher = {
	    .conninfo = config->conninfo,
	    .host = plugin->host,
	    .health = plugin->health,
	    .recall = plugin->recall,
	    .trigger = plugin->trigger,
	    .match_deadline_ms = (unsigned)config->match_deadline_ms,
	    .queue_max = (size_t)config->queue_max,
	    .queue_max_bytes = bytes,
	};

	if (!writer.spool)
		log_line(plugin->host, CRM_WARN,
			 "no 'spool' is set: calls are refused while the "
			 "database is away");
	plugin->writer = writer_new(&writer, err);
	if (plugin->writer)
		plugin->matcher = matcher_new(&matcher, err);
	plugin->logger = (struct logger){
	    .host = plugin->host,
	    .health = plugin->health,
	    .writer = plugin->writer,
	    .keep_body = (enum config_body)config->body,
	    .drops_recordings = config->recordings == CONFIG_RECORDINGS_OFF,
	};
	return plugin->matcher != NULL;
}

static bool check_conninfo(const struct config *config, struct err *err)
{
	return db_check_conninfo("conninfo", config->conninfo, err) &&
	       db_check_conninfo("listen_conninfo", config->listen_conninfo,
				 err);
}

static bool make(struct plugin *plugin, struct err *err)
{
	const struct crm_host *host = plugin->host;
	bool describing = host->extension(host, CRM_EXT_DESCRIBE) != NULL;

	if (!config_load(&plugin->config, host, describing, err))
		return false;
	plugin->health = health_new(plugin->host);
	plugin->options = config_options();
	plugin->service = service_print(&plugin->config);
	if (!plugin->health || !plugin->options || !plugin->service)
		return err_set(err, ERR_NO_MEMORY, "out of memory");
	return describing ||
	       (check_conninfo(&plugin->config, err) &&
		make_memory(plugin, err) && make_parts(plugin, err) &&
		make_listener(plugin, err) && make_desks(plugin, err) &&
		make_fetcher(plugin, err));
}

struct crm_plugin *plugin_new(const struct crm_host *host, char *why,
			      size_t why_cap)
{
	struct plugin *plugin = calloc(1, sizeof(*plugin));
	struct err err = {0};

	if (!plugin) {
		snprintf(why, why_cap, "out of memory");
		return NULL;
	}
	plugin->abi = (struct crm_plugin){
	    .start = plugin_start,
	    .submit = plugin_submit,
	    .stop = plugin_stop,
	    .destroy = plugin_destroy,
	    .extension = plugin_extension,
	};
	plugin->health_extension.snapshot = plugin_health;
	plugin->host = host;
	atomic_init(&plugin->stopping, true);
	threads_init(&plugin->threads);
	if (!make(plugin, &err)) {
		snprintf(why, why_cap, "%s", err.text);
		plugin_destroy(&plugin->abi);
		return NULL;
	}
	return &plugin->abi;
}
