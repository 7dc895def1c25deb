/* amble-bench rollout: what the loop costs on top of physics.
 *
 * The same characters take the same steps twice: once with everything a rollout does (observe, actor, target, physics, reference, reward),
 * once physics alone, from the recorded PD targets and the same starts. That both end in the same states, bit for bit, is checked: it is
 * the same physics. The two are run in turn several times; the ratio is the median of the pairs'. */
#include "base/clock.h"
#include "bench/bench.h"
#include "cli/options.h"
#include "cli/setup.h"
#include "policy/controller.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_max_threads(void)
{
    return 1;
}
#endif

enum { KEY_MOTION = 'm', KEY_POLICY = 'p', KEY_SECONDS = 's', KEY_ENVS = 'n', KEY_ROUNDS = 'r', GROUP = 8, MAX_ROUNDS = 1000 };

typedef struct arguments {
    cli_common common;
    const char *motion, *policy;
    double seconds;
    int envs, rounds;
} arguments;

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        return 0;
    case KEY_MOTION:
        a->motion = text;
        return 0;
    case KEY_POLICY:
        a->policy = text;
        return 0;
    case KEY_SECONDS:
        a->seconds = cli_double(state, text, .1, 3600, "--seconds");
        return 0;
    case KEY_ENVS:
        a->envs = (int)cli_int(state, text, 1, 4096, "--envs");
        return 0;
    case KEY_ROUNDS:
        a->rounds = (int)cli_int(state, text, 1, MAX_ROUNDS, "--rounds");
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"motion", KEY_MOTION, "NAME|FILE", 0, "motion clip (default: the policy's)", 1},
    {"policy", KEY_POLICY, "FILE", 0, "actor (default walk.onnx among amble's models)", 1},
    {"seconds", KEY_SECONDS, "S", 0, "simulated time of a round (default 5)", 1},
    {"envs", KEY_ENVS, "N", 0, "characters (default 32)", 1},
    {"rounds", KEY_ROUNDS, "N", 0, "pairs of runs (default 7)", 1},
    {0},
};

typedef struct bench {
    int envs, steps, group, threads;
    amb_env *env;
    char *start; /* (envs, start_size) where every round begins */
    size_t start_size;
    double *target; /* (envs, steps, AMB_POSE) as the actor chose them */
    double *end;    /* (envs, state_size) physics state after the full rollout */
    const amb_policy *policy;
    amb_controller *controller; /* (threads) */
    int fell;
} bench;

static int thread_number(void)
{
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

static void restart(bench *b)
{
    for (int e = 0; e < b->envs; e++) {
        amb_env_load(&b->env[e], b->start + (size_t)e * b->start_size);
    }
}

static void full_group(bench *b, int first, int n, bool record)
{
    const int thread = thread_number();
    amb_controller *c = &b->controller[thread];
    amb_env *env[GROUP];
    for (int k = 0; k < n; k++) {
        env[k] = &b->env[first + k];
    }
    for (int step = 0; step < b->steps; step++) {
        amb_controller_decide(c, env, n);
        for (int k = 0; k < n; k++) {
            double own[AMB_POSE], *target = record ? b->target + ((size_t)(first + k) * (size_t)b->steps + (size_t)step) * AMB_POSE : own;
            amb_reward reward;
            amb_env_target(env[k], c->action + (size_t)k * AMB_ACTION, target);
            const amb_env_end end = amb_env_step_target(env[k], target, &reward);
            if (end == AMB_ENV_FELL || end == AMB_ENV_UNSTABLE) {
#pragma omp atomic write
                b->fell = 1;
            }
        }
    }
}

static void physics_group(bench *b, int first, int n)
{
    for (int step = 0; step < b->steps; step++)
        for (int k = 0; k < n; k++)
            amb_world_step(&b->env[first + k].world, b->target + ((size_t)(first + k) * (size_t)b->steps + (size_t)step) * AMB_POSE,
                           b->env[first + k].def.substeps);
}

static double run(bench *b, bool full, bool record)
{
    restart(b);
    const int groups = (b->envs + b->group - 1) / b->group;
    const double begun = amb_clock_now();
#pragma omp parallel for schedule(dynamic, 1)
    for (int g = 0; g < groups; g++) {
        const int first = g * b->group, n = b->envs - first < b->group ? b->envs - first : b->group;
        if (full)
            full_group(b, first, n, record);
        else
            physics_group(b, first, n);
    }
    return amb_clock_now() - begun;
}

static void save_ends(const bench *b, double *to)
{
    for (int e = 0; e < b->envs; e++)
        amb_world_save(&b->env[e].world, to + (size_t)e * (size_t)b->env[e].def.character->state_size);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_size);
    return n % 2 ? x[n / 2] : .5 * (x[n / 2 - 1] + x[n / 2]);
}

static bool prepare(bench *b, const arguments *a, const amb_character *character, const amb_clip *clip, amb_error *err)
{
    b->envs = a->envs;
    b->threads = omp_get_max_threads();
    const int even = (b->envs + b->threads - 1) / b->threads;
    b->group = even < GROUP ? even : GROUP;
    b->env = calloc((size_t)b->envs, sizeof *b->env);
    b->controller = calloc((size_t)b->threads, sizeof *b->controller);
    if (!b->env || !b->controller)
        return amb_fail(err, "out of memory");
    for (int t = 0; t < b->threads; t++)
        if (!amb_controller_init(&b->controller[t], b->policy, GROUP, err))
            return false;
    for (int e = 0; e < b->envs; e++) {
        amb_env_def def = amb_env_default_def(character, clip);
        amb_policy_use(b->policy, &def);
        def.seed = a->common.seed;
        def.stream = (uint64_t)e;
        def.episode_s = a->seconds + 1; /* no time-out inside a round */
        if (!amb_env_init(&b->env[e], &def, err))
            return false;
    }
    b->steps = (int)lround(a->seconds / b->env[0].control_dt);
    b->start_size = amb_env_save_size(&b->env[0]);
    const size_t envs = (size_t)b->envs, state = (size_t)character->state_size;
    b->start = malloc(envs * b->start_size);
    b->target = malloc(envs * (size_t)b->steps * AMB_POSE * sizeof(double));
    b->end = malloc(2 * envs * state * sizeof(double));
    if (!b->start || !b->target || !b->end)
        return amb_fail(err, "out of memory for %d steps of %d characters", b->steps, b->envs);
    for (int e = 0; e < b->envs; e++)
        amb_env_save(&b->env[e], b->start + (size_t)e * b->start_size);
    return true;
}

static bool measure(bench *b, const arguments *a, const char *policy, amb_error *err)
{
    const size_t states = (size_t)b->envs * (size_t)b->env[0].def.character->state_size;
    run(b, true, true);
    save_ends(b, b->end);
    run(b, false, false);
    save_ends(b, b->end + states);
    if (memcmp(b->end, b->end + states, states * sizeof(double)))
        return amb_fail(err, "physics alone did not end where the rollout did; the two are not comparable");
    if (b->fell)
        return amb_fail(err, "a character fell: lying bodies are other physics; use a policy that stays up");

    double full[MAX_ROUNDS], physics[MAX_ROUNDS], ratio[MAX_ROUNDS];
    const double steps = (double)b->envs * b->steps;
    for (int r = 0; r < a->rounds; r++) {
        full[r] = steps / run(b, true, false);
        physics[r] = steps / run(b, false, false);
        ratio[r] = full[r] / physics[r];
    }
    const double f = median(full, a->rounds), p = median(physics, a->rounds), q = median(ratio, a->rounds);
    char cpu[128];
    bench_cpu_name(cpu, sizeof cpu);
    if (!a->common.json || strcmp(a->common.json, "-")) {
        printf("%s, %d threads; %d characters, %d control steps each, medians of %d rounds\n\n", cpu, b->threads, b->envs, b->steps,
               a->rounds);
        printf("  physics alone   %9.0f control steps/s\n  whole rollout   %9.0f control steps/s   %.3f of physics alone (%.3f to %.3f)\n",
               p, f, q, ratio[0], ratio[a->rounds - 1]);
    }
    json_t *o = json_object();
    json_object_set_new(o, "cpu", json_string(cpu));
    json_object_set_new(o, "policy", json_string(policy));
    json_object_set_new(o, "threads", json_integer(b->threads));
    json_object_set_new(o, "envs", json_integer(b->envs));
    json_object_set_new(o, "rounds", json_integer(a->rounds));
    json_object_set_new(o, "physics_steps_per_s", cli_real(p));
    json_object_set_new(o, "rollout_steps_per_s", cli_real(f));
    json_object_set_new(o, "ratio", cli_real(q));
    return cli_write_json(a->common.json, o, err);
}

static void release(bench *b)
{
    for (int e = 0; b->env && e < b->envs; e++)
        amb_env_free(&b->env[e]);
    for (int t = 0; t < b->threads; t++) {
        if (b->controller)
            amb_controller_free(&b->controller[t]);
    }
    free(b->env);
    free(b->controller);
    free(b->start);
    free(b->target);
    free(b->end);
}

int bench_rollout(int argc, char **argv)
{
    arguments a = {.common = {.seed = 1}, .policy = "walk.onnx", .seconds = 5, .envs = 32, .rounds = 7};
    const struct argp_child children[] = {{&cli_common_argp, 0, NULL, 90}, {0}};
    const struct argp argp = {options,
                              parse,
                              NULL,
                              "Measures a rollout against the same physics without it.\v"
                              "Example:\n  amble-bench rollout --policy walk.onnx --threads 1",
                              children,
                              NULL,
                              NULL};
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    cli_set_threads(a.common.threads);
    amb_error err = {{0}};
    amb_policy policy = {0};
    char path[4096];
    cli_find_model(a.policy, path, sizeof path);
    bool ok = amb_policy_load(&policy, path, NULL, &err);
    amb_character_def def = amb_character_default_def();
    def.physics_hz = policy.physics_hz;
    amb_character *character = ok ? amb_character_create(&def, &err) : NULL;
    const char *motion = a.motion ? a.motion : policy.motion[0] ? policy.motion : "walk";
    amb_clip *clip = character ? cli_load_motion(motion, a.common.clips, &err) : NULL;
    bench b = {.policy = &policy};
    ok = clip && prepare(&b, &a, character, clip, &err) && measure(&b, &a, path, &err);
    release(&b);
    amb_clip_destroy(clip);
    amb_character_destroy(character);
    amb_policy_free(&policy);
    return ok ? 0 : cli_fail(&err);
}
