/* stand - the host that a plugin is tested on: one instance, every request and
 * every answer to it on record. It holds no lock while it calls the plugin or
 * is called by it. It notes what it sees; the checks judge. */
#ifndef CRM_CHECK_STAND_H
#define CRM_CHECK_STAND_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader.h"
#include "parcel.h"
#include "process.h"
#include "sample.h"
#include "setup.h"
#include "verdict.h"

enum {
	STAND_DEADLINE_MS = 5000, /* of each request */
	STAND_STOP_MS = 5000,     /* for stop() */
	STAND_WHY = 512
};

/* What became of one request. */
struct stand_mark {
	atomic_uint answers;
	atomic_int fate; /* enum stand_fate */
	/* that submit() took, without waiting for a processor, where `timed` */
	atomic_uint took_us;
};
enum stand_fate { STAND_UNSENT, STAND_SENT, STAND_ACCEPTED, STAND_REFUSED };

struct stand {
	const struct setup *setup; /* borrowed */
	struct verdict *verdict;   /* borrowed */
	struct crm_host host;
	struct crm_file file;
	struct crm_plugin
	    *plugin; /* owned; NULL before create, after destroy */
	struct samples samples;
	bool configured; /* host.config() knows the values */
	bool describing; /* host.extension() says so */
	enum parcel_kind kind;
	bool timed;

	struct stand_mark
	    *marks; /* owned; request `first_id + i` is marks[i] */
	size_t mark_count;
	atomic_size_t taken; /* marks in use */
	uint64_t first_id;
	atomic_size_t accepted, refused, completed;
	atomic_size_t foreign;            /* answers to no request of ours */
	atomic_ullong longest_ns;         /* that submit() took */
	_Atomic(struct parcel *) parcels; /* owned; those sent */

	atomic_bool creating, destroyed;
	atomic_size_t faults;     /* ill-formed calls to the host */
	char fault[VERDICT_LINE]; /* the first of them */
	pthread_mutex_t mutex;    /* of `fault` alone */

	/* Called for each answer, on its thread; may submit. NULL: nothing. */
	void (*on_answer)(struct stand *stand);
	atomic_long budget; /* for it */
	atomic_int depth;

	struct process_list threads, files; /* as they were before create() */
};

/* Opens the plugin file, ready for create(). False, with the reason in the
 * verdict. A stand is large: not on a stack. */
struct stand *stand_open(const struct setup *setup, struct verdict *verdict,
			 size_t max_messages);
/* Closes the file and frees everything; destroys the plugin where that was not
 * done. */
void stand_close(struct stand *stand);

/* [main] Counts the threads and files that are there before create(). */
void stand_count(struct stand *stand);
/* [main] What the plugin said goes into why, of why_cap bytes. */
bool stand_create(struct stand *stand, char *why, size_t why_cap);
/* [main] Fails in the verdict when the plugin does not start. */
bool stand_start(struct stand *stand);
/* [main] The status of stop(), or CRM_FAILED when it is not one that stop() may
 * return; those two and CRM_BUSY fail in the verdict. */
enum crm_status stand_stop(struct stand *stand, uint64_t deadline_ns);
void stand_destroy(struct stand *stand);

/* [main] All of the above up to a plugin that runs, with its configuration;
 * NULL with the reason in the verdict. */
struct stand *stand_run(const struct setup *setup, struct verdict *verdict,
			size_t max_messages);
/* [main] Stops in time, destroys. False when the plugin must stay. */
bool stand_end(struct stand *stand);

/* [any] Sends the next message. False when the room for them is used up. */
bool stand_submit(struct stand *stand, enum crm_status *status);
/* [any] Sends that one. */
bool stand_submit_body(struct stand *stand, const char *route, const char *body,
		       size_t len);
/* [main] Waits until all that was accepted is answered, at most so long. */
bool stand_wait(struct stand *stand, uint32_t ms);
/* [main] Waits until that many were accepted, or refused, or ms is over. */
bool stand_wait_accepted(struct stand *stand, size_t count, uint32_t ms);

const void *stand_extension(struct stand *stand, const char *id);

/* [main] Fails for each request that was not answered as ONCE demands, and when
 * none was accepted: that would prove nothing. */
bool stand_judge(struct stand *stand);

#endif
