/* Rollouts: threads simulate groups of characters, one group after the other. */
#include "policy/rollout.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/histogram.h"
#include "motion/metrics.h"
#include "motion/rotation.h"

#include <math.h>
#include <stdatomic.h>
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

enum { GROUP = 8 };

/* Results of one character. */
typedef struct score {
    bool fell;
    bool lost; /* its root differed too much from the reference's: no success */
    int up;    /* steps up to the fall */
    int steps; /* steps simulated */
    int64_t unstable;
    double reward, part[AMI_REWARD_PARTS], root_m, joint_rad, end_effector_m;
    ami_tracking tracking; /* up to the fall */
} score;

/* What else of a character goes into the results. */
typedef struct outcome {
    double position[7 + AMI_ACTION], velocity[AMI_VEL]; /* at the end */
    char failure[AMI_WORLD_FAILURE];
    ami_generator_counts generator;
} outcome;

typedef struct worker {
    ami_controller controller;
    ami_cycle_workspace *workspace; /* for generators, or NULL */
    ami_histogram step, wakeup, generate;
    int64_t missed;
    double busy_s, physics_s;
} worker;

typedef struct rollout {
    const ami_rollout_def *def;
    const ami_rollout_share *share; /* NULL: alone */
    int first, end;                 /* the characters of this process */
    ami_env *env;                   /* (envs), as the next three */
    ami_generator **generator;      /* or NULL */
    score *score;
    outcome *outcome;
    worker *worker; /* (threads) */
    int threads, steps;
    int group, groups; /* characters in a group, groups */
    double control_dt, started;
    int moments, first_step[AMI_ROLLOUT_MOMENTS + 1]; /* of a style schedule: first steps, and the end */
    double *moment_reward;                            /* (envs, moments): sums, or NULL */
    double *pose;                                     /* (steps + 1, AMI_POSE) or NULL */
    int frames;
    int observation_rows, observation_inputs;
    float *observation; /* (observation_rows, observation_inputs) or NULL */
    bool *observed;     /* (observation_rows) whether the row was reached */
    atomic_int next_group;
    atomic_bool stop;
    atomic_llong done; /* steps of groups */
} rollout;

static void count_step(score *s, const ami_reward *reward)
{
    s->steps++;
    s->lost |= reward->height_m > .25 || reward->tilt > .8;
    s->reward += reward->total;
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        s->part[k] += reward->part[k];
    s->root_m += reward->root_m;
    s->joint_rad += reward->joint_rad;
    s->end_effector_m += reward->end_effector_m;
}

static void record_pose(rollout *r)
{
    memcpy(r->pose + (size_t)r->frames++ * AMI_POSE, r->env[0].state.pose, AMI_POSE * sizeof(double));
}

/* Adds a step's reward to the sum of its moment of the schedule. */
static void count_moment(rollout *r, int e, int step, double reward)
{
    if (!r->moment_reward)
        return;
    int m = 0;
    while (m + 1 < r->moments && step >= r->first_step[m + 1])
        m++;
    r->moment_reward[(size_t)e * (size_t)r->moments + (size_t)m] += reward;
}

/* Begins a motion that is done once anew, from where the body is. */
static void repeat_if_due(const rollout *r, ami_env *env)
{
    const int every = r->def->repeat_steps;
    ami_reference *reference = &env->reference;
    if (every <= 0 || env->step % every != 0 || env->world.unstable)
        return;
    const double turn_rate = reference->turn_rate, rate = reference->rate;
    ami_reference_start(reference, reference->clip, 0, ami_quat_heading(env->state.pose + 3),
                        env->state.pose);
    reference->turn_rate = turn_rate;
    reference->rate = rate;
}

/* Steps one environment; returns whether it stays in the group. */
static bool step_environment(rollout *r, int e, const float *action)
{
    ami_env *env = &r->env[e];
    score *s = &r->score[e];
    ami_reward reward;
    ami_dataset *const dataset =
        r->def->dataset && e < ami_dataset_episodes(r->def->dataset) ? r->def->dataset : NULL;
    if (dataset)
        ami_dataset_before(dataset, e, env);
    const ami_env_end end = ami_env_step(env, action, &reward);
    repeat_if_due(r, env);
    if (dataset)
        ami_dataset_after(dataset, e, env, action, &reward, end);
    s->up += !s->fell;
    if (end == AMI_ENV_UNSTABLE) {
        s->unstable++;
        s->fell = true;
        const int step = env->step;
        ami_env_reset(env);
        env->step = step; /* time and pushes continue */
        env->next_push += step * env->control_dt;
    }
    if (r->pose && e == 0)
        record_pose(r);
    if (end == AMI_ENV_UNSTABLE)
        return true;
    if (end == AMI_ENV_FELL || end == AMI_ENV_LOST) {
        s->fell = true;
        count_step(s, &reward);
        return false;
    }
    if (s->fell) /* simulated after a reset, but without reward */
        reward.total = 0;
    else
        ami_tracking_add(&s->tracking, (const double(*)[3])env->state.joint,
                         (const double(*)[3])env->reference_state.joint);
    count_step(s, &reward);
    count_moment(r, e, env->step - 1, reward.total);
    return true;
}

/* Waits until a step is due, which is also the deadline of the previous step. */
static void wait_for(worker *w, double due)
{
    if (ami_clock_now() > due) {
        w->missed++;
        return;
    }
    ami_clock_sleep_until(due);
    ami_histogram_add(&w->wakeup, ami_clock_now() - due, 1);
}

/* Whether to stop before step `step` of a group; reports progress. */
static bool should_stop(rollout *r, const worker *w, int step)
{
    const long long done = atomic_fetch_add_explicit(&r->done, 1, memory_order_relaxed);
    if (atomic_load_explicit(&r->stop, memory_order_relaxed))
        return true;
    if (!r->def->progress || w != r->worker || step % 32 != 0 ||
        r->def->progress(r->def->context, (double)done / ((double)r->groups * r->steps)))
        return false;
    atomic_store_explicit(&r->stop, true, memory_order_relaxed);
    return true;
}

/* Steps the characters' generators. */
static void generate(rollout *r, worker *w, const int *number, ami_env *const *live, int n)
{
    for (int k = 0; r->generator && k < n; k++) {
        const double begun = ami_clock_now();
        ami_generator_step(r->generator[number[k]], w->workspace, live[k]);
        ami_histogram_add(&w->generate, ami_clock_now() - begun, 1);
    }
}

/* Keeps what the actor was given before step `step`, where it is one of those asked for. */
static void keep_observations(rollout *r, const ami_controller *controller, const int *number, int step,
                              int n)
{
    const int64_t rows = r->observation_rows, total = (int64_t)r->def->envs * r->steps;
    const size_t inputs = (size_t)r->observation_inputs;
    for (int k = 0; r->observation && k < n; k++) {
        const int64_t i = (int64_t)number[k] * r->steps + step, row = i * rows / total;
        if (i > 0 && (i - 1) * rows / total == row)
            continue;
        memcpy(r->observation + (size_t)row * inputs, controller->obs + (size_t)k * inputs,
               inputs * sizeof(float));
        r->observed[row] = true;
    }
}

/* All steps of the environments [first, first + count). */
static void run_group(rollout *r, worker *w, int first, int count)
{
    ami_env *live[GROUP];
    int number[GROUP], n = count;
    for (int k = 0; k < count; k++) {
        number[k] = first + k;
        live[k] = &r->env[first + k];
        live[k]->physics_s = 0;
    }
    int step = 0;
    for (; step < r->steps && n > 0 && !should_stop(r, w, step); step++) {
        if (r->def->realtime && step > 0)
            wait_for(w, r->started + step * r->control_dt);
        const double begun = ami_clock_now();
        generate(r, w, number, live, n);
        ami_controller_decide(&w->controller, live, n);
        keep_observations(r, &w->controller, number, step, n);
        int left = 0;
        for (int k = 0; k < n; k++) {
            if (step_environment(r, number[k], w->controller.action + (size_t)k * AMI_ACTION)) {
                number[left] = number[k];
                live[left++] = live[k];
            }
        }
        const double took = ami_clock_now() - begun;
        ami_histogram_add(&w->step, took / n, n);
        w->busy_s += took;
        n = left;
    }
    atomic_fetch_add_explicit(&r->done, r->steps - step, memory_order_relaxed); /* if all fell early */
    for (int k = 0; k < count; k++)
        w->physics_s += r->env[first + k].physics_s;
}

/* Thread `index` takes groups until none is left. */
static void run_groups(int index, void *argument)
{
    rollout *r = argument;
    int g;
    while ((g = atomic_fetch_add_explicit(&r->next_group, 1, memory_order_relaxed)) < r->groups) {
        const int first = r->first + g * r->group, left = r->end - first;
        run_group(r, &r->worker[index], first, left < r->group ? left : r->group);
    }
}

static void run_all(rollout *r)
{
    r->started = ami_clock_now();
    if (r->def->run) {
        r->def->run(r->def->run_context, r->threads, run_groups, r);
        return;
    }
#pragma omp parallel for num_threads(r->threads) schedule(static, 1) if (r->threads > 1)
    for (int i = 0; i < r->threads; i++)
        run_groups(i, r);
}

static uint64_t hash_states(const rollout *r)
{
    uint64_t hash = AMI_HASH_START;
    for (int e = 0; e < r->def->envs; e++) {
        hash = ami_hash(hash, r->outcome[e].position, sizeof r->outcome->position);
        hash = ami_hash(hash, r->outcome[e].velocity, sizeof r->outcome->velocity);
    }
    return hash;
}

/* Brings the characters' results together, also from other processes. */
static bool collect(rollout *r, ami_error *err)
{
    const int envs = r->def->envs;
    for (int e = r->first; e < r->end; e++) {
        outcome *o = &r->outcome[e];
        const mjData *d = r->env[e].world.data;
        memcpy(o->position, d->qpos, sizeof o->position);
        memcpy(o->velocity, d->qvel, sizeof o->velocity);
        memcpy(o->failure, r->env[e].world.failure, sizeof o->failure);
        if (r->generator)
            o->generator = *ami_generator_get_counts(r->generator[e]);
    }
    const ami_rollout_share *share = r->share;
    return !share ||
           (share->gather(share->context, r->score, sizeof *r->score, envs, err) &&
            share->gather(share->context, r->outcome, sizeof *r->outcome, envs, err) &&
            (!r->moment_reward || share->gather(share->context, r->moment_reward,
                                                (size_t)r->moments * sizeof *r->moment_reward, envs, err)));
}

static ami_percentiles percentiles(const ami_histogram *h)
{
    return (ami_percentiles){1e6 * ami_histogram_quantile(h, .5), 1e6 * ami_histogram_quantile(h, .99),
                             1e6 * ami_histogram_quantile(h, .999), 1e6 * h->max};
}

static void add_counts(ami_generator_counts *to, const ami_generator_counts *from)
{
    to->made += from->made;
    to->changes += from->changes;
    for (int k = 0; k < AMI_REFUSALS; k++)
        to->refused[k] += from->refused[k];
}

static void summarise_moments(const rollout *r, ami_rollout_result *result)
{
    result->moments = r->moments;
    for (int m = 0; m < r->moments; m++) {
        ami_moment_result *moment = &result->moment[m];
        const int from = r->first_step[m], until = r->first_step[m + 1];
        *moment = (ami_moment_result){.from = from * r->control_dt, .until = until * r->control_dt};
        memcpy(moment->label, r->def->generator->plan->moment[m].label, sizeof moment->label);
        for (int e = 0; e < r->def->envs; e++) {
            const double sum = r->moment_reward[(size_t)e * (size_t)r->moments + (size_t)m];
            moment->normalised_return += sum / ((double)(until - from) * r->def->envs);
            moment->survival += !r->score[e].fell || r->score[e].up > until;
        }
        moment->survival /= r->def->envs;
    }
}

/* Over all characters' frames. */
static void summarise_tracking(const rollout *r, ami_rollout_result *result)
{
    ami_tracking all = {0};
    int pairs = 0;
    for (int e = 0; e < r->def->envs; e++) {
        const ami_tracking *t = &r->score[e].tracking;
        all.frames += t->frames;
        all.g_mpjpe += t->g_mpjpe;
        all.mpjpe += t->mpjpe;
        all.vel += t->vel;
        all.acc += t->acc;
        pairs += t->frames > 2 ? t->frames - 2 : 0;
        result->success_phc += !r->score[e].fell && t->worst <= AMI_PHC_DISTANCE;
    }
    result->success_phc /= r->def->envs;
    const double frames = fmax(all.frames, 1);
    result->e_g_mpjpe = all.g_mpjpe / frames;
    result->e_mpjpe = all.mpjpe / frames;
    result->e_vel = all.vel / fmax(pairs, 1);
    result->e_acc = all.acc / fmax(pairs, 1);
}

static void summarise(rollout *r, double wall, ami_rollout_result *result)
{
    summarise_tracking(r, result);
    const int envs = r->def->envs;
    score all = {0};
    for (int e = 0; e < envs; e++) {
        const score *s = &r->score[e];
        result->survival += !s->fell;
        result->success += !s->fell && !s->lost;
        result->resets_unstable += s->unstable;
        const char *failure = r->outcome[e].failure;
        if (failure[0] && result->failed++ == 0)
            memcpy(result->failure, failure, sizeof result->failure);
        result->control_steps += s->steps;
        result->seconds += s->up * r->control_dt / envs;
        all.reward += s->reward;
        for (int k = 0; k < AMI_REWARD_PARTS; k++)
            all.part[k] += s->part[k];
        all.root_m += s->root_m;
        all.joint_rad += s->joint_rad;
        all.end_effector_m += s->end_effector_m;
    }
    const double n = fmax((double)result->control_steps, 1);
    result->episodes = envs;
    result->survival /= envs;
    result->success /= envs;
    result->stopped = r->stop;
    result->normalised_return = all.reward / (r->stop ? n : (double)envs * r->steps);
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        result->part[k] = all.part[k] / n;
    result->root_m = all.root_m / n;
    result->joint_rad = all.joint_rad / n;
    result->end_effector_m = all.end_effector_m / n;
    ami_histogram *h = &r->worker[0].step, *late = &r->worker[0].wakeup, *made = &r->worker[0].generate;
    double busy = 0, physics = 0;
    for (int i = 0; i < r->threads; i++) {
        if (i) {
            ami_histogram_merge(h, &r->worker[i].step);
            ami_histogram_merge(late, &r->worker[i].wakeup);
            ami_histogram_merge(made, &r->worker[i].generate);
        }
        result->missed_deadlines += r->worker[i].missed;
        busy += r->worker[i].busy_s;
        physics += r->worker[i].physics_s;
    }
    result->wall_s = wall;
    result->control_steps_per_s = (double)result->control_steps / fmax(wall, 1e-9);
    result->physics_fraction = physics / fmax(busy, 1e-9);
    result->step_us = percentiles(h);
    result->wakeup_us = percentiles(late);
    result->generate_us = percentiles(made);
    for (int e = 0; r->generator && e < envs; e++)
        add_counts(&result->generator, &r->outcome[e].generator);
    if (!r->stop)
        summarise_moments(r, result);
    result->hash = hash_states(r);
    result->control_dt = r->control_dt;
    result->frames = r->frames;
    result->pose = r->pose;
    r->pose = NULL;
}

static bool prepare_generators(rollout *r, ami_error *err)
{
    const ami_generator_def *def = r->def->generator;
    if (!def)
        return true;
    r->generator = calloc((size_t)r->def->envs, sizeof(ami_generator *));
    if (!r->generator)
        return ami_fail(err, "out of memory for %d characters", r->def->envs);
    for (int i = 0; i < r->threads; i++)
        if (!(r->worker[i].workspace = ami_cycle_workspace_create(def->nets, err)))
            return false;
    for (int e = r->first; e < r->end; e++) {
        ami_generator_def own = *def;
        own.stream = (uint64_t)e;
        if (!(r->generator[e] = ami_generator_create(&own, r->worker[0].workspace, err)))
            return false;
    }
    return true;
}

/* Creates an environment that starts with its generator's first motion. */
static bool prepare_environment(rollout *r, int e, ami_error *err)
{
    ami_env_def own = r->def->env;
    own.stream = (uint64_t)e;
    if (r->generator)
        ami_generator_use(r->generator[e], &own);
    return ami_env_init(&r->env[e], &own, err);
}

static bool prepare_moments(rollout *r, ami_error *err)
{
    const ami_style_plan *plan = r->generator ? r->def->generator->plan : NULL;
    for (int m = 0; plan && plan->moments > 1 && m < plan->moments && m < AMI_ROLLOUT_MOMENTS; m++) {
        const double step = ceil(plan->moment[m].time / r->control_dt - 1e-6);
        if (step >= r->steps)
            break;
        r->first_step[m] = (int)step;
        r->moments = m + 1;
    }
    r->first_step[r->moments] = r->steps;
    if (r->moments > 0 &&
        !(r->moment_reward = calloc((size_t)r->def->envs * (size_t)r->moments, sizeof *r->moment_reward)))
        return ami_fail(err, "out of memory for %d characters", r->def->envs);
    return true;
}

static bool prepare(rollout *r, ami_error *err)
{
    const ami_rollout_def *def = r->def;
    r->threads = def->threads > 0 ? def->threads : omp_get_max_threads();
    r->share = def->share && def->share->parts > 1 && def->envs >= def->share->parts ? def->share : NULL;
    r->first = r->share ? ami_rollout_first(r->share, def->envs, r->share->part) : 0;
    r->end = r->share ? ami_rollout_first(r->share, def->envs, r->share->part + 1) : def->envs;
    AMI_ASSERT(!def->share || (!def->realtime && def->observation_rows == 0));
    AMI_ASSERT(!def->share || !def->dataset || ami_dataset_episodes(def->dataset) == 1);
    /* In real time a thread steps all its characters from the beginning, so they form one group. */
    const int own = r->end - r->first, even = (own + r->threads - 1) / r->threads;
    r->group = def->realtime ? even : even < GROUP ? even : GROUP;
    r->groups = (own + r->group - 1) / r->group;
    if (def->realtime && even > GROUP)
        return ami_fail(err, "--realtime with %d characters on %d threads, expected at most %d per thread",
                        def->envs, r->threads, GROUP);
    r->env = calloc((size_t)def->envs, sizeof *r->env);
    r->score = calloc((size_t)def->envs, sizeof *r->score);
    r->outcome = calloc((size_t)def->envs, sizeof *r->outcome);
    r->worker = calloc((size_t)r->threads, sizeof *r->worker);
    if (!r->env || !r->score || !r->outcome || !r->worker)
        return ami_fail(err, "out of memory for %d characters", def->envs);
    if (!ami_policy_check(def->policy, &def->env, err))
        return false;
    for (int i = 0; i < r->threads; i++)
        if (!ami_controller_init(&r->worker[i].controller, def->policy, GROUP, err))
            return false;
    if (!prepare_generators(r, err))
        return false;
    for (int e = r->first; e < r->end; e++)
        if (!prepare_environment(r, e, err))
            return false;
    r->control_dt = r->env[r->first].control_dt;
    r->steps = r->env[r->first].steps_max;
    if (!prepare_moments(r, err))
        return false;
    if (def->record && r->first == 0) {
        r->pose = malloc(((size_t)r->steps + 1) * AMI_POSE * sizeof(double));
        if (!r->pose)
            return ami_fail(err, "out of memory for a recording of %d frames", r->steps + 1);
        record_pose(r);
    }
    return true;
}

static bool prepare_observations(rollout *r, ami_error *err)
{
    const ami_rollout_def *def = r->def;
    const int64_t total = (int64_t)def->envs * r->steps;
    if (def->observation_rows < 1 || !def->policy)
        return true;
    r->observation_rows = def->observation_rows < total ? def->observation_rows : (int)total;
    r->observation_inputs = ami_env_obs_size(&r->env[0]);
    r->observation = malloc((size_t)r->observation_rows * (size_t)r->observation_inputs * sizeof(float));
    r->observed = calloc((size_t)r->observation_rows, sizeof *r->observed);
    return (r->observation && r->observed) ||
           ami_fail(err, "out of memory for %d observations", r->observation_rows);
}

/* Those that were reached, to the result. */
static void give_observations(rollout *r, ami_rollout_result *result)
{
    const size_t inputs = (size_t)r->observation_inputs;
    for (int i = 0; i < r->observation_rows; i++)
        if (r->observed[i])
            memmove(r->observation + (size_t)result->observation_rows++ * inputs,
                    r->observation + (size_t)i * inputs, inputs * sizeof(float));
    result->observation_inputs = r->observation_inputs;
    result->observation = r->observation;
    r->observation = NULL;
}

bool ami_rollout_run(const ami_rollout_def *def, ami_rollout_result *result, ami_error *err)
{
    AMI_ASSERT(def && result);
    memset(result, 0, sizeof *result);
    if (def->envs < 1 || def->envs > 65536)
        return ami_fail(err, "%d characters, expected 1 to 65536", def->envs);
    rollout r = {.def = def};
    bool ok = prepare(&r, err) && prepare_observations(&r, err);
    if (def->share)
        ok = def->share->agree(def->share->context, ok, err);
    if (ok)
        run_all(&r);
    ok = ok && collect(&r, err);
    if (ok) {
        summarise(&r, ami_clock_now() - r.started, result);
        give_observations(&r, result);
    }
    for (int e = r.first; r.env && e < r.end; e++)
        ami_env_free(&r.env[e]);
    for (int i = 0; r.worker && i < r.threads; i++) {
        ami_controller_free(&r.worker[i].controller);
        ami_cycle_workspace_destroy(r.worker[i].workspace);
    }
    for (int e = r.first; r.generator && e < r.end; e++)
        ami_generator_destroy(r.generator[e]);
    free(r.generator);
    free(r.env);
    free(r.score);
    free(r.outcome);
    free(r.moment_reward);
    free(r.worker);
    free(r.pose);
    free(r.observation);
    free(r.observed);
    return ok;
}

void ami_rollout_result_free(ami_rollout_result *result)
{
    free(result->pose);
    free(result->observation);
    result->pose = NULL;
    result->observation = NULL;
}
