/* Busy child processes on this process's cores: what a real-time loop meets on a machine that is not its own.
 * They compute and stream through memory of four times an L2's size, at ordinary priority, and die with this
 * process, whatever ends it. */
#ifndef AMI_BENCH_COMPETE_H
#define AMI_BENCH_COMPETE_H

#include "base/error.h"

#include <sys/types.h>

enum { BENCH_MOST_RIVALS = 64 };

typedef struct bench_rivals {
    int count;
    pid_t pid[BENCH_MOST_RIVALS];
} bench_rivals;

/* Starts `count` of them. False and a sentence, and none running, where one cannot be started. */
bool bench_rivals_start(bench_rivals *rivals, int count, ami_error *err);
void bench_rivals_stop(bench_rivals *rivals);

#endif
