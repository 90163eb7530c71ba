/* checks_of_life - an instance's way from create() to destroy(), with few
 * messages or none. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "json.h"
#include "option.h"
#include "remains.h"
#include "stand.h"
#include "traffic.h"
#include "witness.h"

enum {
	/* until the allocator's caches are full: they count as in use */
	WARM_UP = 40,
	ROUNDS = 100,
	/* Just less than the smallest piece of memory each round: what the
	 * allocator itself keeps once is a few of them. */
	NOTICEABLE = ROUNDS * 31,
	FEW = 100
};

/* ---------------------------------------------------------------------- create
 */

/* What create() says about why, and that it keeps to the room it has. */
static void judge_refusal(const struct trial *trial, const char *why,
			  size_t cap)
{
	const char *end = memchr(why, '\0', cap);

	if (!end)
		verdict_fail(trial->verdict,
			     "create() did not terminate the reason in its %zu "
			     "bytes",
			     cap);
	else if (end == why)
		verdict_fail(trial->verdict,
			     "create() refused and gave no reason");
	else if (cap >= STAND_WHY && !witness_is_line(why, strlen(why)))
		verdict_fail(trial->verdict,
			     "the reason is something else than one line of "
			     "UTF-8");
	else if (cap >= STAND_WHY)
		verdict_say(trial->verdict, "create() refused: %s", why);
}

static void try_create(const struct trial *trial, struct stand *stand,
		       size_t cap)
{
	enum { BEHIND = 64 };
	char room[STAND_WHY + BEHIND];

	memset(room, 0x5a, sizeof(room));
	if (stand_create(stand, room, cap))
		stand_destroy(stand);
	else
		judge_refusal(trial, room, cap);
	for (size_t i = cap; i < cap + BEHIND; i++)
		if (room[i] != 0x5a) {
			verdict_fail(trial->verdict,
				     "create() wrote behind the %zu bytes for "
				     "the reason",
				     cap);
			break;
		}
}

static void check_unconfigured(const struct trial *trial)
{
	struct stand *stand = stand_open(trial->setup, trial->verdict, 0);

	if (!stand)
		return;
	stand_count(stand);
	stand->configured = false;
	try_create(trial, stand, STAND_WHY);
	try_create(trial, stand, 16);
	stand->describing = true;
	try_create(trial, stand, STAND_WHY);
	remains_judge(stand);
	stand_close(stand);
}

/* Memory that is in use, of all arenas. */
static size_t used_memory(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void judge_rounds(const struct trial *trial, struct stand *stand,
			 const char *how)
{
	char why[STAND_WHY];
	size_t before = 0, after;

	for (int i = 0; i < WARM_UP + ROUNDS; i++) {
		if (i == WARM_UP)
			before = used_memory();
		if (stand_create(stand, why, sizeof(why)))
			stand_destroy(stand);
	}
	after = used_memory();
	if (after >= before + NOTICEABLE)
		verdict_fail(trial->verdict,
			     "%d times create() and destroy()%s keep %zu bytes "
			     "of memory",
			     ROUNDS, how, after - before);
}

static void check_leaks(const struct trial *trial)
{
	struct stand *stand = stand_open(trial->setup, trial->verdict, 0);

	if (!stand)
		return;
	stand_count(stand);
	judge_rounds(trial, stand, "");
	stand->configured = false;
	judge_rounds(trial, stand, " without configuration");
	remains_judge(stand);
	stand_close(stand);
}

/* -------------------------------------------------------------- what it offers
 */

static void judge_health(const struct trial *trial, struct stand *stand,
			 const struct crm_health *health)
{
	enum { CAP = 64 * 1024, SMALL = 8 };
	char small[SMALL + 1], *buf = malloc(CAP);
	struct crm_json value;
	size_t len;

	if (!buf || !health->snapshot) {
		verdict_need(trial->verdict, buf != NULL, "out of memory");
		verdict_need(trial->verdict, health->snapshot != NULL,
			     CRM_EXT_HEALTH " has no snapshot()");
		free(buf);
		return;
	}
	len = health->snapshot(stand->plugin, buf, CAP);
	if (len >= CAP || strnlen(buf, CAP) != len ||
	    !crm_json_value(buf, len, &value) ||
	    crm_json_type(value) != CRM_JSON_OBJECT)
		verdict_fail(trial->verdict,
			     CRM_EXT_HEALTH " gives no JSON object of the "
					    "length it says");
	memset(small, 0x5a, sizeof(small));
	len = health->snapshot(stand->plugin, small, SMALL);
	if (small[SMALL] != 0x5a || (len > 0 && !memchr(small, '\0', SMALL)))
		verdict_fail(trial->verdict,
			     CRM_EXT_HEALTH " does not keep to the room it is "
					    "given");
	health->snapshot(stand->plugin, NULL, 0);
	free(buf);
}

static void judge_options(const struct trial *trial, const char *json)
{
	char why[STAND_WHY];
	struct crm_options *options = crm_options_new(json, why, sizeof(why));

	if (!options)
		verdict_fail(trial->verdict, CRM_EXT_OPTIONS ": %s", why);
	crm_options_free(options);
}

/* Is it text for a header or an address, of these characters alone? */
static bool is_of(const char *text, const char *allowed)
{
	return text && *text && text[strspn(text, allowed)] == '\0';
}

#define LOWER "abcdefghijklmnopqrstuvwxyz0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" LOWER

/* What is wrong with a page; NULL: nothing. */
static const char *fault_of(const struct crm_page *page)
{
	if (!is_of(page->path, LETTERS "/-._~") || page->path[0] != '/')
		return "its path is none";
	if (strncmp(page->path, "/widget/", 8) == 0 ||
	    strcmp(page->path, "/status") == 0 ||
	    strcmp(page->path, "/demo") == 0)
		return "its path is the host's";
	if (!is_of(page->type, LETTERS "/-.+;= ") || !strchr(page->type, '/'))
		return "its type is none";
	if (!is_of(page->tag, LOWER))
		return "its tag is not of 0-9 and a-z";
	if (!page->body && page->body_len > 0)
		return "it has no body";
	return page->flags & ~CRM_PAGE_FOREIGN ? "it has unknown flags" : NULL;
}

static bool is_repeated(const struct crm_pages *pages, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(pages->pages[i].path, pages->pages[index].path) == 0)
			return true;
	return false;
}

static void judge_pages(const struct trial *trial,
			const struct crm_pages *pages)
{
	for (size_t i = 0; i < pages->count; i++) {
		const char *fault = fault_of(&pages->pages[i]);
		const char *path = pages->pages[i].path;

		if (!fault && is_repeated(pages, i))
			fault = "another has its path";
		if (!fault)
			continue;
		verdict_fail(trial->verdict,
			     CRM_EXT_PAGES ": page %zu, '%s': %s", i + 1,
			     path ? path : "", fault);
		return;
	}
}

static void check_offers(const struct trial *trial)
{
	struct stand *stand = stand_run(trial->setup, trial->verdict, 0);
	const char *options;
	const struct crm_health *health;
	const struct crm_pages *pages;

	if (!stand)
		return;
	options = stand_extension(stand, CRM_EXT_OPTIONS);
	if (options)
		judge_options(trial, options);
	health = stand_extension(stand, CRM_EXT_HEALTH);
	if (health)
		judge_health(trial, stand, health);
	pages = stand_extension(stand, CRM_EXT_PAGES);
	if (pages)
		judge_pages(trial, pages);
	verdict_need(trial->verdict,
		     !stand_extension(stand, "crm-check.no-such/1"),
		     "it offers an extension that does not exist");
	if (stand_end(stand))
		stand_close(stand);
}

/* ------------------------------------------------------------------- start,
 * stop */

static void check_starts(const struct trial *trial)
{
	for (int i = 0; i < 3; i++) {
		struct stand *stand =
		    stand_run(trial->setup, trial->verdict, 0);

		if (!stand || !stand_end(stand))
			return;
		stand_close(stand);
	}
}

static void check_two(const struct trial *trial)
{
	struct stand *first = stand_run(trial->setup, trial->verdict, FEW);
	struct stand *second = stand_run(trial->setup, trial->verdict, FEW);
	bool ended = false;

	if (first && second) {
		traffic_send(first, FEW / 2);
		traffic_send(second, FEW / 2);
		ended = stand_end(first);
		/* It must not have noticed. */
		traffic_send(second, FEW / 2);
		stand_wait(second, STAND_DEADLINE_MS);
		ended = stand_end(second) && ended;
		stand_judge(first);
		stand_judge(second);
	}
	if (!ended)
		return;
	stand_close(first);
	stand_close(second);
}

static void live_after_fork(struct stand *stand)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!stand_start(stand))
		return;
	traffic_send(stand, FEW);
	stand_wait(stand, STAND_DEADLINE_MS);
	if (!stand_end(stand))
		return;
	stand_judge(stand);
}

/* A prefork server: the parent creates, a child serves. */
static void fork_and_live(const struct trial *trial, struct stand *stand)
{
	int status = 0;
	pid_t child = fork();

	if (child < 0) {
		verdict_fail(trial->verdict, "cannot fork");
		return;
	}
	if (child == 0) {
		live_after_fork(stand);
		_exit(0);
	}
	while (waitpid(child, &status, 0) < 0)
		continue;
	if (WIFSIGNALED(status))
		verdict_fail(trial->verdict, "the child died of SIG%s",
			     sigabbrev_np(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		verdict_fail(trial->verdict, "the child ended with status %d",
			     WEXITSTATUS(status));
}

static void check_fork(const struct trial *trial)
{
	struct stand *stand = stand_open(trial->setup, trial->verdict, FEW * 2);
	char why[STAND_WHY];

	if (!stand)
		return;
	if (!stand_create(stand, why, sizeof(why)))
		verdict_fail(trial->verdict, "create() refused: %s", why);
	else if (!samples_read(&stand->samples, trial->setup,
			       stand_extension(stand, CRM_EXT_WIDGET_SERVICE),
			       why, sizeof(why)))
		verdict_fail(trial->verdict, "%s", why);
	else
		fork_and_live(trial, stand);
	stand_close(stand);
}

const struct check checks_of_life[] = {
    {"without configuration create() refuses with a reason, or does without",
     check_unconfigured, NULL, NULL},
    {"100 times create() and destroy() leave nothing behind", check_leaks, NULL,
     NULL},
    {"its options, its health and its pages are well formed", check_offers,
     NULL, NULL},
    {"it starts, stops and is destroyed", check_starts, NULL, NULL},
    {"two instances do not disturb each other", check_two, NULL, NULL},
    {"what was created before a fork starts after it", check_fork, NULL, NULL},
    {NULL, NULL, NULL, NULL},
};
