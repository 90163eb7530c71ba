/* naive - demanding, and knows nothing of being described. */
#define NAIVE
#include "demanding.c"
