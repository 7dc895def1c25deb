/* What it costs to invent the motion that is followed: of each step's time, the two parts phase and
 * generation together. */
#ifndef AMI_BENCH_INVENTION_H
#define AMI_BENCH_INVENTION_H

#include "bench/bench.h"
#include "bench/pace.h"

#define BENCH_LONG_STEP 1e-3 /* s */

typedef struct bench_invention {
    bench_summary all;               /* s, of every step */
    bench_summary making;            /* of the steps in which a motion was in the making; n is 0 where there
                                        were none */
    double share, share_p50;         /* of all steps' time; the median of it in the median of the steps */
    double most_whole;               /* s: the step in which it took longest, all of it */
    double slowest, slowest_invents; /* s: the slowest step, and what of it this was */
    int long_steps, long_because;    /* longer than BENCH_LONG_STEP, and those of them that would not have
                                        been without it */
    ami_generator_counts counts;     /* in these steps; what is made while the body is put back on its feet is
                                        not among them */
} bench_invention;

/* To be called while the lists still are in the steps' order. Sorts pace->invents and pace->making. */
void bench_invention_find(bench_invention *invention, bench_pace *pace);

/* In three sentences. */
void bench_invention_print(const bench_invention *invention);

json_t *bench_invention_json(const bench_invention *invention);

#endif
