/* witness - what a plugin under test calls of its host: every call is looked at, and
 * the first that is ill-formed goes on the stand's record. It judges nothing. */
#ifndef CRM_CHECK_WITNESS_H
#define CRM_CHECK_WITNESS_H

#include "stand.h"

/* Its functions may be called on any thread; `stand` is borrowed. */
struct crm_host witness_host(struct stand *stand);

/* [any] Counts a fault, and keeps the words for the first. */
__attribute__((format(printf, 2, 3))) void
witness_note(struct stand *stand, const char *format, ...);

/* [any] Is it one line of UTF-8 without control characters (tabs are none)? */
bool witness_is_line(const char *text, size_t len);

#endif
