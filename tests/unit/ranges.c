/* ranges - halving finds exactly the events that are refused, with few
 * statements. */
#include "../../plugin/ranges.h"
#include "../tap.h"

#include <stdlib.h>

enum { MOST = 2000 };

struct trial {
	bool bad[MOST];
	unsigned written[MOST], rejected[MOST];
	size_t statements;
	size_t deepest;
};

static bool refuses(const struct trial *trial, const struct range *range)
{
	for (size_t i = range->start; i < range->end; i++)
		if (trial->bad[i])
			return true;
	return false;
}

static void run(struct trial *trial, size_t len, size_t max)
{
	static const struct err why = {.kind = ERR_ROW};
	struct ranges ranges;
	struct range range;

	memset(trial->written, 0, sizeof(trial->written));
	memset(trial->rejected, 0, sizeof(trial->rejected));
	trial->statements = trial->deepest = 0;
	ranges_start(&ranges, len);
	while (ranges_next(&ranges, max, &range)) {
		if (ranges.count > trial->deepest)
			trial->deepest = ranges.count;
		if (ranges_guilty(&ranges)) {
			ranges_refused(&ranges, &ranges.why);
			continue;
		}
		if (range.condemned) {
			trial->rejected[range.start]++;
			ranges_written(&ranges, true);
			continue;
		}
		trial->statements++;
		if (refuses(trial, &range)) {
			ranges_refused(&ranges, &why);
			continue;
		}
		for (size_t i = range.start; i < range.end; i++)
			trial->written[i]++;
		ranges_written(&ranges, true);
	}
}

/* Each good event was written once, each bad one rejected once. */
static bool is_right(const struct trial *trial, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (trial->written[i] != !trial->bad[i] ||
		    trial->rejected[i] != trial->bad[i])
			return false;
	return true;
}

static void one_bad_of_500(void)
{
	struct trial trial = {0};
	size_t most = 0, deepest = 0;
	bool right = true;

	for (size_t bad = 0; bad < 500; bad++) {
		memset(trial.bad, 0, sizeof(trial.bad));
		trial.bad[bad] = true;
		run(&trial, 500, 500);
		right = right && is_right(&trial, 500);
		if (trial.statements > most)
			most = trial.statements;
		if (trial.deepest > deepest)
			deepest = trial.deepest;
	}
	ok(right, "one bad event of 500 is found, wherever it stands");
	ok(most - 1 <= 17,
	   "with at most 2 log2 500 = 17.9 statements more than without it");
	figure("statements to find one bad event of 500", "%zu", most - 1);
	ok(deepest < RANGES_MAX, "the stack suffices");
}

static void many_bad(void)
{
	struct trial trial = {0};
	unsigned seed = 12345;
	bool right = true;
	size_t deepest = 0;

	for (int round = 0; round < 2000; round++) {
		size_t len = (size_t)rand_r(&seed) % MOST + 1;
		size_t max = (size_t)rand_r(&seed) % 500 + 1;
		int share = rand_r(&seed) % 100;

		for (size_t i = 0; i < len; i++)
			trial.bad[i] =
			    rand_r(&seed) % 1000 < share * share / 10;
		run(&trial, len, max);
		right = right && is_right(&trial, len);
		if (trial.deepest > deepest)
			deepest = trial.deepest;
	}
	ok(right, "so are any number of bad ones in batches of any size");
	ok(deepest < RANGES_MAX, "the stack suffices for these too");
	for (size_t i = 0; i < MOST; i++)
		trial.bad[i] = true;
	run(&trial, MOST, 500);
	ok(is_right(&trial, MOST), "and when all are bad");
	run(&trial, 0, 500);
	ok(trial.statements == 0, "nothing is written of an empty batch");
}

/* A half whose other half was written without one of its events may be good. */
static void not_whole(void)
{
	static const struct err why = {.kind = ERR_ROW};
	struct ranges ranges;
	struct range range;

	ranges_start(&ranges, 4);
	ranges_next(&ranges, 4, &range);
	ranges_refused(&ranges, &why);
	ranges_next(&ranges, 4, &range);
	ok(range.start == 0 && range.end == 2, "the first half comes first");
	ranges_written(&ranges, false);
	ok(ranges_next(&ranges, 4, &range) && range.start == 2 &&
	       !ranges_guilty(&ranges),
	   "when it lacked an event nothing is known of the second");
	ok(ranges_halve(&ranges) && ranges_next(&ranges, 4, &range) &&
	       range.end == 3 && !ranges_halve(&ranges),
	   "a part is halved for other reasons too, but not a single event");
	ranges_written(&ranges, true);
	ok(ranges_next(&ranges, 4, &range) && !ranges_guilty(&ranges),
	   "which accuses nobody");
}

/* Asked again until all is dealt with, or the database is blamed. */
static bool run_doubtful(struct trial *trial, size_t len)
{
	static const struct err why = {.kind = ERR_INTERNAL};
	struct ranges ranges;
	struct range range;

	memset(trial->written, 0, sizeof(trial->written));
	memset(trial->rejected, 0, sizeof(trial->rejected));
	trial->statements = 0;
	ranges_start(&ranges, len);
	while (ranges_next(&ranges, len, &range)) {
		bool guilty = ranges_guilty(&ranges);

		if (range.condemned) {
			trial->rejected[range.start]++;
			ranges_written(&ranges, true);
		} else if (guilty ||
			   (trial->statements++, refuses(trial, &range))) {
			if (!ranges_refused(&ranges, &why))
				return false;
		} else {
			for (size_t i = range.start; i < range.end; i++)
				trial->written[i]++;
			ranges_written(&ranges, true);
		}
	}
	return true;
}

static void doubtful(void)
{
	struct trial trial = {0};
	bool right = true;

	for (size_t bad = 0; bad < 100; bad++) {
		memset(trial.bad, 0, sizeof(trial.bad));
		trial.bad[bad] = true;
		right =
		    right && run_doubtful(&trial, 100) && is_right(&trial, 100);
	}
	ok(right,
	   "what may be the database's fault is the event's when another "
	   "one is written, wherever it stands");
	for (size_t i = 0; i < 100; i++)
		trial.bad[i] = i != 99;
	ok(!run_doubtful(&trial, 100) && trial.statements < 60,
	   "nobody is condemned when nothing can be written (%zu statements)",
	   trial.statements);
	ok(memchr(trial.rejected, 1, sizeof(trial.rejected)) == NULL,
	   "not one");
	ok(!run_doubtful(&trial, 1), "nor a single one");
	memset(trial.bad, 0, sizeof(trial.bad));
	trial.bad[0] = trial.bad[1] = trial.bad[2] = true;
	ok(run_doubtful(&trial, 4) && is_right(&trial, 4),
	   "several are found, too");
}

int main(void)
{
	doubtful();
	one_bad_of_500();
	many_bad();
	not_whole();
	return tap_done();
}
