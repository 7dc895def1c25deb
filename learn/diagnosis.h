/* What most likely stands in the way of a training in which little is learned. */
#ifndef AMI_LEARN_DIAGNOSIS_H
#define AMI_LEARN_DIAGNOSIS_H

#include "learn/train.h"

/* From an iteration's statistics: a sentence with advice in `text`, and true, where something is clearly
 * wrong:
 * - physics became unstable in more than one of 10000 samples (from 50 thousand samples on);
 * - episodes last less than .3 s, because of falls (the body that touches the floor is named) or because the
 *   reference is lost (from 300 thousand samples on);
 * - more than half of the joints are at their torque limit (from then on, too).
 * Where several hold, the first of them. False and an empty text elsewhere. */
bool ami_train_diagnose(const ami_train_stats *stats, char *text, size_t size);

#endif
