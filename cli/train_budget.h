/* `amble train --minutes` alone: once the speed is known, the samples that the time gives, from then on as if
 * --samples had said so. */
#ifndef AMI_CLI_TRAIN_BUDGET_H
#define AMI_CLI_TRAIN_BUDGET_H

#include "learn/train.h"
#include "options/progress.h"

typedef struct train_budget {
    bool open; /* still to be decided */
    double seconds;
} train_budget;

/* Decides it if enough was measured in the `elapsed` s, or at the end whatever was. Returns whether it was
 * decided now. */
bool train_budget_decide(train_budget *budget, ami_train *train, double elapsed, bool at_end,
                         ami_progress *progress);

#endif
