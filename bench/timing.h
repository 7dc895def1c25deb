/* Times one model's calls: so many rows, so many threads, each call by itself, no two calls in a row with the
 * same input. */
#ifndef AMI_BENCH_TIMING_H
#define AMI_BENCH_TIMING_H

#include "bench/bench.h"
#include "bench/machine.h"
#include "bench/team.h"

enum { BENCH_MOST_CALLS = 1 << 20, BENCH_MOST_INPUTS = 16 };

/* What is called: a model on a number of threads with inputs and room for outputs. */
typedef struct bench_runner {
    const ami_model *model; /* not owned */
    int rows, threads;
    const float *pool; /* (inputs, rows, model's inputs); not owned */
    int inputs;
    float *out; /* (rows, outputs) */
    void *workspace;
    ami_team *team; /* NULL: one thread */
} bench_runner;

/* False and a sentence when memory or threads are short. `pool` stays the caller's. */
bool bench_runner_init(bench_runner *runner, const ami_model *model, int rows, int threads, const float *pool,
                       int inputs, ami_error *err);
void bench_runner_free(bench_runner *runner);

/* One call with input i of the pool, into runner->out. */
void bench_runner_call(const bench_runner *runner, int i);

/* How many inputs of that many floats the pool should hold: few enough to stay in a core's own cache beside
 * the weights, at least two. */
int bench_pool_inputs(size_t floats);

/* `inputs` × `rows` rows as the network would see them in use (ami_net_calibration_inputs); of many rows,
 * later ones repeat earlier ones in another order. NULL and a sentence when memory is short. */
float *bench_pool_make(const ami_net *net, uint64_t seed, int inputs, int rows, ami_error *err);

typedef struct bench_timing_def {
    double seconds;       /* to go on for, warm-up not counted */
    int least;            /* calls, however long they take */
    bench_machine *evict; /* not NULL: everything is thrown out of the caches before each call */
} bench_timing_def;

typedef struct bench_timing {
    bench_summary call; /* one call */
    double had_core;    /* fraction of the time in which the calling thread had a core: below 1, others were
                           there too */
    double shared;      /* fraction of the calls that a team's workers had a part in; 0 with one thread */
} bench_timing;

/* Warms up for a fifth of the time (at least two calls, one where a call takes longer than the whole time),
 * then times calls one by one. False and a sentence when memory is short. */
bool bench_time(const bench_runner *runner, const bench_timing_def *def, bench_timing *timing,
                ami_error *err);

#endif
