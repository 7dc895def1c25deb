/* Counts in short notation: "500", "2e6", "20k", "4.1M". One parser for the command line, settings and
 * checkpoints. */
#ifndef AMI_BASE_COUNT_H
#define AMI_BASE_COUNT_H

#include <stdbool.h>

/* Reads the whole text: a decimal number as ami_number_read takes it, with nothing, k (thousand) or M
 * (million) after it. Rounding errors are removed: "4.1M" is exactly 4100000. False, and *value as it was,
 * for anything else and for what overflows a double. */
bool ami_count_read(const char *text, double *value);

#endif
