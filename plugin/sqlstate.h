/* sqlstate - what PostgreSQL's five letters for an error mean to us. It knows
 * no connection. */
#ifndef CALL_LOG_SQLSTATE_H
#define CALL_LOG_SQLSTATE_H

#include "err.h"

#include <stdbool.h>

/* ERR_AWAY: try later; ERR_ROW: it is the data; ERR_SCHEMA; else ERR_INTERNAL:
 * it may be the data, or a damaged index. */
enum err_kind sqlstate_kind(const char *sqlstate);

/* A transaction lost against another one. */
bool sqlstate_is_serialization(const char *sqlstate);

/* A statement was cancelled, by a limit or by somebody. */
bool sqlstate_is_cancelled(const char *sqlstate);

/* That was for want of a lock. */
bool sqlstate_is_lock(const char *sqlstate);

/* The server itself was going or gone, so that it is enough to find it again.
 */
bool sqlstate_is_connection(const char *sqlstate);

/* A prepared statement is not there, or there already: the server's session is
 * shared with others. */
bool sqlstate_is_name_lost(const char *sqlstate);

/* A function, schema or table does not exist. */
bool sqlstate_is_missing(const char *sqlstate);

#endif
