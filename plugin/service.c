/* service - see service.h. What each member means to the widget is told in the
 * widget's own documentation of rc-adapter-register-third-party-service, and
 * what those of `page` mean in host-api/web/bridge.js. */
#include "service.h"

#include "buf.h"
#include "desk.h"

#include <string.h>

enum { SERVICE_MAX = 1024 * 1024 };

static void name(struct buf *out, const char *name)
{
	if (out->len > 0 && out->bytes[out->len - 1] != '{')
		buf_add_string(out, ",");
	buf_add_json(out, name, strlen(name));
	buf_add_string(out, ":");
}

static void text(struct buf *out, const char *member, const char *value)
{
	name(out, member);
	buf_add_json(out, value, strlen(value));
}

/* An empty value would take the place of the widget's own. */
static void text_if_any(struct buf *out, const char *member, const char *value)
{
	if (value[0])
		text(out, member, value);
}

static void flag(struct buf *out, const char *member, bool value)
{
	name(out, member);
	buf_add_string(out, value ? "true" : "false");
}

static void names(struct buf *out, const char *member, const char *const *list)
{
	name(out, member);
	for (const char *const *one = list; *one; one++) {
		buf_add_string(out, one == list ? "[" : ",");
		buf_add_json(out, *one, strlen(*one));
	}
	buf_add_string(out, "]");
}

static bool is_forced(const struct config *config)
{
	return config->auto_log == CONFIG_AUTO_ALWAYS ||
	       config->auto_log == CONFIG_AUTO_NEVER;
}

static bool is_on(const struct config *config)
{
	return config->auto_log == CONFIG_AUTO_ALWAYS ||
	       config->auto_log == CONFIG_AUTO_AGENT_ON;
}

static void registration(struct buf *out, const struct config *config)
{
	text(out, "name", "call-log");
	text(out, "callLoggerPath", SERVICE_LOG);
	text(out, "callLogEntityMatcherPath", SERVICE_MATCH);
	text(out, "callLoggerTitle", config->logger_title);
	flag(out, "showLogModal", config->show_log_modal);
	text_if_any(out, "callLoggerAutoSettingLabel", config->auto_log_label);
	text_if_any(out, "callLoggerAutoSettingDescription",
		    config->auto_log_text);
	text_if_any(out, "callLoggerAutoSettingWarning",
		    config->auto_log_warning);
	if (is_forced(config)) {
		flag(out, "callLoggerAutoSettingReadOnly", true);
		flag(out, "callLoggerAutoSettingReadOnlyValue", is_on(config));
		text(out, "callLoggerAutoSettingReadOnlyReason",
		     "Set by the administrator");
	}
	if (config->auto_log_hidden)
		flag(out, "callLoggerAutoLogSettingHidden", true);
	if (config->edit_log_hidden)
		flag(out, "callLoggerHideEditLogButton", true);
	if (config->recordings == CONFIG_RECORDINGS_FETCH)
		flag(out, "recordingWithToken", true);
	if (config->authorization) {
		/* answered by the page bridge */
		text(out, "authorizationPath", "/authorize");
		text(out, "authorizedTitle", "Signed in");
		text(out, "unauthorizedTitle", "Sign in");
		flag(out, "showAuthRedDot", true);
	}
}

static void page(struct buf *out, const struct config *config)
{
	text_if_any(out, "widgetUrl", config->widget_url);
	text_if_any(out, "callUrl", config->call_url);
	text_if_any(out, "signInUrl", config->sign_in_url);
	text(out, "settingsPath", "call_log/settings");
	if (config->backfill)
		text(out, "backfillPath", SERVICE_BACKFILL);
	if (config->recordings == CONFIG_RECORDINGS_FETCH)
		text(out, "recordingsPath", SERVICE_RECORDINGS);
	name(out, "autoLog");
	buf_add_string(out, "{");
	flag(out, "forced", is_forced(config));
	flag(out, "initial", is_on(config));
	buf_add_string(out, "}");
}

/* Also of those that were fetched before it was switched off. */
static void files(struct buf *out, const struct config *config)
{
	name(out, "files");
	buf_add_string(out, "{");
	text(out, "path", "/recordings/");
	text(out, "ask", DESK_RECORDING);
	text(out, "folder", config->recordings_dir);
	buf_add_string(out, "}");
}

char *service_print(const struct config *config)
{
	const char *paths[16] = {SERVICE_LOG, SERVICE_MATCH, SERVICE_BACKFILL};
	size_t count = 3;
	struct buf out;

	if (config->recordings == CONFIG_RECORDINGS_FETCH)
		paths[count++] = SERVICE_RECORDINGS;
	for (size_t i = 0; desk_paths[i]; i++)
		paths[count++] = desk_paths[i];
	for (size_t i = 0; desk_report_paths[i]; i++)
		paths[count++] = desk_report_paths[i];
	buf_init(&out, SERVICE_MAX);
	buf_add_string(&out, "{");
	names(&out, "paths", paths);
	names(&out, "types", desk_types);
	text(&out, "events", DESK_EVENTS);
	if (config->recordings_dir && config->recordings_dir[0])
		files(&out, config);
	name(&out, "service");
	buf_add_string(&out, "{");
	registration(&out, config);
	buf_add_string(&out, "}");
	name(&out, "page");
	buf_add_string(&out, "{");
	page(&out, config);
	buf_add_string(&out, "}}");
	return buf_take(&out, NULL);
}
