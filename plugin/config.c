/* config - see config.h. */
#include "config.h"

#include "buf.h"
#include "config_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { VALUE_MAX = 64 * 1024, OPTIONS_MAX = 64 * 1024 };

enum type { TYPE_STRING, TYPE_INT, TYPE_BOOL, TYPE_ENUM, TYPE_STRINGS };

struct option {
	const char *name;
	enum type type;
	size_t offset; /* in struct config: char *, int, bool, int, char * */
	bool required;
	bool secret;          /* may hold a password */
	const char *standard; /* the default, as the host would hand it over */
	int min, max;
	const char *values[5]; /* of an enum, in the order of its C enum */
	const char *example;   /* of strings: as JSON */
	const char *help;
};

#define AT(member) offsetof(struct config, member)

static const struct option options[] = {
    {.name = "conninfo",
     .type = TYPE_STRING,
     .offset = AT(conninfo),
     .required = true,
     .secret = true,
     .example = "host=/run/postgresql dbname=crm user=crm_host",
     .help = "The PostgreSQL database, as a libpq connection string or URI. A "
	     "password is better kept in a .pgpass file. The user needs role "
	     "call_log_writer."},
    {.name = "listen_conninfo",
     .type = TYPE_STRING,
     .offset = AT(listen_conninfo),
     .secret = true,
     .standard = "",
     .example = "host=db1.example.org dbname=crm user=call_log_writer",
     .help = "The connection that hears of notes changed elsewhere, when "
	     "conninfo leads to a connection pooler: a pooler that shares "
	     "connections between transactions accepts LISTEN and delivers "
	     "nothing. Empty: conninfo. Where nothing is heard the changes "
	     "are looked for every 5 seconds."},
    {.name = "body",
     .type = TYPE_ENUM,
     .offset = AT(body),
     .standard = "final",
     .values = {"none", "final", "all"},
     .help = "Which messages are kept whole in calls.body, access tokens "
	     "removed: none; those that carry a call's final record; all, of "
	     "which a call shows the last. Keeping all costs about half of the "
	     "write rate."},
    {.name = "recordings",
     .type = TYPE_ENUM,
     .offset = AT(recordings),
     .standard = "link",
     .values = {"off", "link", "fetch"},
     .help = "What is kept of a call's recording: nothing; its id and link, "
	     "which needs the phone service's login; or the recording itself, "
	     "fetched into recordings_dir with the access token that the "
	     "widget then hands over, which is kept in memory only."},
    {.name = "recordings_dir",
     .type = TYPE_STRING,
     .offset = AT(recordings_dir),
     .standard = "",
     .example = "/var/lib/crm-host/recordings",
     .help = "The folder that recordings are fetched into, one folder a month. "
	     "It must belong to the user of the host; hosts that use one "
	     "database must share it. A file call_log.recordings, made in it "
	     "when it is used first, tells it from the bare place where "
	     "nothing is mounted, which stays as it is."},
    {.name = "recording_hosts",
     .type = TYPE_STRINGS,
     .offset = AT(recording_hosts),
     .standard = "media.ringcentral.com\nplatform.ringcentral.com",
     .help = "The servers that recordings may be fetched from, also after a "
	     "redirect; by https alone, and never from an address that is "
	     "private."},
    {.name = "recording_max_mb",
     .type = TYPE_INT,
     .offset = AT(recording_max_mb),
     .standard = "200",
     .min = 1,
     .max = 4096,
     .help = "How large a recording may be, in megabytes; a larger one is not "
	     "fetched. An hour takes about 30."},
    {.name = "recordings_quota_gb",
     .type = TYPE_INT,
     .offset = AT(recordings_quota_gb),
     .standard = "0",
     .min = 0,
     .max = 1000000,
     .help = "How much all recordings may take, in gigabytes; then no more are "
	     "fetched until there is room, but what is under way. 0: as much "
	     "as the disk has."},
    {.name = "recordings_retention_days",
     .type = TYPE_INT,
     .offset = AT(recordings_retention_days),
     .standard = "0",
     .min = 0,
     .max = 36500,
     .help =
	 "After how many days a recording is deleted, 8 or more, for the "
	 "widget looks back 7; 0: never. Recordings of calls that are purged "
	 "or erased are deleted with them, as long as recordings_dir is "
	 "set."},
    {.name = "recording_parallel",
     .type = TYPE_INT,
     .offset = AT(recording_parallel),
     .standard = "4",
     .min = 1,
     .max = 100,
     .help = "How many each process of the host fetches at once at most; they "
	     "do not know of each other's."},
    {.name = "recording_stall_ms",
     .type = TYPE_INT,
     .offset = AT(recording_stall_ms),
     .standard = "20000",
     .min = 100,
     .max = 600000,
     .help = "How long a server may send nothing, in milliseconds, before the "
	     "rest is fetched anew."},
    {.name = "recording_ca",
     .type = TYPE_STRING,
     .offset = AT(recording_ca),
     .standard = "",
     .example = "/etc/ssl/certs/company.pem",
     .help = "A file with the certificates of those who may vouch for these "
	     "servers. Empty: those that the system trusts."},
    {.name = "recording_proxy",
     .type = TYPE_STRING,
     .offset = AT(recording_proxy),
     .secret = true,
     .standard = "",
     .example = "http://proxy.company.example:3128",
     .help = "A proxy that recordings are fetched through, as "
	     "http://[user:password@]name:port. Empty: none, whatever the "
	     "environment says. recording_hosts holds behind it as well; but "
	     "it is the proxy that looks names up and connects, so that which "
	     "addresses are private is for it to know."},
    {.name = "recording_loopback",
     .type = TYPE_BOOL,
     .offset = AT(recording_loopback),
     .standard = "false",
     .help = "Whether recordings may come from this very machine: for tests "
	     "only."},
    {.name = "empty_note",
     .type = TYPE_ENUM,
     .offset = AT(empty_note),
     .standard = "keep",
     .values = {"keep", "erase"},
     .help = "What saving an empty note does to the note there is. The widget "
	     "sometimes opens the form empty although a note exists, so that "
	     "to erase would lose notes."},
    {.name = "logger_title",
     .type = TYPE_STRING,
     .offset = AT(logger_title),
     .standard = "Log call",
     .help = "The label of the widget's button that logs a call."},
    {.name = "show_log_modal",
     .type = TYPE_BOOL,
     .offset = AT(show_log_modal),
     .standard = "true",
     .help = "Whether that button opens the widget's own form with a note; "
	     "false: it logs the call at once."},
    {.name = "auto_log",
     .type = TYPE_ENUM,
     .offset = AT(auto_log),
     .standard = "agent_off",
     .values = {"agent_off", "agent_on", "always", "never"},
     .help = "Whether calls are logged without a click: always, never, or as "
	     "the agent sets the widget's switch, which is off or on until "
	     "then. The agent's choice is kept in the database."},
    {.name = "auto_log_label",
     .type = TYPE_STRING,
     .offset = AT(auto_log_label),
     .standard = "",
     .example = "Log my calls",
     .help = "The label of that switch. Empty: the widget's own."},
    {.name = "auto_log_text",
     .type = TYPE_STRING,
     .offset = AT(auto_log_text),
     .standard = "",
     .help = "A description below the label."},
    {.name = "auto_log_warning",
     .type = TYPE_STRING,
     .offset = AT(auto_log_warning),
     .standard = "",
     .help = "A warning below the switch."},
    {.name = "auto_log_hidden",
     .type = TYPE_BOOL,
     .offset = AT(auto_log_hidden),
     .standard = "false",
     .help = "Whether the agents do not see the switch."},
    {.name = "edit_log_hidden",
     .type = TYPE_BOOL,
     .offset = AT(edit_log_hidden),
     .standard = "false",
     .help = "Whether the widget shows no button to edit the log of a call in "
	     "its history."},
    {.name = "authorization",
     .type = TYPE_BOOL,
     .offset = AT(authorization),
     .standard = "true",
     .help = "Whether the widget shows who is signed in at the host, and a "
	     "button to sign in again. While nobody is, it asks for no marks "
	     "and loses none."},
    {.name = "sign_in_url",
     .type = TYPE_STRING,
     .offset = AT(sign_in_url),
     .standard = "",
     .example = "/login",
     .help = "The page that button opens. Empty: the page with the widget is "
	     "loaded anew."},
    {.name = "backfill",
     .type = TYPE_BOOL,
     .offset = AT(backfill),
     .standard = "true",
     .help = "Whether calls of the last days that the widget did not log, "
	     "since no page was open, are logged later. Only for agents whose "
	     "calls are logged without a click."},
    {.name = "widget_url",
     .type = TYPE_STRING,
     .offset = AT(widget_url),
     .standard = "",
     .example = "https://phone.example.org/app.html?clientId=abc",
     .help = "The address of the phone widget, RingCentral Embeddable, with "
	     "its client id. Empty: the simulated phone, if the host serves "
	     "one."},
    {.name = "call_url",
     .type = TYPE_STRING,
     .offset = AT(call_url),
     .standard = "/#call/{sessionId}",
     .example = "https://crm.example.org/calls/{sessionId}",
     .help = "The page that shows a call, opened by the widget's button to "
	     "view a log; {sessionId} and {agent} are filled in. Empty: "
	     "none."},
    {.name = "supervisors",
     .type = TYPE_STRINGS,
     .offset = AT(supervisors),
     .standard = "",
     .example = "[\"dana\", \"acme/sam\"]",
     .help = "The agents who see everybody's figures and calls on the page of "
	     "reports, by name; those of a tenant as tenant/name. All others "
	     "see their own."},
    {.name = "spool",
     .type = TYPE_STRING,
     .offset = AT(spool),
     .standard = "",
     .example = "/var/lib/crm-host/spool.db",
     .help = "The file that calls are kept in while the database is away, "
	     "until it is back. It and its folder are made when missing, and "
	     "must belong to the user of the host. Several hosts of one "
	     "machine may share it. Without one calls are refused meanwhile."},
    {.name = "spool_max_mb",
     .type = TYPE_INT,
     .offset = AT(spool_max_mb),
     .standard = "1024",
     .min = 1,
     .max = 1024 * 1024,
     .help = "How large that file may grow, in megabytes; 1024 hold about a "
	     "million calls. When it is full calls are refused as busy."},
    {.name = "retention_days",
     .type = TYPE_INT,
     .offset = AT(retention_days),
     .standard = "0",
     .min = 0,
     .max = 36500,
     .help = "For how many days calls are kept, 8 at least; 0: for ever. Older "
	     "ones are purged from the database, a few at a time, by one of "
	     "the hosts. Figures of reports stay."},
    {.name = "commit_deadline_ms",
     .type = TYPE_INT,
     .offset = AT(commit_deadline_ms),
     .standard = "2000",
     .min = 100,
     .max = 14000,
     .help = "How long a call may wait for its commit, in milliseconds, "
	     "before it goes to the spool. The widget gives up after 15 "
	     "seconds."},
    {.name = "match_deadline_ms",
     .type = TYPE_INT,
     .offset = AT(match_deadline_ms),
     .standard = "2000",
     .min = 100,
     .max = 29000,
     .help = "How long a match query may wait for the database, in "
	     "milliseconds. The widget gives up after 30 seconds."},
    {.name = "batch_max",
     .type = TYPE_INT,
     .offset = AT(batch_max),
     .standard = "500",
     .min = 1,
     .max = 500,
     .help = "How many events are committed together at most, twice as many "
	     "out of the spool. Fewer are "
	     "written whenever fewer have come: nothing waits for a batch to "
	     "fill."},
    {.name = "queue_max",
     .type = TYPE_INT,
     .offset = AT(queue_max),
     .standard = "20000",
     .min = 1,
     .max = 1000000,
     .help = "How many messages may wait for the database; more are answered "
	     "as busy."},
    {.name = "queue_max_mb",
     .type = TYPE_INT,
     .offset = AT(queue_max_mb),
     .standard = "64",
     .min = 1,
     .max = 4096,
     .help = "How much memory they may take, in megabytes."},
};

enum { OPTION_COUNT = sizeof(options) / sizeof(options[0]) };

/* The value as the host has it, or the default, to free(); NULL with err. */
static char *get_value(const struct option *option, const struct crm_host *host,
		       struct err *err)
{
	ptrdiff_t len = host->config(host, option->name, NULL, 0);

	if (len < 0 && !option->standard) {
		err_set(err, ERR_CONFIG, "'%s' is not set", option->name);
		return NULL;
	}
	if (len > VALUE_MAX) {
		err_set(err, ERR_CONFIG, "'%s' is longer than %d bytes",
			option->name, VALUE_MAX);
		return NULL;
	}
	char *value =
	    len < 0 ? strdup(option->standard) : calloc(1, (size_t)len + 1);
	if (!value)
		err_set(err, ERR_NO_MEMORY, "out of memory");
	else if (len >= 0)
		host->config(host, option->name, value, (size_t)len + 1);
	return value;
}

static bool set_int(const struct option *option, const char *value, int *number,
		    struct err *err)
{
	char *end;

	errno = 0;
	long got = strtol(value, &end, 10);
	if (end == value || *end || errno || got < option->min ||
	    got > option->max)
		return err_set(err, ERR_CONFIG,
			       "'%s' is '%.40s'; allowed are %d to %d",
			       option->name, value, option->min, option->max);
	*number = (int)got;
	return true;
}

static bool set_bool(const struct option *option, const char *value, bool *flag,
		     struct err *err)
{
	*flag = strcmp(value, "true") == 0;
	if (*flag || strcmp(value, "false") == 0)
		return true;
	return err_set(err, ERR_CONFIG,
		       "'%s' is '%.40s'; allowed are true and false",
		       option->name, value);
}

static bool set_enum(const struct option *option, const char *value,
		     int *number, struct err *err)
{
	struct buf allowed;

	for (int i = 0; option->values[i]; i++) {
		if (strcmp(value, option->values[i]) != 0)
			continue;
		*number = i;
		return true;
	}
	buf_init(&allowed, 200);
	for (int i = 0; option->values[i]; i++) {
		buf_add_string(&allowed, i > 0 ? ", " : "");
		buf_add_string(&allowed, option->values[i]);
	}
	err_set(err, ERR_CONFIG, "'%s' is '%.40s'; allowed are %s",
		option->name, value, allowed.bytes ? allowed.bytes : "");
	buf_free(&allowed);
	return false;
}

static bool set_value(struct config *config, const struct option *option,
		      char **value, struct err *err)
{
	void *at = (char *)config + option->offset;

	switch (option->type) {
	case TYPE_STRING:
	case TYPE_STRINGS:
		*(char **)at = *value;
		*value = NULL;
		return true;
	case TYPE_INT:
		return set_int(option, *value, at, err);
	case TYPE_BOOL:
		return set_bool(option, *value, at, err);
	case TYPE_ENUM:
		return set_enum(option, *value, at, err);
	}
	return false;
}

bool config_load(struct config *config, const struct crm_host *host,
		 bool describing, struct err *err)
{
	*config = (struct config){0};
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (describing && options[i].required)
			continue;
		char *value = get_value(&options[i], host, err);
		bool set = value && set_value(config, &options[i], &value, err);

		free(value);
		if (!set) {
			config_free(config);
			return false;
		}
	}
	if (config_check(config, err))
		return true;
	config_free(config);
	return false;
}

void config_free(struct config *config)
{
	free(config->conninfo);
	free(config->listen_conninfo);
	free(config->logger_title);
	free(config->auto_log_label);
	free(config->auto_log_text);
	free(config->auto_log_warning);
	free(config->widget_url);
	free(config->call_url);
	free(config->sign_in_url);
	free(config->supervisors);
	free(config->spool);
	free(config->recordings_dir);
	free(config->recording_hosts);
	free(config->recording_ca);
	free(config->recording_proxy);
	*config = (struct config){0};
}

static void add_member(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	buf_add_string(out, ",\"");
	buf_add_string(out, name);
	buf_add_string(out, "\":");
	buf_add_json(out, value, strlen(value));
}

static void add_number(struct buf *out, const char *name, int value)
{
	buf_add_string(out, ",\"");
	buf_add_string(out, name);
	buf_add_string(out, "\":");
	buf_add_int(out, value);
}

static void add_lines(struct buf *out, const char *lines)
{
	const char *comma = "";

	buf_add_string(out, "[");
	for (size_t len; *lines; lines += len + (lines[len] == '\n')) {
		len = strcspn(lines, "\n");
		buf_add_string(out, comma);
		buf_add_json(out, lines, len);
		comma = ",";
	}
	buf_add_string(out, "]");
}

/* As a value of its type: numbers and booleans are written as they are. */
static void add_default(struct buf *out, const struct option *option)
{
	if (!option->standard)
		return;
	if (option->type == TYPE_STRING || option->type == TYPE_ENUM) {
		add_member(out, "default", option->standard);
		return;
	}
	buf_add_string(out, ",\"default\":");
	if (option->type == TYPE_STRINGS)
		add_lines(out, option->standard);
	else
		buf_add_string(out, option->standard);
}

static void add_option(struct buf *out, const struct option *option)
{
	static const char *const types[] = {"string", "int", "bool", "enum",
					    "strings"};

	buf_add_string(out, "{\"name\":");
	buf_add_json(out, option->name, strlen(option->name));
	add_member(out, "type", types[option->type]);
	if (option->required)
		buf_add_string(out, ",\"required\":true");
	if (option->secret)
		add_member(out, "secret", "may");
	add_default(out, option);
	if (option->type == TYPE_INT) {
		add_number(out, "min", option->min);
		add_number(out, "max", option->max);
	}
	if (option->type == TYPE_ENUM) {
		buf_add_string(out, ",\"values\":");
		for (int i = 0; option->values[i]; i++) {
			buf_add_string(out, i > 0 ? "," : "[");
			buf_add_json(out, option->values[i],
				     strlen(option->values[i]));
		}
		buf_add_string(out, "]");
	}
	if (option->type == TYPE_STRINGS && option->example) {
		buf_add_string(out, ",\"example\":");
		buf_add_string(out, option->example);
	} else {
		add_member(out, "example", option->example);
	}
	add_member(out, "help", option->help);
	buf_add_string(out, "}");
}

char *config_options(void)
{
	struct buf out;

	buf_init(&out, OPTIONS_MAX);
	for (int i = 0; i < OPTION_COUNT; i++) {
		buf_add_string(&out, i > 0 ? ",\n" : "[");
		add_option(&out, &options[i]);
	}
	buf_add_string(&out, "]");
	return buf_take(&out, NULL);
}
