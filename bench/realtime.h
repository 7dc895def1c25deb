/* What a loop with deadlines asks of the system: a scheduling policy, memory that stays, and waking at a given
 * moment. */
#ifndef AMI_BENCH_REALTIME_H
#define AMI_BENCH_REALTIME_H

#include "base/error.h"

/* SCHED_FIFO's priority that benchmarks take. */
enum { BENCH_FIFO_PRIORITY = 80 };

/* "fifo" or "other", for --scheduler. False and a sentence otherwise. */
bool bench_parse_scheduler(const char *text, bool *fifo, ami_error *err);

/* Sets the scheduling policy of this thread and of those that it starts from now on, and locks the process's
 * memory, present and future, where that is allowed; *locked says whether it was. False and a sentence where
 * SCHED_FIFO is not this user's to take. */
bool bench_become_real_time(bool fifo, bool *locked, ami_error *err);

/* Sleeps until `spin` s before `due` (of ami_clock_now), then watches the clock. False where `due` was over
 * already. */
bool bench_wait_until(double due, double spin);

#endif
