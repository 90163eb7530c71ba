/* config - the option table: name, type, default, range and help text of every
 * option, and their values in one configuration. It is the only place that
 * knows an option's name; it does not know where the host keeps its file. */
#ifndef CALL_LOG_CONFIG_H
#define CALL_LOG_CONFIG_H

#include "crm_plugin.h"
#include "err.h"

#include <stdbool.h>

enum config_body { CONFIG_BODY_NONE, CONFIG_BODY_FINAL, CONFIG_BODY_ALL };
enum config_empty_note { CONFIG_EMPTY_KEEP, CONFIG_EMPTY_ERASE };
/* What is kept of a recording: nothing; its id and link; the recording. */
enum config_recordings {
	CONFIG_RECORDINGS_OFF,
	CONFIG_RECORDINGS_LINK,
	CONFIG_RECORDINGS_FETCH
};
/* Who moves the widget's auto-log switch, and where it stands before. */
enum config_auto_log {
	CONFIG_AUTO_AGENT_OFF,
	CONFIG_AUTO_AGENT_ON,
	CONFIG_AUTO_ALWAYS,
	CONFIG_AUTO_NEVER
};

struct config {
	char *conninfo;        /* owned */
	char *listen_conninfo; /* owned; "": as conninfo */
	char *logger_title;    /* owned */
	char *spool;           /* owned; "": there is none */
	int spool_max_mb;
	bool show_log_modal;
	int auto_log;           /* enum config_auto_log */
	char *auto_log_label;   /* owned; "": the widget's own, as the next */
	char *auto_log_text;    /* owned */
	char *auto_log_warning; /* owned */
	bool auto_log_hidden;
	bool edit_log_hidden;
	bool authorization;
	bool backfill;
	char *widget_url;      /* owned; "": the simulated phone */
	char *call_url;        /* owned; "": none */
	char *sign_in_url;     /* owned; "": the page itself */
	char *supervisors;     /* owned; one a line (supervisors.h) */
	int body;              /* enum config_body */
	int empty_note;        /* enum config_empty_note */
	int retention_days;    /* 0: for ever */
	int recordings;        /* enum config_recordings */
	char *recordings_dir;  /* owned; "" only where none are fetched */
	char *recording_hosts; /* owned; one a line */
	int recording_max_mb;
	int recordings_quota_gb;       /* 0: none */
	int recordings_retention_days; /* 0: for ever */
	int recording_parallel;
	int recording_stall_ms;
	char *recording_ca;    /* owned; "": the system's */
	char *recording_proxy; /* owned; "": none */
	bool recording_loopback;
	int commit_deadline_ms;
	int match_deadline_ms;
	int batch_max;
	int queue_max;
	int queue_max_mb;
};

/* [main, during create] False with err->kind ERR_CONFIG, naming the option,
 * what was found and what is allowed; *config is then empty. Describing: what
 * is required stays NULL. */
bool config_load(struct config *config, const struct crm_host *host,
		 bool describing, struct err *err);
void config_free(struct config *config);

/* The table in the form of CRM_EXT_OPTIONS, to free(); NULL when memory is out.
 */
char *config_options(void);

#endif
