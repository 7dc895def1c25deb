/* The loop of `amble train`: iterations, evaluations, checkpoints, until samples, time or the user end it. */
#ifndef AMI_CLI_TRAIN_RUN_H
#define AMI_CLI_TRAIN_RUN_H

#include "cli/train_arguments.h"
#include "learn/train.h"

#include <stdio.h>

/* Collective (learn/exchange.h). Trains, and saves at the end. log: NULL in ranks that are not the first; lines: the
 * file of --progress, or NULL. Returns the exit status. */
int train_run(const train_arguments *arguments, ami_train *train, const char *folder, ami_event_log *log,
              FILE *lines);

#endif
