/* Runs and times control steps, free-running or with deadlines. */
#include "bench/pace.h"

#include "base/clock.h"
#include "bench/realtime.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 1 << 21, WARM_UP = 30 };

bool bench_pace_reserve(bench_pace *pace, int capacity, ami_error *err)
{
    *pace = (bench_pace){.capacity = capacity};
    const size_t n = (size_t)capacity, lists = BENCH_PARTS + 6;
    pace->block = malloc(n * lists * sizeof(double));
    if (!pace->block)
        return ami_fail(err, "out of memory for the times of %d steps", capacity);
    memset(pace->block, 1, n * lists * sizeof(double));
    for (int i = 0; i < BENCH_PARTS; i++)
        pace->part[i] = pace->block + (size_t)i * n;
    pace->whole = pace->block + BENCH_PARTS * n;
    pace->other = pace->whole + n;
    pace->response = pace->other + n;
    pace->wakeup = pace->response + n;
    pace->invents = pace->wakeup + n;
    pace->making = pace->invents + n;
    return true;
}

void bench_pace_free(bench_pace *pace)
{
    free(pace->block);
    *pace = (bench_pace){0};
}

int bench_pace_most(bench_walker *walker, const bench_pace_def *def)
{
    double part[BENCH_PARTS], min = 1e9;
    for (int i = 0; i < WARM_UP; i++) {
        const double t = bench_walker_step(walker, part);
        min = t < min ? t : min;
    }
    const double target = def->rate > 0 ? def->seconds * def->rate : 1.5 * def->seconds / min;
    return target < 1 ? 1 : target > MAX_STEPS ? MAX_STEPS : (int)(target + .5);
}

static void keep(bench_pace *pace, const bench_walker *walker, double whole, const double part[BENCH_PARTS])
{
    const int i = pace->steps++;
    pace->invents[i] = part[BENCH_PHASE] + part[BENCH_GENERATION];
    if (walker->making)
        pace->making[pace->makings++] = pace->invents[i];
    pace->whole[i] = whole;
    pace->other[i] = whole - part[BENCH_PHYSICS];
    for (int p = 0; p < BENCH_PARTS; p++)
        pace->part[p][i] = part[p];
}

static void run_free(bench_pace *pace, bench_walker *walker, double seconds)
{
    double part[BENCH_PARTS];
    const double end = ami_clock_now() + seconds;
    while (pace->steps < pace->capacity && (!pace->steps || ami_clock_now() < end)) {
        const double whole = bench_walker_step(walker, part);
        keep(pace, walker, whole, part);
    }
}

static void run_paced(bench_pace *pace, bench_walker *walker, const bench_pace_def *def)
{
    double part[BENCH_PARTS];
    const double period = 1 / def->rate, begin = ami_clock_now() + period;
    for (int i = 0; i < pace->capacity; i++) {
        const double due = begin + i * period;
        const bool waited = bench_wait_until(due, def->spin);
        const double begun = ami_clock_now();
        if (waited)
            pace->wakeup[pace->slept++] = begun - due;
        const double whole = bench_walker_step(walker, part);
        const double response = begun - due + whole;
        keep(pace, walker, whole, part);
        pace->response[i] = response;
        pace->missed += response > period;
    }
}

void bench_pace_run(bench_pace *pace, bench_walker *walker, const bench_pace_def *def)
{
    pace->steps = pace->makings = pace->slept = pace->missed = 0;
    const int before = walker->resets;
    double part[BENCH_PARTS];
    for (int i = 0; i < WARM_UP; i++)
        bench_walker_step(walker, part);
    walker->counts = (ami_generator_counts){0};
    if (def->rate > 0)
        run_paced(pace, walker, def);
    else
        run_free(pace, walker, def->seconds);
    pace->resets = walker->resets - before;
    pace->counts = walker->counts;
}
