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
	PRINT_MAX = 8192,
	WAITING_MAX = 60
};

enum state { STATE_UNKNOWN, STATE_OK, STATE_AWAY, STATE_SCHEMA };

struct health {
	const struct crm_host *host; /* borrowed */
	_Atomic uint64_t counts[HEALTH_COUNTS];
	_Atomic int states[HEALTH_CONNECTIONS]; /* enum state; a fast look */
	_Atomic int listener;                   /* enum health_listener */

	pthread_mutex_t mutex; /* for the rest, and to change the states */
	enum state state;      /* of the worst connection */
	uint64_t away_ns;      /* when the outage began; 0: there is none */
	uint64_t window_ns;    /* since when outages are counted */
	unsigned outages;      /* announced since then */
	uint64_t said_ns;      /* when the log was last told; 0: never */
	enum state announced;  /* what the log knows of this outage */
	int64_t since_ms;      /* when `state` began, Unix time */
	int64_t last_ms;       /* when `last` was */
	struct err last;       /* the last error there was */

	bool spools;               /* there is a spool */
	struct health_spool spool; /* `error` is not kept here */
	char spool_error[200];     /* "": it can be used */
	uint64_t spool_said_ns;    /* when the log was last told of that */
	uint64_t replayed_before;  /* HEALTH_REPLAYED before the outage */

	unsigned retention_days;
	char retention_error[200]; /* "": none */

	bool records;               /* recordings are kept */
	char recordings_error[256]; /* "": there is room for them */

	_Atomic uint64_t rejected; /* of which the log was not told */
	struct err rejection;      /* of the first of them */
	uint64_t rejected_said_ns;
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

static uint64_t count_of(struct health *health, enum health_count count)
{
	return atomic_load_explicit(&health->counts[count],
				    memory_order_relaxed);
}

void health_add(struct health *health, enum health_count count, uint64_t more)
{
	atomic_fetch_add_explicit(&health->counts[count], more,
				  memory_order_relaxed);
}

static bool is_time(uint64_t said_ns, uint64_t now)
{
	return said_ns == 0 || clock_until_ms(said_ns, now) >= REMIND_MS;
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

void health_rejected(struct health *health, uint64_t count,
		     const struct err *why)
{
	health_add(health, HEALTH_REJECTED, count);
	pthread_mutex_lock(&health->mutex);
	if (atomic_fetch_add(&health->rejected, count) == 0)
		health->rejection = *why;
	pthread_mutex_unlock(&health->mutex);
}

void health_tell_rejected(struct health *health, bool at_end)
{
	uint64_t now = clock_ns();

	if (atomic_load(&health->rejected) == 0)
		return;
	pthread_mutex_lock(&health->mutex);
	if (at_end || is_time(health->rejected_said_ns, now)) {
		log_line(
		    health->host, CRM_ERROR,
		    "the database refuses %llu calls, kept in "
		    "call_log.rejected, the first: %s",
		    (unsigned long long)atomic_exchange(&health->rejected, 0),
		    health->rejection.text);
		health->rejected_said_ns = now;
	}
	pthread_mutex_unlock(&health->mutex);
}

/* ", 12 events wait in the spool", or "" when none does. */
static const char *say_waiting_locked(const struct health *health, char *text,
				      size_t cap)
{
	text[0] = '\0';
	if (health->spool.rows > 0)
		snprintf(text, cap, ", %llu events wait in the spool",
			 (unsigned long long)health->spool.rows);
	return text;
}

static const char *say_state(enum state state, enum err_kind last)
{
	if (state == STATE_SCHEMA)
		return "the database cannot be used";
	return last == ERR_TIMEOUT ? "the database is too slow"
				   : "the database is away";
}

static void tell_away_locked(struct health *health, uint64_t now)
{
	const char *what = say_state(health->state, health->last.kind);
	uint64_t lasted_ms = clock_until_ms(health->away_ns, now);
	char waiting[WAITING_MAX];

	if (is_news_locked(health, now))
		log_line(health->host, CRM_WARN, "%s: %s", what,
			 health->last.text);
	else if (is_time(health->said_ns, now))
		log_line(health->host, CRM_WARN, "%s for %llu s now%s: %s",
			 what, (unsigned long long)(lasted_ms / 1000),
			 say_waiting_locked(health, waiting, sizeof(waiting)),
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
	health->last_ms = clock_wall_ms();
	update_locked(health);
	if (health->away_ns == 0) {
		health->away_ns = now;
		health->replayed_before = count_of(health, HEALTH_REPLAYED);
	}
	tell_away_locked(health, now);
	pthread_mutex_unlock(&health->mutex);
}

/* An outage has ended when the database can be used and all that was spooled
 * has got there. */
static void end_outage_locked(struct health *health, uint64_t now)
{
	uint64_t lasted_ms = clock_until_ms(health->away_ns, now);
	uint64_t replayed =
	    count_of(health, HEALTH_REPLAYED) - health->replayed_before;
	char what[WAITING_MAX] = "";

	if (health->away_ns == 0 || health->state != STATE_OK ||
	    health->spool.rows > 0)
		return;
	if (replayed > 0)
		snprintf(what, sizeof(what), ", %llu spooled events replayed",
			 (unsigned long long)replayed);
	if (health->announced != STATE_UNKNOWN)
		log_line(health->host, CRM_INFO,
			 "the database is back after %llu s%s",
			 (unsigned long long)(lasted_ms / 1000), what);
	health->away_ns = 0;
	health->announced = STATE_UNKNOWN;
}

void health_ok(struct health *health, enum health_connection connection)
{
	if (atomic_load(&health->states[connection]) == STATE_OK)
		return;

	pthread_mutex_lock(&health->mutex);
	atomic_store(&health->states[connection], STATE_OK);
	update_locked(health);
	end_outage_locked(health, clock_ns());
	pthread_mutex_unlock(&health->mutex);
}

/* The database is there and the spool is not empty yet. */
static void tell_waiting_locked(struct health *health, uint64_t now)
{
	if (health->spool.rows == 0 || health->state != STATE_OK ||
	    !is_time(health->said_ns, now))
		return;
	log_line(health->host, CRM_INFO,
		 "%llu spooled events wait to be "
		 "replayed",
		 (unsigned long long)health->spool.rows);
	health->said_ns = now;
}

static void tell_spool_error_locked(struct health *health, uint64_t now)
{
	if (!health->spool_error[0] || !is_time(health->spool_said_ns, now))
		return;
	log_line(health->host, CRM_ERROR, "the spool cannot be used: %s",
		 health->spool_error);
	health->spool_said_ns = now;
}

void health_spool(struct health *health, const struct health_spool *spool)
{
	uint64_t now = clock_ns();

	pthread_mutex_lock(&health->mutex);
	health->spools = true;
	health->spool = *spool;
	snprintf(health->spool_error, sizeof(health->spool_error), "%s",
		 spool->error ? spool->error : "");
	health->spool.error = NULL;
	tell_spool_error_locked(health, now);
	tell_waiting_locked(health, now);
	end_outage_locked(health, now);
	pthread_mutex_unlock(&health->mutex);
}

void health_listener(struct health *health, enum health_listener state)
{
	atomic_store(&health->listener, (int)state);
}

void health_retention(struct health *health, unsigned days, const char *error)
{
	pthread_mutex_lock(&health->mutex);
	health->retention_days = days;
	snprintf(health->retention_error, sizeof(health->retention_error), "%s",
		 error ? error : "");
	pthread_mutex_unlock(&health->mutex);
}

void health_recordings(struct health *health, const char *why)
{
	pthread_mutex_lock(&health->mutex);
	health->records = true;
	snprintf(health->recordings_error, sizeof(health->recordings_error),
		 "%s", why ? why : "");
	pthread_mutex_unlock(&health->mutex);
}

static void print_listener(struct health *health, struct buf *out)
{
	static const char *const names[] = {"away", "ok", "polling"};

	buf_add_string(out, ",\"listener\":\"");
	buf_add_string(out, names[atomic_load(&health->listener)]);
	buf_add_string(out, "\"");
}

static void print_database(struct health *health, struct buf *out)
{
	static const char *const names[] = {"connecting", "ok", "away",
					    "schema"};
	char since[CLOCK_TEXT], last_time[CLOCK_TEXT];
	struct err last;

	pthread_mutex_lock(&health->mutex);
	enum state state = health->state;
	clock_text(health->since_ms, since);
	clock_text(health->last_ms, last_time);
	last = health->last;
	pthread_mutex_unlock(&health->mutex);

	buf_add_string(out, "\"database\":{\"state\":\"");
	buf_add_string(out, names[state]);
	buf_add_string(out, "\",\"since\":\"");
	buf_add_string(out, since);
	buf_add_string(out, "\",\"last_error\":");
	buf_add_json(out, last.text, strlen(last.text));
	/* of the past where it is older than `since` and the state is "ok" */
	buf_add_string(out, ",\"last_error_at\":");
	buf_add_string(out, last.text[0] ? "\"" : "null");
	if (last.text[0]) {
		buf_add_string(out, last_time);
		buf_add_string(out, "\"");
	}
	buf_add_string(out, "}");
}

static void add_named(struct buf *out, const char *name, int64_t value)
{
	buf_add_string(out, ",\"");
	buf_add_string(out, name);
	buf_add_string(out, "\":");
	buf_add_int(out, value);
}

static void print_spool(struct health *health, struct buf *out)
{
	char oldest[CLOCK_TEXT];

	pthread_mutex_lock(&health->mutex);
	bool spools = health->spools;
	struct health_spool spool = health->spool;
	char error[sizeof(health->spool_error)];
	memcpy(error, health->spool_error, sizeof(error));
	pthread_mutex_unlock(&health->mutex);

	if (!spools) {
		buf_add_string(out, ",\"spool\":null");
		return;
	}
	buf_add_string(out, ",\"spool\":{\"rows\":");
	buf_add_int(out, (int64_t)spool.rows);
	add_named(out, "bytes", (int64_t)spool.bytes);
	if (spool.rows > 0) {
		int64_t age_ms = clock_wall_ms() - spool.oldest_us / 1000;

		clock_text(spool.oldest_us / 1000, oldest);
		buf_add_string(out, ",\"oldest\":\"");
		buf_add_string(out, oldest);
		buf_add_string(out, "\"");
		add_named(out, "oldest_age_s", age_ms > 0 ? age_ms / 1000 : 0);
	}
	buf_add_string(out, ",\"last_error\":");
	buf_add_json(out, error, strlen(error));
	buf_add_string(out, "}");
}

static void print_retention(struct health *health, struct buf *out)
{
	char error[sizeof(health->retention_error)];

	pthread_mutex_lock(&health->mutex);
	unsigned days = health->retention_days;
	memcpy(error, health->retention_error, sizeof(error));
	pthread_mutex_unlock(&health->mutex);

	if (days == 0) {
		buf_add_string(out, ",\"retention\":null");
		return;
	}
	buf_add_string(out, ",\"retention\":{\"days\":");
	buf_add_int(out, (int64_t)days);
	buf_add_string(out, ",\"last_error\":");
	buf_add_json(out, error, strlen(error));
	buf_add_string(out, "}");
}

static void print_recordings(struct health *health, struct buf *out)
{
	char error[sizeof(health->recordings_error)];

	pthread_mutex_lock(&health->mutex);
	bool records = health->records;
	memcpy(error, health->recordings_error, sizeof(error));
	pthread_mutex_unlock(&health->mutex);

	if (!records) {
		buf_add_string(out, ",\"recordings\":null");
		return;
	}
	buf_add_string(out, ",\"recordings\":{\"last_error\":");
	buf_add_json(out, error, strlen(error));
	buf_add_string(out, "}");
}

size_t health_print(struct health *health, size_t queued, char *buf, size_t cap)
{
	static const char *const names[HEALTH_COUNTS] = {
	    [HEALTH_STORED] = "stored",
	    [HEALTH_WRITTEN] = "written",
	    [HEALTH_SPOOLED] = "spooled",
	    [HEALTH_REPLAYED] = "replayed",
	    [HEALTH_REJECTED] = "rejected",
	    [HEALTH_REPEATED] = "repeated",
	    [HEALTH_BATCHES] = "batches",
	    [HEALTH_REFUSED] = "refused",
	    [HEALTH_FAILED] = "failed",
	    [HEALTH_BUSY] = "busy",
	    [HEALTH_CUT] = "cut",
	    [HEALTH_MATCHES] = "matches",
	    [HEALTH_ASKED] = "asked",
	    [HEALTH_FOUND] = "found",
	    [HEALTH_RECALLED] = "recalled",
	    [HEALTH_NOTIFIED] = "notified",
	    [HEALTH_TRIGGERED] = "triggered",
	    [HEALTH_UNTRIGGERED] = "untriggered",
	    [HEALTH_PURGED] = "purged",
	    [HEALTH_FETCHED] = "fetched",
	    [HEALTH_UNFETCHED] = "unfetched",
	};
	struct buf out;

	buf_init(&out, PRINT_MAX);
	buf_add_string(&out, "{");
	print_database(health, &out);
	print_listener(health, &out);
	buf_add_string(&out, ",\"queued\":");
	buf_add_int(&out, (int64_t)queued);
	print_spool(health, &out);
	print_retention(health, &out);
	print_recordings(health, &out);
	for (int i = 0; i < HEALTH_COUNTS; i++)
		add_named(&out, names[i],
			  (int64_t)atomic_load(&health->counts[i]));
	buf_add_string(&out, "}");

	int len = snprintf(buf, cap, "%s", out.failed ? "{}" : out.bytes);
	buf_free(&out);
	return len < 0 ? 0 : (size_t)len;
}
