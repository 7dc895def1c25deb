/* Evaluations while `amble train` trains. */
#ifndef AMI_CLI_TRAIN_EVALUATION_H
#define AMI_CLI_TRAIN_EVALUATION_H

#include "learn/event_log.h"
#include "learn/train.h"
#include "options/progress.h"

/* Collective (learn/exchange.h; `log` NULL in all ranks but 0). Evaluates, writes the curves and prints a line, and with several clips one for
 * each, where a multiple of `every` samples (0: never) was passed
 * since `before`. Returns whether the normalised return, of several clips the mean, is at least `stop_at` (0: never). */
bool train_evaluate(const ami_train *train, int64_t before, double every, double stop_at, ami_event_log *log,
                    ami_progress *progress);

#endif
