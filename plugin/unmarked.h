/* unmarked - sockets that a library makes for itself, to wake its own loop, without
 * marking them as not to be inherited by programs that the host starts. It finds
 * them by what they do, as they have no other name. */
#ifndef CALL_LOG_UNMARKED_H
#define CALL_LOG_UNMARKED_H

/* Marks each unix socket that holds nothing, something after wake(), and nothing
 * again after settle(). */
void unmarked_mark(void (*wake)(void *), void (*settle)(void *), void *context);

#endif
