/* System services for loops with deadlines: a scheduling policy, locked memory, and waking at a given
 * time. */
#ifndef AMI_BENCH_REALTIME_H
#define AMI_BENCH_REALTIME_H

#include "base/error.h"

/* The benchmarks' priority under SCHED_FIFO. */
enum { BENCH_FIFO_PRIORITY = 80 };

/* "fifo" or "other", for --scheduler. False and a sentence otherwise. */
bool bench_parse_scheduler(const char *text, bool *fifo, ami_error *err);

/* Sets the scheduling policy of this thread and of those that it starts from now on, and locks the process's
 * memory, present and future, where that is permitted; *locked: whether it was. False and a sentence where
 * SCHED_FIFO is not permitted. */
bool bench_become_real_time(bool fifo, bool *locked, ami_error *err);

/* Sleeps until `spin` s before `due` (of ami_clock_now), then spins on the clock. False where `due` was over
 * already. */
bool bench_wait_until(double due, double spin);

#endif
