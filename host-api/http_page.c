/* http_page - what pages are served with: the page bridge, what it is told of the
 * host, the policy under which a page may show the widget. */
#include "crm_host.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "envelope.h"
#include "text.h"

/* made from host-api/web/ */
extern const struct crm_pages crm_bridge_files;
extern const char crm_bridge_files_version[];

#define OWN_ONLY                                                               \
	"default-src 'none'; script-src 'self'; style-src 'self'; "            \
	"img-src 'self' data:; connect-src 'self'; "                           \
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'; "        \
	"media-src 'self'"

const struct crm_page *crm_host_bridge_file(const char *name)
{
	for (size_t i = 0; i < crm_bridge_files.count; i++)
		if (strcmp(crm_bridge_files.pages[i].path, name) == 0)
			return &crm_bridge_files.pages[i];
	return NULL;
}

const char *crm_host_bridge_version(void)
{
	return crm_bridge_files_version;
}

/* What the plugins have for the bridge, to free(); NULL: no memory. It does not
 * change while they are loaded. */
static char *page_settings(struct crm_runtime *runtime)
{
	size_t len = crm_host_page_settings(runtime, NULL, 0);
	char *page = malloc(len + 1);

	if (page)
		crm_host_page_settings(runtime, page, len + 1);
	return page;
}

/* The address of the widget, to free(); NULL: there is none. */
static char *widget_url(const char *page)
{
	return page ? crm_envelope_string(page, strlen(page), "widgetUrl")
		    : NULL;
}

/* The plugins' object, with the stand-in where they name no widget. */
static void add_page(struct crm_text *text, const char *page,
		     const char *stand_in)
{
	char *url = widget_url(page);

	crm_text_add(text, ",\"page\":{");
	if (!url && stand_in) {
		crm_text_add(text, "\"widgetUrl\":");
		crm_text_json(text, stand_in);
		crm_text_add(text, strcmp(page, "{}") == 0 ? "" : ",");
	}
	crm_text_bytes(text, page + 1, strlen(page) - 1);
	free(url);
}

static void add_string(struct crm_text *text, const char *before,
		       const char *value)
{
	crm_text_add(text, "%s", before);
	crm_text_json(text, value);
}

size_t crm_host_http_service(struct crm_runtime *runtime, const char *account,
			     const char *agent, const char *events,
			     const char *stand_in, char *buf, size_t cap)
{
	struct crm_text text = crm_text_in(buf, cap);
	char *page = page_settings(runtime);
	size_t room;

	crm_text_add(&text, "{\"service\":");
	room = text.len < cap ? cap - text.len : 0;
	text.len +=
	    crm_host_service(runtime, room ? buf + text.len : NULL, room);
	add_page(&text, page ? page : "{}", stand_in);
	add_string(&text, ",\"agent\":", agent);
	add_string(&text, ",\"account\":", account);
	add_string(&text, ",\"events\":", events);
	crm_text_add(&text, ",\"now\":%lld}", (long long)crm_clock_unix_ms());
	free(page);
	return text.len;
}

/* The length of the origin that the address begins with; 0: it is none, or none
 * that can stand in a header. */
static size_t origin_len(const char *url)
{
	size_t scheme = strncmp(url, "https://", 8) == 0  ? 8
			: strncmp(url, "http://", 7) == 0 ? 7
							  : 0;
	size_t host = strspn(url + scheme,
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
			     "XYZ0123456789.-:[]");
	char end = url[scheme + host];

	if (scheme == 0 || host == 0 ||
	    (end != '\0' && end != '/' && end != '?' && end != '#'))
		return 0;
	return scheme + host;
}

size_t crm_host_http_page_policy(struct crm_runtime *runtime,
				 const char *stand_in, char *buf, size_t cap)
{
	struct crm_text text = crm_text_in(buf, cap);
	char *page = page_settings(runtime);
	char *own = widget_url(page);
	const char *url = own ? own : stand_in;
	size_t len = url ? origin_len(url) : 0;

	crm_text_add(&text, OWN_ONLY "; frame-src %.*s", len ? (int)len : 6,
		     len ? url : "'none'");
	free(own);
	free(page);
	return text.len;
}
