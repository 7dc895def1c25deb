/* Runs control steps and stores every step's times: free-running, or in real time with absolute deadlines.
 *
 * In real time step i is due at begin + i / rate in any case. Four quantities are measured:
 *   compute    from the step's beginning to its end
 *   wake-up    how much later than due the thread woke; only of steps before which it could sleep
 *   response   from the time a step was due to its end: the delay of the control. A stall counts for every
 *              step that it delays (Tene's coordinated omission is avoided by construction, like
 *              HdrHistogram's latency from the intended start).
 *   missed     steps that were not done when the next one was due */
#ifndef AMI_BENCH_PACE_H
#define AMI_BENCH_PACE_H

#include "bench/walker.h"

typedef struct bench_pace_def {
    double seconds;
    double rate; /* steps/s; 0: free-running */
    double spin; /* s before a step is due at which the thread stops sleeping and watches the clock */
} bench_pace_def;

typedef struct bench_pace {
    int capacity, steps;
    double *whole;             /* (steps) s: compute */
    double *other;             /* (steps) all but physics */
    double *part[BENCH_PARTS]; /* (steps) */
    double *invents;           /* (steps) phase and generation */
    double *making;            /* (makings) the same, of the steps that worked on a new motion */
    int makings;
    ami_generator_counts counts; /* in these steps */
    double *response;            /* (steps), in real time */
    double *wakeup;              /* (slept) */
    int slept;                   /* steps before which the thread slept or spun */
    int missed;
    int resets;
    double *block;
} bench_pace;

/* Allocates space for `capacity` steps and touches every page. False and a sentence when memory is short. */
bool bench_pace_reserve(bench_pace *pace, int capacity, ami_error *err);
void bench_pace_free(bench_pace *pace);

/* The maximum number of steps of this walker within def's time, estimated from a few. */
int bench_pace_most(bench_walker *walker, const bench_pace_def *def);

/* Runs; no allocation. */
void bench_pace_run(bench_pace *pace, bench_walker *walker, const bench_pace_def *def);

#endif
