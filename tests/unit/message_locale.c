/* message_locale - the host may have any locale; messages have none. The one
 * used here has a decimal comma and is made for the test, since most machines
 * have no other than C. */
#include "../decode.h"
#include "../tap.h"

#include <locale.h>
#include <unistd.h>

static const char message[] =
    "{\"requestId\":\"r\",\"body\":{\"triggerType\":\"logForm\",\"call\":{"
    "\"sessionId\":1840222333004,\"startTime\":1798794300123.5,"
    "\"duration\":11.5,\"offset\":-0.25},\"formData\":{\"score\":4.5,"
    "\"factor\":-1.25e-7,\"link\":\"x?access_token=S\"}}}";

static const char event_line[] =
    "ringing manual session=\"1840222333004\" started=1798794300123 "
    "duration=12 form=\"{\\\"score\\\":4.5,\\\"factor\\\":-1.25e-07,"
    "\\\"link\\\":\\\"x\\\"}\"";

static const char kept_body[] =
    "{\"requestId\":\"r\",\"body\":{\"triggerType\":\"logForm\",\"call\":{"
    "\"sessionId\":1840222333004,\"startTime\":1798794300123.5,"
    "\"duration\":11.5,\"offset\":-0.25},\"formData\":{\"score\":4.5,"
    "\"factor\":-1.25e-07,\"link\":\"x\"}}}";

static void decodes(const char *where)
{
	struct message_origin origin = decode_origin();
	struct message_log log;
	char *line;

	origin.keep_body = MESSAGE_BODY_ALL;
	if (!ok(message_decode_log(message, strlen(message), &origin, &log,
				   NULL),
		"a message with fractions is decoded %s", where))
		return;
	line = decode_line(log.event);
	is(line, event_line, "its event has the values that were sent");
	is(log.event->body.s, kept_body, "the body kept is JSON");
	free(line);
	message_log_free(&log);
}

/* localedef warns about categories that are left out and says 1; whether it
 * worked shows in what printf does. */
static void make_locale(const char *folder)
{
	char path[200], command[800];

	snprintf(path, sizeof(path), "%s/source", folder);
	FILE *file = fopen(path, "w");
	if (file) {
		fputs("LC_NUMERIC\ndecimal_point \"<U002C>\"\n"
		      "thousands_sep \"<U002E>\"\ngrouping 3;3\n"
		      "END LC_NUMERIC\n",
		      file);
		fclose(file);
	}
	snprintf(command, sizeof(command),
		 "localedef -c --no-archive -i %s -f ANSI_X3.4-1968 %s/comma "
		 ">%s/log 2>&1",
		 path, folder, folder);
	int status = system(command);
	diag("localedef: %d", status);
}

int main(void)
{
	char folder[] = "/tmp/locale-XXXXXX", printed[8], command[100];

	decodes("in the C locale");
	if (!ok(mkdtemp(folder) != NULL, "there is a folder for a locale"))
		return tap_done();
	make_locale(folder);
	setenv("LOCPATH", folder, 1);
	is(setlocale(LC_ALL, "comma"), "comma", "a locale of our own is set");
	snprintf(printed, sizeof(printed), "%.1f", 1.5);
	is(printed, "1,5", "its decimal point is a comma");
	decodes("under a decimal comma");
	is(setlocale(LC_ALL, NULL), "comma", "the host's locale stays");
	snprintf(printed, sizeof(printed), "%.1f", 1.5);
	is(printed, "1,5", "with its comma");

	snprintf(command, sizeof(command), "rm -r %s", folder);
	ok(system(command) == 0, "the locale is removed");
	return tap_done();
}
