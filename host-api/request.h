/* request - the requests that wait for a plugin's answer, and the one thread
 * that answers those whose deadline passes. It guarantees `done` exactly once
 * for each request; it knows nothing of messages or routing. */
#ifndef CRM_REQUEST_H
#define CRM_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crm_host.h"

struct crm_requests;

/* What became of an answer. */
enum crm_answer {
	CRM_ANSWER_TAKEN,
	CRM_ANSWER_TWICE,   /* answered before */
	CRM_ANSWER_LATE,    /* after the deadline, or given up */
	CRM_ANSWER_FOREIGN, /* another plugin's request */
	CRM_ANSWER_UNKNOWN  /* no such request, or so long ago that it is
			       forgotten */
};

struct crm_request_counts {
	uint64_t waiting;  /* now */
	uint64_t accepted; /* all below are totals */
	uint64_t answered;
	uint64_t timed_out; /* answered CRM_TIMEOUT by the host */
	uint64_t given_up;  /* answered CRM_STOPPING by the host */
	uint64_t dropped; /* answers that came late, twice or for no request */
};

struct crm_requests *crm_requests_new(void);
/* [main] Starts the thread of the deadlines; false when it cannot. */
bool crm_requests_start(struct crm_requests *requests);
/* [main] Ends that thread. What still waits is not answered any more. */
void crm_requests_end(struct crm_requests *requests);
void crm_requests_free(struct crm_requests *requests);

/* [any] A new request; `owner` names the plugin that may answer it. Its id,
 * never 0, or 0 with *status CRM_BUSY (too many wait) or CRM_FAILED (no
 * memory). */
uint64_t crm_requests_add(struct crm_requests *requests, const void *owner,
			  uint64_t deadline_ns, crm_host_done *done,
			  void *context, enum crm_status *status);
/* [any] Takes a request back that the plugin refused. False when it was
 * answered already, by whomever. */
bool crm_requests_withdraw(struct crm_requests *requests, uint64_t id);
/* [any] The plugin's answer; calls `done` before it returns, with no lock held.
 */
enum crm_answer crm_requests_answer(struct crm_requests *requests,
				    const void *owner, uint64_t id,
				    enum crm_status status, const char *body,
				    size_t body_len);
/* [main] Answers CRM_STOPPING for an owner that will not; returns how many. */
size_t crm_requests_give_up(struct crm_requests *requests, const void *owner);

struct crm_request_counts crm_requests_counts(struct crm_requests *requests);

#endif
