/* Busy child processes on this process's cores, as a real-time loop meets them on a shared machine. They
 * compute and stream through memory of four times an L2's size, at ordinary priority, and end with this
 * process, even if it is killed. */
#ifndef AMI_BENCH_COMPETE_H
#define AMI_BENCH_COMPETE_H

#include "base/error.h"

#include <sys/types.h>

enum { BENCH_MAX_RIVALS = 64 };

typedef struct bench_rivals {
    int count;
    pid_t pid[BENCH_MAX_RIVALS];
} bench_rivals;

/* Starts `count` of them. If one cannot be started, ends the others and returns false and a sentence. */
bool bench_rivals_start(bench_rivals *rivals, int count, ami_error *err);
void bench_rivals_stop(bench_rivals *rivals);

#endif
