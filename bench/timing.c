/* Times the calls of one network. */
#include "bench/timing.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

bool bench_runner_init(bench_runner *runner, const ami_model *model, int rows, int threads, const float *pool,
                       int inputs, ami_error *err)
{
    *runner =
        (bench_runner){.model = model, .rows = rows, .threads = threads, .pool = pool, .inputs = inputs};
    const size_t outputs = (size_t)rows * (size_t)ami_model_outputs(model);
    runner->out = calloc(outputs, sizeof *runner->out);
    runner->workspace = malloc(ami_model_workspace_size(model, rows));
    bool ok =
        (runner->out && runner->workspace) || ami_fail(err, "out of memory for the outputs of %d rows", rows);
    if (ok && threads > 1) {
        ami_team_def def = ami_team_default_def();
        def.threads = threads;
        runner->team = ami_team_create(&def, err);
        ok = runner->team && ami_team_reserve(runner->team, model, rows, err);
    }
    if (!ok)
        bench_runner_free(runner);
    return ok;
}

void bench_runner_free(bench_runner *runner)
{
    ami_team_destroy(runner->team);
    free(runner->out);
    free(runner->workspace);
    *runner = (bench_runner){0};
}

void bench_runner_call(const bench_runner *runner, int i)
{
    const float *in =
        runner->pool + (size_t)i * (size_t)runner->rows * (size_t)ami_model_inputs(runner->model);
    if (runner->team)
        ami_team_run(runner->team, runner->model, in, runner->rows, runner->out);
    else
        ami_model_run(runner->model, runner->workspace, in, runner->rows, runner->out);
}

int bench_pool_inputs(size_t floats)
{
    const size_t fits = ((size_t)128 << 10) / (floats * sizeof(float));
    return fits > BENCH_MAX_INPUTS ? BENCH_MAX_INPUTS : fits < 2 ? 2 : (int)fits;
}

float *bench_pool_make(const ami_net *net, uint64_t seed, int inputs, int rows, ami_error *err)
{
    enum { FRESH = 509 }; /* a prime: repeats have other positions in the next input */
    const size_t width = (size_t)net->dim[0], all = (size_t)inputs * (size_t)rows;
    float *pool = malloc(all * width * sizeof *pool);
    if (!pool) {
        ami_fail(err, "out of memory for %d inputs of %d rows", inputs, rows);
        return NULL;
    }
    const size_t fresh = all < FRESH ? all : FRESH;
    ami_net_calibration_inputs(net, seed, (int)fresh, pool);
    for (size_t i = fresh; i < all; i++)
        memcpy(pool + i * width, pool + (i - fresh) * width, width * sizeof *pool);
    return pool;
}

/* Calls until both time and count are reached; stores the times in `taken` unless NULL. Returns the number of
 * calls. */
static int repeat(const bench_runner *runner, double seconds, int min_calls, bench_machine *evict,
                  double *taken)
{
    const double end = ami_clock_now() + seconds;
    int n = 0;
    for (double now = 0; n < BENCH_MAX_CALLS && (n < min_calls || now < end); n++) {
        if (evict)
            bench_machine_evict(evict, NULL);
        const double begun = ami_clock_now();
        bench_runner_call(runner, n % runner->inputs);
        now = ami_clock_now();
        if (taken)
            taken[n] = now - begun;
    }
    return n;
}

/* CPU time of this thread, s. */
static double thread_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bool bench_time(const bench_runner *runner, const bench_timing_def *def, bench_timing *timing, ami_error *err)
{
    if (def->evict && !bench_machine_evict(def->evict, err))
        return false;
    double *taken = malloc(BENCH_MAX_CALLS * sizeof *taken);
    if (!taken)
        return ami_fail(err, "out of memory for the times");
    /* For twice the time, in case the first call is slower than the others. Touched now, so that no page
     * faults occur while calls are timed. */
    const double begun = ami_clock_now();
    bench_runner_call(runner, 0);
    const double once = ami_clock_now() - begun;
    if (once < def->seconds)
        repeat(runner, .2 * def->seconds, 1, def->evict, NULL);
    const size_t likely = (size_t)(4 * (def->seconds / (once > 1e-7 ? once : 1e-7)) + def->min_calls);
    memset(taken, 0, (likely < BENCH_MAX_CALLS ? likely : BENCH_MAX_CALLS) * sizeof *taken);
    const double wall = ami_clock_now(), cpu = thread_time();
    const ami_team_stats before = runner->team ? ami_team_get_stats(runner->team) : (ami_team_stats){0};
    const int n = repeat(runner, def->seconds, def->min_calls, def->evict, taken);
    const ami_team_stats after = runner->team ? ami_team_get_stats(runner->team) : (ami_team_stats){0};
    timing->shared = (double)(after.calls - before.calls - (after.alone - before.alone)) / n;
    timing->had_core = (thread_time() - cpu) / (ami_clock_now() - wall);
    timing->call = bench_summarise(taken, n);
    free(taken);
    return true;
}
