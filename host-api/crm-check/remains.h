/* remains - what a plugin left in the process although it is destroyed. */
#ifndef CRM_CHECK_REMAINS_H
#define CRM_CHECK_REMAINS_H

#include "stand.h"

/* Fails for each thread and each open file that was not there when the stand
 * counted them. */
void remains_judge(struct stand *stand);

#endif
