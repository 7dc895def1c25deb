/* Runs control steps and keeps every step's times: as fast as they go, or in real time on absolute deadlines.
 *
 * In real time step i is due at begin + i / rate whatever happened before. Four times are kept apart:
 *   compute    from the step's beginning to its end
 *   wake-up    how much later than due the thread came back from its sleep; only of steps before which it
 *              could sleep
 *   response   from when the step was due to its end: what the body feels. A step that is late because the
 *              one before it was is late by its own measure too, so a stall counts for every step it delays
 *              (Tene's coordinated omission is corrected by construction, as HdrHistogram's latency from the
 *              intended start is).
 *   missed     steps that were not done when the next one was due */
#ifndef AMI_BENCH_PACE_H
#define AMI_BENCH_PACE_H

#include "bench/walker.h"

typedef struct bench_pace_def {
    double seconds;
    double rate; /* steps/s; 0: as fast as they go */
    double spin; /* s before a step is due at which the thread stops sleeping and watches the clock */
} bench_pace_def;

typedef struct bench_pace {
    int room, steps;
    double *whole;             /* (steps) s: compute */
    double *other;             /* (steps) all but physics */
    double *part[BENCH_PARTS]; /* (steps) */
    double *invents;           /* (steps) phase and generation */
    double *making;            /* (makings) the same, of the steps in which a motion was in the making */
    int makings;
    ami_generator_counts counts; /* in these steps */
    double *response;            /* (steps), in real time */
    double *wakeup;              /* (slept) */
    int slept;                   /* steps before which the thread slept or spun */
    int missed;
    int resets;
    double *block;
} bench_pace;

/* Room for so many steps, every page touched. False and a sentence when memory is short. */
bool bench_pace_reserve(bench_pace *pace, int room, ami_error *err);
void bench_pace_free(bench_pace *pace);

/* How many steps def can take of this walker at most, from a few tried. */
int bench_pace_most(bench_walker *walker, const bench_pace_def *def);

/* Runs; no allocation. */
void bench_pace_run(bench_pace *pace, bench_walker *walker, const bench_pace_def *def);

#endif
