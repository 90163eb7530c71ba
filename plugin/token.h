/* token - finds and removes access tokens in text. The widget puts the agent's
 * live OAuth token into recording addresses; it must reach no table and no log.
 * It works on one text; walking a message is json's business. */
#ifndef CALL_LOG_TOKEN_H
#define CALL_LOG_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

/* May there be a token anywhere in this JSON text, in a name or in a string?
 * False for nearly every text without one, and never for one with. */
bool token_may_be_in(const char *json, size_t len);

/* The other two know the name as access_token, access-token or accessToken, in any case,
 * and percent-encoded any usual number of times. */

/* Does the name occur in the name of a member? */
bool token_in_name(const char *name);

/* Removes each parameter of that name with its value and one separator, in
 * place: `?access_token=x&a=1` becomes `?a=1`, and the rest is overwritten. Returns whether anything was
 * removed. UTF-8 stays UTF-8. */
bool token_strip(char *text);

#endif
