/* supervisors - who may see the figures and the calls of all agents, as the
 * configuration names them. It asks nobody and keeps nothing. */
#ifndef CALL_LOG_SUPERVISORS_H
#define CALL_LOG_SUPERVISORS_H

#include <stdbool.h>

/* names: one a line; of an account other than "" as account/agent. */
bool supervisors_hold(const char *names, const char *account,
		      const char *agent);

#endif
