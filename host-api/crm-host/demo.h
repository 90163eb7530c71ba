/* demo - the agents that anybody may be, where `demo_agents` names some: to try
 * things out without a front server that signs agents in. */
#ifndef CRM_HOST_DEMO_H
#define CRM_HOST_DEMO_H

#include "exchange.h"

/* [HTTP thread] GET /demo: who can be chosen; ?agent=NAME chooses. */
void demo_handle(struct exchange *exchange);

/* [HTTP thread] Who opens a page and is nobody begins as the first of them: sets
 * exchange->demo_cookie. False: there are none. */
bool demo_begin(struct exchange *exchange);

#endif
