/* What `amble train` prints and writes about its progress: the status, curves, lines and a summary of JSON. */
#ifndef AMI_CLI_TRAIN_REPORT_H
#define AMI_CLI_TRAIN_REPORT_H

#include "cli/train_arguments.h"
#include "learn/train.h"
#include "options/program.h"

#include <stdio.h>

/* Before the first iteration: what is trained, where. */
void train_report_begin(const ami_train *train, const char *folder);

/* Of an iteration: curves (rate: samples/s). */
void train_report_curves(ami_event_log *log, const ami_train *train, const ami_train_stats *stats,
                         double rate);

/* A line of --progress; losing one is no reason to stop. */
void train_report_line(FILE *file, const ami_train_stats *stats, double seconds, double rate);

/* The status beside the bar. */
void train_report_status(ami_progress *progress, const ami_train_stats *stats, double rate);

/* Advice, if something is wrong: once in all, with several clips once for each. `told` (clips, or 1): where it was
 * given. */
void train_report_advice(ami_progress *progress, const ami_train *train, const ami_train_stats *stats,
                         bool *told);

/* The settings, for TensorBoard. */
bool train_report_settings(ami_event_log *log, const ami_train *train, ami_error *err);

/* At the end: --json, and how to go on. */
json_t *train_report_summary(const ami_train_stats *stats, const ami_train *train, const char *folder,
                             double wall);
void train_report_how_to_go_on(const train_arguments *arguments, const ami_train *train, const char *folder);

#endif
