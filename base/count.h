/* Counts as people write them: "500", "2e6", "20k", "4.1M". One reader for the command line, settings and
 * checkpoints. */
#ifndef AMB_BASE_COUNT_H
#define AMB_BASE_COUNT_H

#include <stdbool.h>

/* Reads the whole text: a decimal number as amb_number_read takes it, with nothing, k (thousand) or M
 * (million) behind it. What is meant to be whole is whole: "4.1M" is 4100000. False, and *value as it was,
 * for anything else and for what overflows a double. */
bool amb_count_read(const char *text, double *value);

#endif
