/* config_check - what no single option's type says: paths, names of servers, days, and
 * what goes only with something else. It reads nothing, and looks at no disk. */
#ifndef CALL_LOG_CONFIG_CHECK_H
#define CALL_LOG_CONFIG_CHECK_H

#include "config.h"

/* False: ERR_CONFIG, with the option's name. */
bool config_check(const struct config *config, struct err *err);

#endif
