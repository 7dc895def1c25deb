/* amble-bench rollout: the cost of a rollout beyond its physics, for numbers of characters and of threads.
 *
 * The same characters take the same steps twice: once with everything a rollout does (observe, actor, target,
 * physics, reference, reward), once physics alone, from the recorded PD targets and the same starts. The
 * benchmark checks that both end in the same states, bit for bit. The two alternate several times; the ratio
 * is the median over the pairs.
 *
 * With --actions random there is no actor: what an environment costs that another program steps
 * (bench/random_actions.h). */
#include "base/clock.h"
#include "bench/bench.h"
#include "bench/random_actions.h"
#include "options/options.h"
#include "options/program.h"
#include "options/simulation.h"
#include "options/threads.h"
#include "policy/controller.h"
#include "policy/models.h"
#include "policy/motion.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

enum { KEY_ENVS = 'n', KEY_ROUNDS = 'r', KEY_STEPS = CLI_KEY_OWN, KEY_ACTIONS };
enum { GROUP = 8, MAX_ROUNDS = 1000, MAX_LIST = 16, MIN_STEPS = 10 };

typedef struct arguments {
    cli_common common;
    cli_simulation sim;
    int env[MAX_LIST], envs; /* the list of numbers of characters */
    int steps, rounds;
    bool random; /* --actions */
} arguments;

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        state->child_inputs[1] = &a->sim;
        return 0;
    case KEY_ENVS: {
        ami_error err = {""};
        a->envs = bench_parse_list(text, 1, 4096, "--envs", a->env, MAX_LIST, &err);
        if (!a->envs)
            argp_error(state, "%s", err.text);
        return 0;
    }
    case KEY_STEPS:
        a->steps = (int)cli_int(state, text, 1, 100000000, "--steps");
        return 0;
    case KEY_ACTIONS:
        a->random = !strcmp(text, "random");
        if (!a->random && strcmp(text, "policy") != 0)
            argp_error(state, "--actions: \"%s\", expected policy or random", text);
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
    {"envs", KEY_ENVS, "LIST", 0, "numbers of characters (default 1,8,32,128,512)", 1},
    {"steps", KEY_STEPS, "N", 0,
     "control steps of a round, of all characters together, at most (default 4800; each takes 10 at least)",
     1},
    {"actions", KEY_ACTIONS, "WHAT", 0,
     "policy (default): the actor's; random: uniform in -1 to 1, without a network, and episodes begin anew "
     "where a body falls",
     1},
    {"rounds", KEY_ROUNDS, "N", 0, "pairs of runs (default 7)", 1},
    {0},
};

static const struct argp_option simulated[] = {
    {"motion", CLI_SIM_MOTION, "NAME|FILE", 0, "motion clip (default: the policy's)", 1},
    {"policy", CLI_SIM_POLICY, "FILE", 0, "actor (default walk.onnx among amble's models)", 1},
    {"seconds", CLI_SIM_SECONDS, "S", 0, "simulated time of a round, at most (default 5)", 1},
    {0},
};
static const struct argp simulation_argp = {simulated, cli_simulation_parse, NULL, NULL, NULL, NULL, NULL};

typedef struct bench {
    int envs, steps, group;
    int threads; /* at most */
    ami_env *env;
    char *start; /* (envs, start_size) initial states of every round */
    size_t start_size;
    double *target; /* (envs, steps, AMI_POSE) chosen by the actor */
    double *end;    /* (envs, state_size) physics state after the full rollout */
    const ami_policy *policy;
    ami_controller *controller; /* (threads) */
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
        ami_env_load(&b->env[e], b->start + (size_t)e * b->start_size);
    }
}

static void full_group(bench *b, int first, int n, bool record)
{
    const int thread = thread_number();
    ami_controller *c = &b->controller[thread];
    ami_env *env[GROUP];
    for (int k = 0; k < n; k++) {
        env[k] = &b->env[first + k];
    }
    for (int step = 0; step < b->steps; step++) {
        ami_controller_decide(c, env, n);
        for (int k = 0; k < n; k++) {
            double own[AMI_POSE],
                *target = record
                              ? b->target + ((size_t)(first + k) * (size_t)b->steps + (size_t)step) * AMI_POSE
                              : own;
            ami_reward reward;
            ami_env_target(env[k], c->action + (size_t)k * AMI_ACTION, target);
            const ami_env_end end = ami_env_step_target(env[k], target, &reward);
            if (end == AMI_ENV_FELL || end == AMI_ENV_UNSTABLE) {
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
            ami_world_step(&b->env[first + k].world,
                           b->target + ((size_t)(first + k) * (size_t)b->steps + (size_t)step) * AMI_POSE,
                           b->env[first + k].def.substeps);
}

static double run(bench *b, bool full, bool record)
{
    restart(b);
    const int groups = (b->envs + b->group - 1) / b->group;
    const double begun = ami_clock_now();
#pragma omp parallel for schedule(dynamic, 1)
    for (int g = 0; g < groups; g++) {
        const int first = g * b->group, n = b->envs - first < b->group ? b->envs - first : b->group;
        if (full)
            full_group(b, first, n, record);
        else
            physics_group(b, first, n);
    }
    return ami_clock_now() - begun;
}

static void save_ends(const bench *b, double *to)
{
    for (int e = 0; e < b->envs; e++)
        ami_world_save(&b->env[e].world, to + (size_t)e * (size_t)b->env[e].def.character->state_size);
}

/* Allocates and loads everything for `envs` characters on up to `threads` threads. */
static bool prepare(bench *b, const arguments *a, int envs, int threads, const ami_character *character,
                    const ami_clip *clip, ami_error *err)
{
    b->envs = envs;
    b->threads = threads;
    b->env = calloc((size_t)b->envs, sizeof *b->env);
    b->controller = calloc((size_t)threads, sizeof *b->controller);
    if (!b->env || !b->controller)
        return ami_fail(err, "out of memory");
    for (int t = 0; t < threads; t++)
        if (!ami_controller_init(&b->controller[t], b->policy, GROUP, err))
            return false;
    for (int e = 0; e < b->envs; e++) {
        ami_env_def def = ami_env_default_def(character, clip);
        ami_policy_use(b->policy, &def);
        def.seed = a->common.seed;
        def.stream = (uint64_t)e;
        def.episode_s = a->sim.seconds + 1; /* no time-out inside a round */
        if (!ami_env_init(&b->env[e], &def, err))
            return false;
    }
    const int longest = (int)lround(a->sim.seconds / b->env[0].control_dt), steps_each = a->steps / envs;
    b->steps = steps_each < MIN_STEPS ? MIN_STEPS : steps_each;
    b->steps = b->steps < longest ? b->steps : longest < 1 ? 1 : longest;
    b->start_size = ami_env_save_size(&b->env[0]);
    const size_t n = (size_t)b->envs, state = (size_t)character->state_size;
    b->start = malloc(n * b->start_size);
    b->target = malloc(n * (size_t)b->steps * AMI_POSE * sizeof(double));
    b->end = malloc(2 * n * state * sizeof(double));
    if (!b->start || !b->target || !b->end)
        return ami_fail(err, "out of memory for %d steps of %d characters", b->steps, b->envs);
    for (int e = 0; e < b->envs; e++)
        ami_env_save(&b->env[e], b->start + (size_t)e * b->start_size);
    return true;
}

typedef struct outcome {
    double full, physics; /* control steps/s, medians */
    double ratio, min_ratio, max_ratio;
} outcome;

/* The rounds on `threads` threads, after a pair that must end in the same states. */
static bool measure(bench *b, const arguments *a, int threads, outcome *out, ami_error *err)
{
    const size_t states = (size_t)b->envs * (size_t)b->env[0].def.character->state_size;
    const int even = (b->envs + threads - 1) / threads;
    b->group = even < GROUP ? even : GROUP;
    cli_set_threads(threads);
    run(b, true, true);
    save_ends(b, b->end);
    run(b, false, false);
    save_ends(b, b->end + states);
    if (memcmp(b->end, b->end + states, states * sizeof(double)))
        return ami_fail(err, "physics alone did not end where the rollout did; the two are not comparable");
    if (b->fell)
        return ami_fail(
            err, "a character fell: physics of lying bodies has another cost; use a policy that stays up, "
                 "or fewer --seconds");

    double full[MAX_ROUNDS], physics[MAX_ROUNDS], ratio[MAX_ROUNDS];
    const double steps = (double)b->envs * b->steps;
    for (int r = 0; r < a->rounds; r++) {
        full[r] = steps / run(b, true, false);
        physics[r] = steps / run(b, false, false);
        ratio[r] = full[r] / physics[r];
    }
    *out = (outcome){.full = bench_median(full, a->rounds), .physics = bench_median(physics, a->rounds)};
    out->ratio = bench_median(ratio, a->rounds);
    out->min_ratio = ratio[0];
    out->max_ratio = ratio[a->rounds - 1];
    return true;
}

static json_t *outcome_json(const bench *b, int threads, const outcome *out)
{
    json_t *o = json_object();
    json_object_set_new(o, "envs", json_integer(b->envs));
    json_object_set_new(o, "threads", json_integer(threads));
    json_object_set_new(o, "steps_each", json_integer(b->steps));
    json_object_set_new(o, "physics_steps_per_s", cli_real(out->physics));
    json_object_set_new(o, "rollout_steps_per_s", cli_real(out->full));
    json_object_set_new(o, "ratio", cli_real(out->ratio));
    json_object_set_new(o, "ratio_least", cli_real(out->min_ratio));
    json_object_set_new(o, "ratio_most", cli_real(out->max_ratio));
    return o;
}

static void release(bench *b)
{
    for (int e = 0; b->env && e < b->envs; e++)
        ami_env_free(&b->env[e]);
    for (int t = 0; t < b->threads; t++) {
        if (b->controller)
            ami_controller_free(&b->controller[t]);
    }
    free(b->env);
    free(b->controller);
    free(b->start);
    free(b->target);
    free(b->end);
}

/* The table: a row for each number of characters and of threads. */
static bool measure_all(const arguments *a, const ami_policy *policy, const char *path,
                        const ami_character *character, const ami_clip *clip, ami_error *err)
{
    const bool quiet = a->common.json && !strcmp(a->common.json, "-");
    const int cores = cli_cores(), thread[] = {a->common.threads ? a->common.threads : 1, 2};
    const int threads = a->common.threads || cores < 2 ? 1 : 2, max = thread[threads - 1];
    char cpu[128];
    bench_cpu_name(cpu, sizeof cpu);
    if (!quiet)
        printf("%s, %d core%s for this process; control steps/s, medians of %d round%s\n\n"
               "  characters  threads  steps each   physics alone   whole rollout   of physics alone\n",
               cpu, cores, cli_plural(cores), a->rounds, cli_plural(a->rounds));
    json_t *rows = json_array();
    bool ok = true;
    for (int i = 0; ok && i < a->envs; i++) {
        bench b = {.policy = policy};
        ok = prepare(&b, a, a->env[i], max, character, clip, err);
        for (int t = 0; ok && t < threads; t++) {
            outcome out = {0};
            ok = measure(&b, a, thread[t], &out, err);
            if (ok && !quiet)
                printf("  %10d  %7d  %10d  %14.0f  %14.0f   %.3f (%.3f to %.3f)\n", b.envs, thread[t],
                       b.steps, out.physics, out.full, out.ratio, out.min_ratio, out.max_ratio);
            ok = ok && (quiet || cli_flush_row(a->common.json, err));
            if (ok)
                json_array_append_new(rows, outcome_json(&b, thread[t], &out));
        }
        release(&b);
    }
    json_t *o = json_object();
    json_object_set_new(o, "cpu", json_string(cpu));
    json_object_set_new(o, "cores", json_integer(cores));
    json_object_set_new(o, "policy", json_string(path));
    json_object_set_new(o, "rounds", json_integer(a->rounds));
    json_object_set_new(o, "rows", rows);
    return cli_write_json(ok ? a->common.json : NULL, o, err) && ok;
}

/* The rows of --actions random. */
static bool measure_random(const arguments *a, const ami_policy *policy, const ami_character *character,
                           const ami_clip *clip, ami_error *err)
{
    const bool quiet = a->common.json && !strcmp(a->common.json, "-");
    const int cores = cli_cores(), thread[] = {a->common.threads ? a->common.threads : 1, 2};
    const int threads = a->common.threads || cores < 2 ? 1 : 2;
    if (!quiet)
        printf("random actions; control steps/s, medians of %d round%s\n\n"
               "  characters  threads  steps each   control steps/s   episodes\n",
               a->rounds, cli_plural(a->rounds));
    json_t *rows = json_array();
    bool ok = true;
    for (int i = 0; ok && i < a->envs; i++)
        for (int t = 0; ok && t < threads; t++) {
            const int each = a->steps / a->env[i];
            const bench_random_def def = {.envs = a->env[i],
                                          .threads = thread[t],
                                          .steps = each < MIN_STEPS ? MIN_STEPS : each,
                                          .rounds = a->rounds,
                                          .seed = a->common.seed,
                                          .character = character,
                                          .clip = clip,
                                          .policy = policy};
            bench_random out;
            ok = bench_random_actions(&def, &out, err);
            if (ok && !quiet)
                printf("  %10d  %7d  %10d  %16.0f  %9lld\n", def.envs, def.threads, def.steps,
                       out.steps_per_s, (long long)out.episodes);
            ok = ok && (quiet || cli_flush_row(a->common.json, err));
            if (!ok)
                break;
            json_t *o = json_object();
            json_object_set_new(o, "envs", json_integer(def.envs));
            json_object_set_new(o, "threads", json_integer(def.threads));
            json_object_set_new(o, "steps_each", json_integer(def.steps));
            json_object_set_new(o, "steps_per_s", cli_real(out.steps_per_s));
            json_object_set_new(o, "steps_per_cpu_s", cli_real(out.steps_per_cpu_s));
            json_object_set_new(o, "episodes", json_integer(out.episodes));
            json_array_append_new(rows, o);
        }
    json_t *o = json_object();
    json_object_set_new(o, "actions", json_string("random"));
    json_object_set_new(o, "rounds", json_integer(a->rounds));
    json_object_set_new(o, "rows", rows);
    return cli_write_json(ok ? a->common.json : NULL, o, err) && ok;
}

int bench_rollout(int argc, char **argv)
{
    arguments a = {.common = {.seed = 1},
                   .sim = cli_simulation_default(),
                   .env = {1, 8, 32, 128, 512},
                   .envs = 5,
                   .steps = 4800,
                   .rounds = 7};
    a.sim.policy = "walk.onnx";
    a.sim.seconds = 5;
    a.sim.seconds_min = .1;
    a.sim.seconds_max = 3600;
    const struct argp_child children[] = {
        {&cli_common_argp, 0, NULL, 90}, {&simulation_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {options,
                              parse,
                              NULL,
                              "Compares the speed of rollouts with that of the same physics alone.\v"
                              "Without --threads it measures 1 and 2, at most the number of cores.\n"
                              "Examples:\n  amble-bench rollout --policy walk.onnx --envs 32 --threads 1\n"
                              "  amble-bench rollout --actions random --motion style_walk --envs 64",
                              children,
                              NULL,
                              NULL};
    cli_parse(&argp, argc, argv, &a);
    ami_error err = {{0}};
#ifndef _OPENMP
    if (a.common.threads > 1) {
        ami_fail(&err, "--threads is %d, but this amble-bench was built without OpenMP", a.common.threads);
        return cli_fail(&err);
    }
#endif
    ami_policy policy = {0};
    char path[4096];
    bool ok =
        ami_find_model(a.sim.policy, path, sizeof path, &err) && ami_policy_load(&policy, path, NULL, &err);
    ami_character_def def = ami_character_default_def();
    def.physics_hz = policy.physics_hz;
    ami_character *character = ok ? ami_character_create(&def, &err) : NULL;
    char clip_path[4096];
    const ami_origin origin = ami_policy_origin(&policy, path);
    ami_clip *clip =
        character ? ami_load_motion(a.sim.motion, a.common.clips, &origin, clip_path, sizeof clip_path, &err)
                  : NULL;
    ok = clip && (a.random ? measure_random(&a, &policy, character, clip, &err)
                           : measure_all(&a, &policy, path, character, clip, &err));
    ami_clip_destroy(clip);
    ami_character_destroy(character);
    ami_policy_free(&policy);
    return ok ? 0 : cli_fail(&err);
}
