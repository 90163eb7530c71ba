/* crm-host - the reference host: receives the widget's messages over HTTP and
 * hands them to the plugins of one configuration file. This file is its command
 * line and its life; server.c serves. */
#include <crm_host.h>
#include <errno.h>
#include <getopt.h>
#include <microhttpd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "log.h"
#include "server.h"
#include "settings.h"

enum {
	EXIT_USAGE = 64,         /* EX_USAGE of sysexits.h */
	EXIT_CONFIG = 78,        /* EX_CONFIG */
	STOP_TIMEOUT_MS = 10000, /* for the plugins to answer what they have */
	SEND_TIMEOUT_MS = 5000   /* for clients to take their answers */
};

enum action { SERVE, CHECK, LIST, SAMPLE, MANUAL };

static const char usage_text[] =
    "usage: crm-host --config FILE            serve until TERM or INT\n"
    "       crm-host --config FILE --check    check the file and the plugins\n"
    "       crm-host --config FILE --list     show the plugins\n"
    "       crm-host --sample-config [PLUGIN.so ...]\n"
    "                                         print a sample configuration\n"
    "       crm-host --manual [PLUGIN.so ...] print its manual page (roff)\n"
    "       crm-host --help | --version\n"
    "\n"
    "Exit status: 0 done or stopped in order; 1 failed, such as a port that "
    "is\n"
    "taken; 64 wrong usage; 78 wrong configuration.\n";

/* ---------------------------------------------------------------- printing */

/* What was printed is only there when it could be written. */
static int finish_output(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "crm-host: cannot write: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

static void print_line(void *context, enum crm_level level, const char *line)
{
	(void)context;
	if (level == CRM_ERROR)
		fprintf(stderr, "error: %s\n", line);
	else if (level == CRM_WARN)
		fprintf(stderr, "warning: %s\n", line);
	else
		printf("%s\n", line);
}

/* crm_host_check() has said it all. */
static void keep_silent(void *context, enum crm_level level, const char *source,
			const char *line)
{
	(void)context;
	(void)level;
	(void)source;
	(void)line;
}

/* Checks what only this server knows of the file: addresses, origins, names. */
static bool check_settings(const char *path)
{
	struct crm_host_callbacks silent = {.log = keep_silent};
	char why[1024];
	struct crm_runtime *runtime =
	    crm_host_open(path, &silent, why, sizeof why);
	struct settings settings;
	bool good;

	if (!runtime) {
		print_line(NULL, CRM_ERROR, why);
		return false;
	}
	good = settings_read(&settings, runtime, why, sizeof why);
	if (!good)
		print_line(NULL, CRM_ERROR, why);
	settings_free(&settings);
	crm_host_close(runtime);
	return good;
}

static int check(const char *path)
{
	if (crm_host_check(path, print_line, NULL) != CRM_OK ||
	    !check_settings(path))
		return EXIT_CONFIG;
	printf("%s: the configuration is good\n", path);
	return finish_output(EXIT_SUCCESS);
}

static int list(const char *path)
{
	enum crm_status status = crm_host_list(path, print_line, NULL);

	return finish_output(status == CRM_OK ? EXIT_SUCCESS : EXIT_CONFIG);
}

/* Prints what the library generates from the plugins' option tables. */
static int generate(enum action action, const char *const *plugins,
		    size_t count)
{
	char why[1024] = "";
	size_t cap = 256 * 1024, len;
	char *text = malloc(cap);

	if (!text)
		return EXIT_FAILURE;
	len = (action == SAMPLE ? crm_host_sample : crm_host_manual)(
	    plugins, count, text, cap, why, sizeof why);
	if (len == 0 || len >= cap) {
		fprintf(stderr, "crm-host: %s\n",
			len ? "the text is too long" : why);
		free(text);
		return EXIT_FAILURE;
	}
	fwrite(text, 1, len, stdout);
	free(text);
	return finish_output(EXIT_SUCCESS);
}

/* ------------------------------------------------------------------- serving
 */

static void stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

/* Blocked before any thread exists, so that only wait_for_stop() sees them. */
static int open_signals(void)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	stop_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* Waits for the first signal, then leaves the next one to end us at once. */
static void wait_for_stop(int fd, struct log *log)
{
	struct signalfd_siginfo info = {0};
	sigset_t set;

	while (read(fd, &info, sizeof info) < 0 && errno == EINTR)
		;
	stop_signals(&set);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	log_say(log, CRM_INFO,
		"stopping on signal %u; a second one ends at once",
		info.ssi_signo);
}

/* Answers in flight finish, plugins stop, then everything closes. A plugin
 * whose thread would not end stays loaded, and must not see the process being
 * taken down around it. */
static void stop(struct server *server, struct log *log)
{
	enum crm_status status;

	server_quiesce(server);
	status = crm_host_stop(server->runtime, STOP_TIMEOUT_MS);
	if (status == CRM_TIMEOUT)
		log_say(log, CRM_WARN,
			"not all messages were answered in time");
	if (!server_wait_idle(server, SEND_TIMEOUT_MS))
		log_say(log, CRM_WARN, "%zu requests were cut off",
			server_exchanges(server));
	server_close(server);
	if (status == CRM_BUSY) {
		log_say(log, CRM_WARN, "stopped, with a plugin still running");
		_exit(EXIT_SUCCESS);
	}
}

/* Where what the library and the plugins have to tell goes. */
struct outlet {
	struct log log;
	struct feed *feed;
	bool polled; /* pages ask the plugins themselves */
};

static void write_log(void *context, enum crm_level level, const char *source,
		      const char *line)
{
	struct outlet *outlet = context;

	log_write(&outlet->log, level, source, line);
}

static enum crm_status post(void *context, const char *account,
			    const char *agent, const char *body,
			    size_t body_len)
{
	struct outlet *outlet = context;

	if (outlet->polled)
		return CRM_UNSUPPORTED;
	return feed_post(outlet->feed, account, agent, body, body_len);
}

static int run(struct server *server, const struct settings *settings,
	       struct crm_runtime *runtime, struct outlet *outlet, int signals)
{
	struct log *log = &outlet->log;
	char why[1024];

	if (!server_listen(server, runtime, settings, log, outlet->feed, why,
			   sizeof why)) {
		log_write(log, CRM_ERROR, "host", why);
		server_close(server);
		return EXIT_FAILURE;
	}
	if (crm_host_start(runtime, why, sizeof why) != CRM_OK) {
		log_write(log, CRM_ERROR, "host", why);
		server_close(server);
		return EXIT_CONFIG;
	}
	if (!server_start(server, why, sizeof why)) {
		log_write(log, CRM_ERROR, "host", why);
		stop(server, log);
		return EXIT_FAILURE;
	}
	wait_for_stop(signals, log);
	stop(server, log);
	return EXIT_SUCCESS;
}

/* A reason may hold several lines, one a problem. */
static void log_lines(struct log *log, char *lines)
{
	for (char *line = lines, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		log_write(log, CRM_ERROR, "host", line);
	}
}

static int serve(const char *path)
{
	/* before the first thread */
	int signals = open_signals();
	struct outlet outlet = {.log = LOG_INIT, .feed = feed_new()};
	struct crm_host_callbacks callbacks = {
	    .context = &outlet, .log = write_log, .post = post};
	struct log *log = &outlet.log;
	struct settings settings = {0};
	struct server server;
	char why[4096] = "out of memory";
	int status = EXIT_CONFIG;
	struct crm_runtime *runtime =
	    outlet.feed ? crm_host_open(path, &callbacks, why, sizeof why)
			: NULL;

	if (!runtime) {
		log_lines(log, why);
	} else if (!settings_read(&settings, runtime, why, sizeof why)) {
		log_write(log, CRM_ERROR, "host", why);
	} else if (signals < 0) {
		log_say(log, CRM_ERROR, "signalfd: %s", strerror(errno));
		status = EXIT_FAILURE;
	} else {
		outlet.polled = settings.polled;
		status = run(&server, &settings, runtime, &outlet, signals);
	}
	crm_host_close(runtime);
	feed_free(outlet.feed);
	settings_free(&settings);
	if (signals >= 0)
		close(signals);
	if (status == EXIT_SUCCESS)
		log_say(log, CRM_INFO, "stopped");
	return status;
}

/* -------------------------------------------------------------- command line
 */

static int print_version(void)
{
	printf("crm-host %s (plugin ABI %d.%d, libmicrohttpd %s)\n",
	       CRM_HOST_VERSION, CRM_ABI_MAJOR, CRM_ABI_MINOR,
	       MHD_get_version());
	return finish_output(EXIT_SUCCESS);
}

static int wrong_usage(void)
{
	fputs(usage_text, stderr);
	return EXIT_USAGE;
}

static int dispatch(enum action action, const char *config,
		    const char *const *operands, size_t operand_count)
{
	if (action == SAMPLE || action == MANUAL)
		return generate(action, operands, operand_count);
	if (!config || operand_count > 0)
		return wrong_usage();
	if (action == CHECK)
		return check(config);
	return action == LIST ? list(config) : serve(config);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"config", required_argument, NULL, 'c'},
	    {"check", no_argument, NULL, CHECK},
	    {"list", no_argument, NULL, LIST},
	    {"sample-config", no_argument, NULL, SAMPLE},
	    {"manual", no_argument, NULL, MANUAL},
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {NULL, 0, NULL, 0}};
	enum action action = SERVE;
	const char *config = NULL;

	for (int option;
	     (option = getopt_long(argc, argv, "c:h", options, NULL)) != -1;) {
		if (option == 'h') {
			fputs(usage_text, stdout);
			return finish_output(EXIT_SUCCESS);
		}
		if (option == 'V')
			return print_version();
		if (option == 'c')
			config = optarg;
		else if (option >= CHECK && option <= MANUAL && action == SERVE)
			action = (enum action)option;
		else
			return wrong_usage();
	}
	return dispatch(action, config, (const char *const *)argv + optind,
			(size_t)(argc - optind));
}
