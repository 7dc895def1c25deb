/* The cost of generating the followed motion: the sum of two parts of each step's time, phase and
 * generation. */
#ifndef AMI_BENCH_INVENTION_H
#define AMI_BENCH_INVENTION_H

#include "bench/bench.h"
#include "bench/pace.h"

#define BENCH_LONG_STEP 1e-3 /* s */

typedef struct bench_invention {
    bench_summary all;               /* s, of every step */
    bench_summary making;            /* of the steps that worked on a new motion; n is 0 where there were
                                        none */
    double fraction, fraction_p50;   /* fraction of all steps' time; its median over the steps' median */
    double max_whole;                /* s: whole time of the step in which generation took longest */
    double slowest, slowest_invents; /* s: the slowest step, and generation's part of it */
    int long_steps, long_because;    /* longer than BENCH_LONG_STEP, and those that were so only because of
                                        generation */
    ami_generator_counts counts;     /* in these steps, without motions made while the body is put back on its
                                        feet */
} bench_invention;

/* To be called before the lists are sorted. Sorts pace->invents and pace->making. */
void bench_invention_find(bench_invention *invention, bench_pace *pace);

/* Prints three sentences. */
void bench_invention_print(const bench_invention *invention);

json_t *bench_invention_json(const bench_invention *invention);

#endif
