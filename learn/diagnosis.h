/* Finds the most likely cause when a training makes little progress. */
#ifndef AMI_LEARN_DIAGNOSIS_H
#define AMI_LEARN_DIAGNOSIS_H

#include "learn/train.h"

/* Writes a sentence with advice into `text` and returns true if an iteration's statistics show one of these
 * problems; of several, the first:
 *
 *   from 50 thousand samples on    - physics became unstable in more than one of 10000 samples
 *   from 300 thousand samples on   - episodes last less than .3 s, because of falls (the sentence names the
 *                                    body that touches the floor) or because the reference is lost
 *                                  - more than half of the joints are at their torque limit
 *
 * Else false and an empty text. */
bool ami_train_diagnose(const ami_train_stats *stats, char *text, size_t size);

#endif
