/* config - what a configuration becomes, and what is said of a wrong one. */
#include "../../plugin/config.h"
#include "../tap.h"

#include <stdlib.h>

static ptrdiff_t get(const struct crm_host *host, const char *key, char *buf,
		     size_t cap)
{
	const char *const *pairs = host->host_data;

	for (; pairs[0]; pairs += 2)
		if (strcmp(pairs[0], key) == 0)
			return snprintf(buf, cap, "%s", pairs[1]);
	return -1;
}

static bool load(const char *const *pairs, bool describing,
		 struct config *config, struct err *err)
{
	struct crm_host host = {.host_data = (void *)pairs, .config = get};

	*err = (struct err){0};
	return config_load(config, &host, describing, err);
}

static void good(void)
{
	static const char *const least[] = {"conninfo", "dbname=x", NULL};
	static const char *const all[] = {"conninfo",
					  "",
					  "body",
					  "all",
					  "empty_note",
					  "erase",
					  "show_log_modal",
					  "false",
					  "commit_deadline_ms",
					  "100",
					  "logger_title",
					  "T\"\xc3\xa4",
					  "batch_max",
					  "1",
					  "retention_days",
					  "8",
					  "queue_max",
					  "1000000",
					  "supervisors",
					  "dana\nacme/sam",
					  NULL};
	struct config config;
	struct err err;

	ok(load(least, false, &config, &err), "conninfo is enough");
	is(config.conninfo, "dbname=x", "it is taken as it is");
	ok(config.body == CONFIG_BODY_FINAL &&
	       config.empty_note == CONFIG_EMPTY_KEEP && config.show_log_modal,
	   "the rest has its defaults: words and flags");
	ok(config.commit_deadline_ms == 2000 && config.batch_max == 500 &&
	       config.retention_days == 0,
	   "and numbers");
	is(config.logger_title, "Log call", "and text");
	ok(config.recordings == CONFIG_RECORDINGS_LINK &&
	       config.recordings_dir[0] == '\0' && !config.recording_loopback,
	   "of recordings the link is kept");
	is(config.recording_hosts,
	   "media.ringcentral.com\nplatform.ringcentral.com",
	   "they may be fetched from the vendor's servers alone");
	config_free(&config);
	config_free(&config);

	ok(load(all, false, &config, &err), "every option can be set");
	ok(config.body == CONFIG_BODY_ALL &&
	       config.empty_note == CONFIG_EMPTY_ERASE &&
	       !config.show_log_modal && config.commit_deadline_ms == 100 &&
	       config.batch_max == 1 && config.queue_max == 1000000 &&
	       config.retention_days == 8,
	   "also to the ends of its range");
	is(config.supervisors, "dana\nacme/sam", "lists are one a line");
	config_free(&config);

	ok(load((const char *const[]){NULL}, true, &config, &err) &&
	       !config.conninfo,
	   "a description needs no option");
	config_free(&config);
}

static void bad(void)
{
	static const struct {
		const char *pairs[5];
		const char *want;
	} cases[] = {
	    {{NULL}, "'conninfo' is not set"},
	    {{"conninfo", "x", "batch_max", "0"},
	     "'batch_max' is '0'; allowed are 1 to 500"},
	    {{"conninfo", "x", "batch_max", "501"},
	     "'batch_max' is '501'; allowed are 1 to 500"},
	    {{"conninfo", "x", "batch_max", "5x"},
	     "'batch_max' is '5x'; allowed are 1 to 500"},
	    {{"conninfo", "x", "batch_max", ""},
	     "'batch_max' is ''; allowed are 1 to 500"},
	    {{"conninfo", "x", "batch_max", "99999999999999999999"},
	     "'batch_max' is '99999999999999999999'; allowed are 1 to 500"},
	    {{"conninfo", "x", "retention_days", "7"},
	     "'retention_days' is '7'; allowed are 0, to keep all, and 8 "
	     "to 36500"},
	    {{"conninfo", "x", "recordings_retention_days", "7"},
	     "'recordings_retention_days' is '7'; allowed are 0, to keep all, "
	     "and 8 to 36500"},
	    {{"conninfo", "x", "retention_days", "-1"},
	     "'retention_days' is '-1'; allowed are 0 to 36500"},
	    {{"conninfo", "x", "body", "Final"},
	     "'body' is 'Final'; allowed are none, final, all"},
	    {{"conninfo", "x", "empty_note", ""},
	     "'empty_note' is ''; allowed are keep, erase"},
	    {{"conninfo", "x", "recordings", "fetch"},
	     "'recordings' is 'fetch', and 'recordings_dir' is not set"},
	    {{"conninfo", "x", "recordings_dir", "here"},
	     "'recordings_dir' is 'here'; it must be a path that begins with "
	     "/"},
	    {{"conninfo", "x", "recording_ca", "ca.pem"},
	     "'recording_ca' is 'ca.pem'; it must be a path that begins with "
	     "/"},
	    {{"conninfo", "x", "recording_hosts", "a.test\nhttps://b.test"},
	     "'recording_hosts' has '://b.test'; allowed are names of "
	     "servers"},
	    {{"conninfo", "x", "recording_proxy", "proxy"},
	     "'recording_proxy' must be http://name:port"},
	    {{"conninfo", "x", "recording_proxy", "http://"},
	     "'recording_proxy' must be http://name:port"},
	    {{"conninfo", "x", "recording_proxy", "http://a.test"},
	     "'recording_proxy' must be http://name:port"},
	    {{"conninfo", "x", "recording_proxy", "http://me:secret@a.test:x"},
	     "'recording_proxy' must be http://name:port"},
	    {{"conninfo", "x", "show_log_modal", "1"},
	     "'show_log_modal' is '1'; allowed are true and false"},
	};
	struct config config;
	struct err err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool loaded = load(cases[i].pairs, false, &config, &err);

		ok(!loaded && err.kind == ERR_CONFIG && !config.conninfo,
		   "refused, and nothing is left to free");
		is(err.text, cases[i].want, "in words");
	}
}

static void table(void)
{
	char *options = config_options();

	ok(options && options[0] == '[' && options[strlen(options) - 1] == ']',
	   "the table prints as a JSON array");
	ok(strstr(options, "{\"name\":\"conninfo\",\"type\":\"string\","
			   "\"required\":true,\"secret\":\"may\","),
	   "conninfo is required and may hold a password");
	ok(strstr(options, "\"default\":500,\"min\":1,\"max\":500,"),
	   "a number has a default and a range");
	ok(strstr(options, "\"default\":true"), "a flag's default is a flag");
	ok(strstr(
	       options,
	       "\"default\":\"final\",\"values\":[\"none\",\"final\",\"all\"]"),
	   "a word's values are listed");
	ok(strstr(options,
		  "\"type\":\"strings\",\"default\":[\"media.ringcentral.com\","
		  "\"platform.ringcentral.com\"]"),
	   "a list's default is a list");
	free(options);
}

int main(void)
{
	good();
	bad();
	table();
	return tap_done();
}
