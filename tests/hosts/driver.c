/* driver - a host for the tests: loads one plugin file by the bare ABI and does
 * what stdin says, one command a line, fields separated by tabs. What happens
 * goes to stdout, one line each. It is not an example of a good host.
 *
 *   create KEY=VALUE...        -> created N | refused WHY
 *   use N                         of the instances created, the one meant below
 *   start                      -> started STATUS
 *   submit ACCOUNT AGENT PATH SENT_AT BODY
 *                              -> accepted ID | refused STATUS, and some time
 *                                 answer ID STATUS MS BODY
 *   burst THREADS REPEAT FILE PAUSE_US
 *                                 submits the lines of the file (the fields of
 *                                 submit), each so often, from so many threads,
 *                                 with a pause after each; waits for all answers
 *                              -> burst KEY=VALUE...
 *   flood THREADS FILE            the same without end, until stop, which
 *                                 writes the numbers of the lines that were
 *                                 answered OK into FILE.ok
 *                              -> flooding
 *   times [ID]                    how long submit() took since the last `times`,
 *                                 or from that request on
 *                              -> times next=ID count=N p50_us=F p999_us=F
 *                                 max_us=F
 *                                 waits=N waited_p999_us=F: of those that gave
 *                                 the processor up by themselves;
 *                                 own_p999_us=F own_max_us=F: theirs, and of
 *                                 others what they worked. Being put aside on
 *                                 a busy machine is no waiting
 *   settle                        waits until everything accepted is answered
 *                              -> settled
 *   deaf N                     -> deaf; the next N posts are answered BUSY
 *   mute                       -> mute; from now on posts are unsupported, as in
 *                                 a host of several processes
 *   stop MS                    -> stopped STATUS MS, tally KEY=VALUE...
 *   destroy                    -> destroyed
 *   reload                        unloads the plugin file and loads it again
 *                              -> reloaded
 *   health | options | service -> health JSON ...
 * And, of faults.h:
 *   wall UNIX_MS               -> wall; what the wall clock shows from now on
 *   fail_thread N              -> failing; the Nth thread made cannot be
 *   names HOW                  -> names; looking one up hangs (`hang`) or not
 *   signals US                 -> signals COUNT, so far; handles signals, and
 *                                 has one every US microseconds (0: none)
 *   fork HOW                      a child that ends by `exit`, `_exit`, or by
 *                                 ending the plugin (`end`), waited for
 *                              -> forked STATUS
 *   fork serve IN OUT             a child that obeys commands from and answers
 *                                 to these named pipes
 *                              -> forked PID
 *   reap PID                      waits for the end of such a child
 *                              -> reaped STATUS
 * And, of disk.h: disk WHAT N    -> disk N
 *   die N                         the Nth call from now that changes something,
 *                                 on the disk or at the server, is the last
 *   calls                      -> how many there were since
 *   grow N, quota N               files may grow by N bytes from now (-1: any)
 *   fail_write N, fail_sync N     the next N of files fail (-1: all)
 *   touched                    -> how often since the last asking a file was
 *                                 written or synced after that failed
 *   read_only 0|1, user UID       what it looks like (-1: as it is)
 *
 * The plugin's log lines come as: log LEVEL LINE. What it posts to agents as:
 * post ACCOUNT AGENT BODY. Memory passed to the plugin
 * is overwritten after each call, so that a kept pointer shows. */
#include "driver.h"

/* -------------------------------------------------------------- commands */

static int split(char *line, char **fields, int max)
{
	int count = 0;

	while (count < max) {
		fields[count++] = line;
		line = count < max ? strchr(line, '\t') : NULL;
		if (!line)
			break;
		*line++ = '\0';
	}
	return count;
}

static bool parse_request(char *line, struct request *request)
{
	char *fields[5];

	if (split(line, fields, 5) != 5)
		return false;
	*request = (struct request){.account = fields[0],
				    .agent = fields[1],
				    .path = fields[2],
				    .sent_at = strtoll(fields[3], NULL, 10),
				    .body = fields[4]};
	return true;
}

static struct work *read_work(struct instance *instance, const char *path)
{
	FILE *file = fopen(path, "r");
	struct work *work = calloc(1, sizeof(*work));
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;

	if (!file) {
		say("error: cannot open %s", path);
		exit(2);
	}
	work->instance = instance;
	while ((len = getline(&line, &cap, file)) > 0) {
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		work->requests = realloc(
		    work->requests, (work->count + 1) * sizeof(struct request));
		if (!parse_request(copy(line, (size_t)len),
				   &work->requests[work->count++])) {
			say("error: bad line in %s", path);
			exit(2);
		}
	}
	free(line);
	fclose(file);
	return work;
}

/* A request's fields lie in one piece that begins with the account. */
static void free_work(struct work *work)
{
	for (size_t i = 0; i < work->count; i++)
		free(work->requests[i].account);
	free(work->requests);
	free(work->ok);
	free((char *)work->ok_path);
	free(work);
}

static void do_create(int count, char **fields)
{
	char why[512] = "";
	int n = 0;

	while (n < INSTANCES && instances[n].plugin)
		n++;
	if (n == INSTANCES) {
		say("error: too many instances");
		exit(2);
	}
	struct instance *instance = &instances[n];
	for (int i = 0; i < instance->key_count; i++)
		free(instance->keys[i]);
	memset(instance, 0, sizeof(*instance));
	for (int i = 1; i < count && instance->key_count < KEYS; i++)
		instance->keys[instance->key_count++] =
		    copy(fields[i], strlen(fields[i]));
	instance->host = (struct crm_host){.size = sizeof(struct crm_host),
					   .abi_major = CRM_ABI_MAJOR,
					   .abi_minor = CRM_ABI_MINOR,
					   .host_data = instance,
					   .name = "driver",
					   .version = "1",
					   .log = host_log,
					   .config = host_config,
					   .complete = host_complete,
					   .post = host_post,
					   .extension = host_extension};
	instance->plugin = entry->create(&instance->host, why, sizeof(why));
	if (instance->plugin)
		say("created %d", n);
	else
		say("refused %s", why);
}

static void do_submit(struct instance *instance, char *line)
{
	struct request request;
	uint64_t id;
	long took;

	if (!parse_request(line, &request)) {
		say("error: bad submit");
		return;
	}
	enum crm_status status =
	    submit_one(instance, &request, NULL, &id, &took);
	if (status == CRM_OK)
		say("accepted %llu", (unsigned long long)id);
	else
		say("refused %s", status_names[status]);
}

static void do_burst(struct instance *instance, int threads, size_t repeat,
		     const char *path, long pause_us)
{
	struct work *work = read_work(instance, path);
	pthread_t thread[THREADS];
	long before[CRM_FAILED + 1];
	long refused = atomic_load(&instance->refused);
	uint64_t start;
	bool all;

	for (int i = 0; i <= CRM_FAILED; i++)
		before[i] = atomic_load(&instance->statuses[i]);
	work->repeat = repeat;
	work->pause_us = pause_us;
	atomic_store(&instance->quiet, true);
	start = now_ns();
	for (int i = 0; i < threads; i++)
		pthread_create(&thread[i], NULL, work_run, work);
	for (int i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	all = wait_answers(instance, 120);
	uint64_t ms = (now_ns() - start) / 1000000;
	atomic_store(&instance->quiet, false);

	pthread_mutex_lock(&speaking);
	printf("burst all=%d refused=%ld ms=%llu slowest_submit_us=%ld",
	       all ? 1 : 0, atomic_load(&instance->refused) - refused,
	       (unsigned long long)ms, atomic_load(&work->slowest_ns) / 1000);
	for (int i = 0; i <= CRM_FAILED; i++)
		printf(" %s=%ld", status_names[i],
		       atomic_load(&instance->statuses[i]) - before[i]);
	printf("\n");
	fflush(stdout);
	pthread_mutex_unlock(&speaking);
	free_work(work);
}

static void do_flood(struct instance *instance, int threads, const char *path)
{
	instance->work = read_work(instance, path);
	instance->work->endless = true;
	instance->work->ok =
	    calloc(instance->work->count + 1, sizeof(atomic_bool));
	instance->work->ok_path = strdup(path);
	instance->flooding = threads;
	atomic_store(&instance->quiet, true);
	for (int i = 0; i < threads; i++)
		pthread_create(&instance->flood[i], NULL, work_run,
			       instance->work);
	say("flooding");
}

static void write_ok(const struct work *work)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s.ok", work->ok_path);
	file = fopen(path, "w");
	for (size_t i = 0; file && i < work->count; i++)
		if (atomic_load(&work->ok[i]))
			fprintf(file, "%zu\n", i);
	if (!file || fclose(file) != 0)
		say("error: cannot write %s", path);
}

static void do_stop(struct instance *instance, long ms)
{
	uint64_t start = now_ns();
	uint64_t deadline =
	    ms < 0 ? UINT64_MAX : start + (uint64_t)ms * 1000000;
	enum crm_status status =
	    instance->plugin->stop(instance->plugin, deadline);

	say("stopped %s %llu", status_names[status],
	    (unsigned long long)((now_ns() - start) / 1000000));
	long answered = atomic_load(&instance->answered);
	for (int i = 0; i < instance->flooding; i++)
		pthread_join(instance->flood[i], NULL);
	atomic_store(&instance->quiet, false);
	if (instance->work)
		write_ok(instance->work);
	pthread_mutex_lock(&speaking);
	printf("tally accepted=%ld answered=%ld twice=%ld late=%ld",
	       atomic_load(&instance->accepted),
	       atomic_load(&instance->answered), atomic_load(&instance->twice),
	       atomic_load(&instance->answered) - answered);
	for (int i = 0; i <= CRM_FAILED; i++)
		printf(" %s=%ld", status_names[i],
		       atomic_load(&instance->statuses[i]));
	printf("\n");
	fflush(stdout);
	pthread_mutex_unlock(&speaking);
	if (instance->work)
		free_work(instance->work);
	instance->work = NULL;
	instance->flooding = 0;
}

static bool load(void)
{
	plugin_file = dlopen(plugin_path, RTLD_NOW | RTLD_LOCAL);
	if (!plugin_file) {
		say("error: %s", dlerror());
		return false;
	}
	entry = dlsym(plugin_file, "crm_entry");
	if (entry && entry->magic == CRM_MAGIC)
		return true;
	say("error: no plugin");
	return false;
}

static void do_reload(void)
{
	dlclose(plugin_file);
	if (!load())
		exit(2);
	say("reloaded");
}

static void do_signals(long us)
{
	faults_handle_signals();
	faults_set_timer(us);
	say("signals %lu", atomic_load(&signals_seen));
}

/* What a host that does not know of forks does in the child. */
static void end_child(struct instance *instance, const char *how)
{
	if (strcmp(how, "_exit") == 0)
		_exit(0);
	if (strcmp(how, "end") == 0) {
		instance->plugin->stop(instance->plugin, now_ns() + 1000000000);
		instance->plugin->destroy(instance->plugin);
	}
	exit(0);
}

static void do_fork(struct instance *instance, int count, char **fields)
{
	bool serves = count == 4;
	pid_t child = faults_fork();

	if (child < 0) {
		say("error: cannot fork");
	} else if (child > 0) {
		say("forked %d", serves ? child : faults_wait(child));
	} else if (!serves) {
		end_child(instance, fields[1]);
	} else if (!faults_talk_through(fields[2], fields[3])) {
		_exit(3);
	}
}

static void do_destroy(struct instance *instance)
{
	instance->plugin->destroy(instance->plugin);
	instance->plugin = NULL;
	say("destroyed");
}

static void do_health(struct instance *instance)
{
	const struct crm_health *health =
	    instance->plugin->extension(instance->plugin, CRM_EXT_HEALTH);
	char text[4096];

	health->snapshot(instance->plugin, text, sizeof(text));
	say("health %s", text);
}

static void do_text(struct instance *instance, const char *name, const char *id)
{
	char *text = strdup(instance->plugin->extension(instance->plugin, id));

	for (char *at = text; *at; at++)
		if (*at == '\n')
			*at = ' ';
	say("%s %s", name, text);
	free(text);
}

static int compare_ns(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* What so many of a thousand took at most. */
static double at_us(const uint32_t *sorted, size_t count, size_t thousandth)
{
	if (count == 0)
		return 0;
	if (thousandth == 1000)
		return sorted[count - 1] / 1e3;
	return sorted[count * thousandth / 1000] / 1e3;
}

/* How many of them are not 0. */
static size_t sort_times(uint32_t *to, const uint32_t *from, size_t count)
{
	size_t some = 0;

	for (size_t i = 0; i < count; i++) {
		to[i] = from[i];
		some += from[i] > 0;
	}
	qsort(to, count, sizeof(*to), compare_ns);
	return some;
}

/* Not while threads submit. */
static void do_times(uint64_t first)
{
	uint64_t end = atomic_load(&next_id);
	size_t count = end > first ? end - first : 0;
	uint32_t *sorted = malloc((count + 1) * sizeof(*sorted));

	pthread_mutex_lock(&speaking);
	sort_times(sorted, submit_ns + first, count);
	printf("times next=%llu count=%zu p50_us=%.1f p999_us=%.1f max_us=%.1f",
	       (unsigned long long)end, count, at_us(sorted, count, 500),
	       at_us(sorted, count, 999), at_us(sorted, count, 1000));
	size_t waits = sort_times(sorted, waited_ns + first, count);
	printf(" waits=%zu waited_p999_us=%.1f", waits,
	       at_us(sorted, count, 999));
	sort_times(sorted, own_ns + first, count);
	printf(" own_p999_us=%.1f own_max_us=%.1f\n", at_us(sorted, count, 999),
	       at_us(sorted, count, 1000));
	fflush(stdout);
	pthread_mutex_unlock(&speaking);
	free(sorted);
	first_timed = end;
}

static void obey(char *line, struct instance **current)
{
	struct instance *instance = *current;
	char *fields[FIELDS];

	if (strncmp(line, "submit\t", 7) == 0) {
		do_submit(instance, line + 7);
		return;
	}
	int count = split(line, fields, FIELDS);
	const char *verb = fields[0];

	if (strcmp(verb, "create") == 0)
		do_create(count, fields);
	else if (strcmp(verb, "use") == 0 && count == 2)
		*current = &instances[strtol(fields[1], NULL, 10) % INSTANCES];
	else if (strcmp(verb, "start") == 0)
		say("started %s",
		    status_names[instance->plugin->start(instance->plugin)]);
	else if (strcmp(verb, "burst") == 0 && count == 5)
		do_burst(instance, (int)strtol(fields[1], NULL, 10) % THREADS,
			 strtoul(fields[2], NULL, 10), fields[3],
			 strtol(fields[4], NULL, 10));
	else if (strcmp(verb, "flood") == 0 && count == 3)
		do_flood(instance, (int)strtol(fields[1], NULL, 10) % THREADS,
			 fields[2]);
	else if (strcmp(verb, "times") == 0)
		do_times(count == 2 ? strtoull(fields[1], NULL, 10)
				    : first_timed);
	else if (strcmp(verb, "settle") == 0)
		say(wait_answers(instance, 60) ? "settled" : "unsettled");
	else if (strcmp(verb, "deaf") == 0 && count == 2) {
		atomic_store(&deaf, strtol(fields[1], NULL, 10));
		say("deaf");
	} else if (strcmp(verb, "mute") == 0) {
		atomic_store(&mute, true);
		say("mute");
	} else if (strcmp(verb, "stop") == 0 && count == 2)
		do_stop(instance, strtol(fields[1], NULL, 10));
	else if (strcmp(verb, "destroy") == 0)
		do_destroy(instance);
	else if (strcmp(verb, "reload") == 0)
		do_reload();
	else if (strcmp(verb, "wall") == 0 && count == 2) {
		faults_set_wall(strtoll(fields[1], NULL, 10));
		say("wall");
	} else if (strcmp(verb, "advance") == 0 && count == 2) {
		faults_advance(strtoll(fields[1], NULL, 10));
		say("advance");
	} else if (strcmp(verb, "fail_thread") == 0 && count == 2) {
		atomic_store(&threads_left, strtol(fields[1], NULL, 10));
		say("failing");
	} else if (strcmp(verb, "names") == 0 && count == 2) {
		atomic_store(&names_hang, strcmp(fields[1], "hang") == 0);
		say("names");
	} else if (strcmp(verb, "signals") == 0 && count == 2)
		do_signals(strtol(fields[1], NULL, 10));
	else if (strcmp(verb, "fork") == 0 && count >= 2)
		do_fork(instance, count, fields);
	else if (strcmp(verb, "reap") == 0 && count == 2)
		say("reaped %d",
		    faults_wait((pid_t)strtol(fields[1], NULL, 10)));
	else if (strcmp(verb, "disk") == 0 && count == 3)
		say("disk %ld",
		    disk_obey(fields[1], strtol(fields[2], NULL, 10)));
	else if (strcmp(verb, "health") == 0)
		do_health(instance);
	else if (strcmp(verb, "options") == 0)
		do_text(instance, verb, CRM_EXT_OPTIONS);
	else if (strcmp(verb, "service") == 0)
		do_text(instance, verb, CRM_EXT_WIDGET_SERVICE);
	else
		say("error: no such command: %s", verb);
}

int main(int argc, char **argv)
{
	struct instance *current = &instances[0];
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	sigset_t outside;

	if (argc != 2) {
		say("error: which plugin?");
		return 2;
	}
	plugin_path = argv[1];
	if (!load())
		return 2;
	faults_hold_signals(&outside);
	while ((len = getline(&line, &cap, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[--len] = '\0';
		faults_release_signals(&outside);
		obey(line, &current);
		faults_hold_signals(&outside);
	}
	free(line);
	for (int i = 0; i < INSTANCES; i++)
		for (int k = 0; k < instances[i].key_count; k++)
			free(instances[i].keys[k]);
	/* A plugin may still speak: not while stdio is being closed, which takes
	 * no locks. */
	pthread_mutex_lock(&speaking);
	return 0;
}
