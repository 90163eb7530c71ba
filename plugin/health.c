/* health - see health.h. */
#include "health.h"

#include "buf.h"
#include "clock.h"
#include "log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REMIND_MS = 60 * 1000,
	OUTAGES_MAX = 5, /* announced within REMIND_MS; more are flapping */
	PRINT_MAX = 4096
};

enum state { STATE_UNKNOWN, STATE_OK, STATE_AWAY, STATE_SCHEMA };

struct health {
	const struct crm_host *host; /* borrowed */
	_Atomic uint64_t counts[HEALTH_COUNTS];
	_Atomic int states[HEALTH_CONNECTIONS]; /* enum state; a fast look */

	pthread_mutex_t mutex; /* for the rest, and to change the states */
	enum state state;      /* of the worst connection */
	uint64_t away_ns;      /* when the outage began; 0: there is none */
	uint64_t window_ns;    /* since when outages are counted */
	unsigned outages;      /* announced since then */
	uint64_t said_ns;      /* when the log was last told; 0: never */
	enum state announced;  /* what the log knows of this outage */
	int64_t since_ms;      /* when `state` began, Unix time */
	struct err last;       /* the last error there was */
};

struct health *health_new(const struct crm_host *host)
{
	struct health *health = calloc(1, sizeof(*health));

	if (!health)
		return NULL;
	health->host = host;
	health->since_ms = clock_wall_ms();
	pthread_mutex_init(&health->mutex, NULL);
	return health;
}

void health_free(struct health *health)
{
	if (!health)
		return;
	pthread_mutex_destroy(&health->mutex);
	free(health);
}

void health_add(struct health *health, enum health_count count, uint64_t more)
{
	atomic_fetch_add_explicit(&health->counts[count], more,
				  memory_order_relaxed);
}

/* The worst state of all connections; one that never tried tells nothing. */
static void update_locked(struct health *health)
{
	enum state worst = STATE_UNKNOWN;

	for (int i = 0; i < HEALTH_CONNECTIONS; i++) {
		enum state one = (enum state)atomic_load(&health->states[i]);

		if (one > worst)
			worst = one;
	}
	if (worst == health->state)
		return;
	health->state = worst;
	health->since_ms = clock_wall_ms();
}

/* Whether a new outage, or what is worse about it, is to be announced. */
static bool is_news_locked(struct health *health, uint64_t now)
{
	if (health->state <= health->announced)
		return false;
	if (clock_until_ms(health->window_ns, now) >= REMIND_MS) {
		health->window_ns = now;
		health->outages = 0;
	}
	return health->outages++ < OUTAGES_MAX;
}

static void tell_away_locked(struct health *health, uint64_t now)
{
	const char *what = health->state == STATE_SCHEMA
			       ? "the database cannot be used"
			       : "the database is away";
	uint64_t lasted_ms = clock_until_ms(health->away_ns, now);

	if (is_news_locked(health, now))
		log_line(health->host, CRM_WARN, "%s: %s", what,
			 health->last.text);
	else if (clock_until_ms(health->said_ns, now) >= REMIND_MS)
		log_line(health->host, CRM_WARN, "%s for %llu s now: %s", what,
			 (unsigned long long)(lasted_ms / 1000),
			 health->last.text);
	else
		return;
	health->announced = health->state;
	health->said_ns = now;
}

void health_away(struct health *health, enum health_connection connection,
		 const struct err *err)
{
	enum state state = err->kind == ERR_SCHEMA ? STATE_SCHEMA : STATE_AWAY;
	uint64_t now = clock_ns();

	pthread_mutex_lock(&health->mutex);
	atomic_store(&health->states[connection], (int)state);
	health->last = *err;
	update_locked(health);
	if (health->away_ns == 0)
		health->away_ns = now;
	tell_away_locked(health, now);
	pthread_mutex_unlock(&health->mutex);
}

void health_ok(struct health *health, enum health_connection connection)
{
	if (atomic_load(&health->states[connection]) == STATE_OK)
		return;

	uint64_t now = clock_ns();

	pthread_mutex_lock(&health->mutex);
	atomic_store(&health->states[connection], STATE_OK);
	update_locked(health);
	if (health->away_ns > 0 && health->state == STATE_OK) {
		uint64_t lasted_ms = clock_until_ms(health->away_ns, now);

		if (health->announced != STATE_UNKNOWN)
			log_line(health->host, CRM_INFO,
				 "the database is back after %llu s",
				 (unsigned long long)(lasted_ms / 1000));
		health->away_ns = 0;
		health->announced = STATE_UNKNOWN;
	}
	pthread_mutex_unlock(&health->mutex);
}

static void print_database(struct health *health, struct buf *out)
{
	static const char *const names[] = {"connecting", "ok", "away",
					    "schema"};
	char since[CLOCK_TEXT];
	struct err last;

	pthread_mutex_lock(&health->mutex);
	enum state state = health->state;
	clock_text(health->since_ms, since);
	last = health->last;
	pthread_mutex_unlock(&health->mutex);

	buf_add_string(out, "\"database\":{\"state\":\"");
	buf_add_string(out, names[state]);
	buf_add_string(out, "\",\"since\":\"");
	buf_add_string(out, since);
	buf_add_string(out, "\",\"last_error\":");
	buf_add_json(out, last.text, strlen(last.text));
	buf_add_string(out, "}");
}

size_t health_print(struct health *health, size_t queued, char *buf, size_t cap)
{
	static const char *const names[HEALTH_COUNTS] = {
	    [HEALTH_STORED] = "stored",     [HEALTH_WRITTEN] = "written",
	    [HEALTH_REPEATED] = "repeated", [HEALTH_BATCHES] = "batches",
	    [HEALTH_REFUSED] = "refused",   [HEALTH_FAILED] = "failed",
	    [HEALTH_BUSY] = "busy",         [HEALTH_CUT] = "cut",
	    [HEALTH_MATCHES] = "matches",   [HEALTH_ASKED] = "asked",
	    [HEALTH_FOUND] = "found",
	};
	struct buf out;

	buf_init(&out, PRINT_MAX);
	buf_add_string(&out, "{");
	print_database(health, &out);
	buf_add_string(&out, ",\"queued\":");
	buf_add_int(&out, (int64_t)queued);
	for (int i = 0; i < HEALTH_COUNTS; i++) {
		buf_add_string(&out, ",\"");
		buf_add_string(&out, names[i]);
		buf_add_string(&out, "\":");
		buf_add_int(&out, (int64_t)atomic_load(&health->counts[i]));
	}
	buf_add_string(&out, "}");

	int len = snprintf(buf, cap, "%s", out.failed ? "{}" : out.bytes);
	buf_free(&out);
	return len < 0 ? 0 : (size_t)len;
}
