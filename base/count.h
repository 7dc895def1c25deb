/* Counts as people write them: "500", "2e6", "20k", "4.1M". One reader for the command line, settings and
 * checkpoints. */
#ifndef AMI_BASE_COUNT_H
#define AMI_BASE_COUNT_H

#include <stdbool.h>

/* Reads the whole text: a decimal number as ami_number_read takes it, with nothing, k (thousand) or M
 * (million) behind it. What is meant to be whole is whole: "4.1M" is 4100000. False, and *value as it was,
 * for anything else and for what overflows a double. */
bool ami_count_read(const char *text, double *value);

#endif
