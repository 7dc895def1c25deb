/* Times environments under random actions (bench/random_actions.h). */
#include "bench/random_actions.h"

#include "base/clock.h"
#include "base/rng.h"
#include "bench/bench.h"
#include "options/threads.h"

#include <stdlib.h>
#include <time.h>

enum { TABLE = 64, MAX_ROUNDS = 1000 }; /* steps of actions, drawn beforehand and used again and again */

typedef struct crowd {
    const bench_random_def *def;
    ami_env *env;
    int made;
    float *action; /* (TABLE, envs, AMI_ACTION) */
    float *obs;    /* (envs, AMI_OBS_MAX) */
    int64_t *episodes;
} crowd;

static void step_one(crowd *c, int e, const float *actions)
{
    ami_reward reward;
    if (ami_env_step(&c->env[e], actions + (size_t)e * AMI_ACTION, &reward) != AMI_ENV_GOES_ON) {
        ami_env_reset(&c->env[e]);
        c->episodes[e]++;
    }
    ami_env_observe(&c->env[e], c->obs + (size_t)e * AMI_OBS_MAX);
}

static double processor_time(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double run(crowd *c)
{
    const bench_random_def *d = c->def;
    const double begun = ami_clock_now();
    for (int s = 0; s < d->steps; s++) {
        const float *actions = c->action + (size_t)(s % TABLE) * (size_t)d->envs * AMI_ACTION;
#pragma omp parallel for schedule(dynamic, 1)
        for (int e = 0; e < d->envs; e++)
            step_one(c, e, actions);
    }
    return ami_clock_now() - begun;
}

static bool prepare(crowd *c, ami_error *err)
{
    const bench_random_def *d = c->def;
    const size_t n = (size_t)d->envs, actions = TABLE * n * AMI_ACTION;
    c->env = calloc(n, sizeof *c->env);
    c->action = malloc(actions * sizeof *c->action);
    c->obs = malloc(n * AMI_OBS_MAX * sizeof *c->obs);
    c->episodes = calloc(n, sizeof *c->episodes);
    if (!c->env || !c->action || !c->obs || !c->episodes)
        return ami_fail(err, "out of memory for %d characters", d->envs);
    ami_rng rng = ami_rng_seed(d->seed, UINT64_MAX);
    for (size_t i = 0; i < actions; i++)
        c->action[i] = (float)ami_rng_range(&rng, -1, 1);
    for (; c->made < d->envs; c->made++) {
        ami_env_def def = ami_env_default_def(d->character, d->clip);
        ami_policy_use(d->policy, &def);
        def.seed = d->seed;
        def.stream = (uint64_t)c->made;
        if (!ami_env_init(&c->env[c->made], &def, err))
            return false;
    }
    return true;
}

bool bench_random_actions(const bench_random_def *def, bench_random *result, ami_error *err)
{
    crowd c = {.def = def};
    double rate[MAX_ROUNDS], cpu[MAX_ROUNDS];
    const bool ok = prepare(&c, err);
    *result = (bench_random){0};
    if (ok) {
        cli_set_threads(def->threads);
        run(&c); /* warms the caches */
        for (int r = 0; r < def->rounds && r < MAX_ROUNDS; r++) {
            const double began = processor_time(), steps = (double)def->envs * def->steps;
            rate[r] = steps / run(&c);
            cpu[r] = steps / (processor_time() - began);
        }
        result->steps_per_s = bench_median(rate, def->rounds);
        result->steps_per_cpu_s = bench_median(cpu, def->rounds);
        for (int e = 0; e < def->envs; e++)
            result->episodes += c.episodes[e];
    }
    for (int e = 0; e < c.made; e++)
        ami_env_free(&c.env[e]);
    free(c.env);
    free(c.action);
    free(c.obs);
    free(c.episodes);
    return ok;
}
