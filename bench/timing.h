/* Times one model's calls for a number of rows and threads: each call separately, consecutive calls with
 * different inputs. */
#ifndef AMI_BENCH_TIMING_H
#define AMI_BENCH_TIMING_H

#include "bench/bench.h"
#include "bench/machine.h"
#include "bench/team.h"

enum { BENCH_MAX_CALLS = 1 << 20, BENCH_MAX_INPUTS = 16 };

/* The measured call: a model on a number of threads, with inputs and an output buffer. */
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

/* The number of inputs of that many floats for the pool: few enough to fit into a core's cache with the
 * weights, at least two. */
int bench_pool_inputs(size_t floats);

/* `inputs` × `rows` rows, distributed as in use (ami_net_calibration_inputs); of many rows, later ones repeat
 * earlier ones in another order. NULL and a sentence when memory is short. */
float *bench_pool_make(const ami_net *net, uint64_t seed, int inputs, int rows, ami_error *err);

typedef struct bench_timing_def {
    double seconds;       /* duration, without warm-up */
    int min_calls;        /* minimum number of calls, however long they take */
    bench_machine *evict; /* not NULL: the caches are emptied before each call */
} bench_timing_def;

typedef struct bench_timing {
    bench_summary call; /* one call */
    double had_core;    /* fraction of the time in which the calling thread had a core: below 1, other
                           programs ran on it */
    double shared;      /* fraction of the calls with results of a team's workers; 0 with one thread */
} bench_timing;

/* Warms up for a fifth of the time (at least two calls, one where a call takes longer than the whole time),
 * then times calls one by one. False and a sentence when memory is short. */
bool bench_time(const bench_runner *runner, const bench_timing_def *def, bench_timing *timing,
                ami_error *err);

#endif
