/* Collects an iteration's samples: threads step groups of environments. */
#include "learn/train_state.h"

#include <math.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_thread_num(void)
{
    return 0;
}
#endif

enum { STEPS_A_TURN = 4 };

double ami_train_noise(const ami_train *train)
{
    return train->settings.noise +
           (train->settings.noise_end - train->settings.noise) * ami_train_fraction_done(train);
}

double ami_train_fresh_noise(const ami_train *train)
{
    return ami_train_noise(train) * sqrt(1 - train->settings.noise_memory * train->settings.noise_memory);
}

double ami_train_push(const ami_train *train)
{
    const double ramp = train->settings.push_ramp;
    return train->settings.push_speed * (ramp > 0 ? fmin(ami_train_fraction_done(train) / ramp, 1) : 1);
}

double ami_train_teach(const ami_train *train)
{
    return train->settings.teach +
           (train->settings.teach_end - train->settings.teach) * ami_train_fraction_done(train);
}

/* After a fall the style may be repeated: otherwise hard styles would have the fewest samples, because their
 * episodes are short. */
static void start_motion(ami_train *t, int e, ami_cycle_workspace *workspace, bool fell)
{
    const bool again = fell && ami_rng_uniform(&t->run[e].rng) < t->settings.style_again;
    (again ? ami_generator_start_again : ami_generator_start)(t->generator[e], workspace, &t->env[e]);
}

void ami_train_start_episode(ami_train *train, int e, ami_cycle_workspace *workspace, bool fell)
{
    ami_env *env = &train->env[e];
    env->def.push_speed = ami_train_push(train);
    if (train->generator)
        start_motion(train, e, workspace, fell);
    else
        ami_train_draw_clip(train, e);
    env->def.start_phase = ami_train_draw_start(train, e);
    env->def.start_noise = 0;
    if (train->settings.start_noise > 0 && ami_rng_uniform(&train->run[e].rng) < train->settings.start_noisy)
        env->def.start_noise = train->settings.start_noise * ami_train_fraction_done(train);
    ami_env_reset(env);
    train->run[e].episode_return = 0;
    if (train->settings.turn_rate > 0) {
        /* Half of the episodes go straight. */
        const bool straight = ami_rng_uniform(&train->run[e].rng) < .5;
        const double rate =
            ami_rng_range(&train->run[e].rng, -train->settings.turn_rate, train->settings.turn_rate);
        env->reference.turn_rate = straight ? 0 : rate;
    }
}

static unsigned fell_on(const ami_env *env, ami_env_end end)
{
    return end == AMI_ENV_FELL ? env->world.touching & ~env->def.may_touch : 0;
}

static sample_facts facts_of(const ami_train *t, int e, ami_env_end end)
{
    const ami_env *env = &t->env[e];
    return (sample_facts){
        .limited = (float)((double)env->world.limited / (AMI_CLIP_JOINTS * env->def.substeps)),
        .episode_s = (float)(env->step * env->control_dt),
        .normalised_return = (float)(t->run[e].episode_return / env->steps_end),
        .clip = (uint16_t)t->env_clip[e].clip,
        .fell_on = (uint16_t)fell_on(env, end),
        .end = (uint8_t)end,
    };
}

/* Step `step` of environment e with the chosen action; adds to its tally and starts a new episode if this one
 * ends. */
static void step_environment(ami_train *t, int e, int step, const float *chosen, thread_scratch *scratch)
{
    ami_env *env = &t->env[e];
    tally *sum = &t->env_tally[e];
    const int i = e * t->steps + step;
    ami_reward reward;
    float action[AMI_ACTION];
    if (t->clips > 0) {
        const int bins = t->clip[t->env_clip[e].clip].bins;
        t->bin[i] = (unsigned char)fmin(ami_reference_phase(&env->reference) * bins, bins - 1);
    }
    for (int k = 0; k < AMI_ACTION; k++)
        action[k] = chosen[k] * t->action_std[k] + t->action_mean[k];
    const ami_env_end end = ami_env_step(env, action, &reward);

    t->run[e].episode_return += reward.total;
    t->reward[i] = (float)(reward.total * (1 - t->gamma));
    t->last[i] = end != AMI_ENV_GOES_ON;
    sum->reward += reward.total;
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        sum->part[k] += reward.part[k];
    sum->root_m += reward.root_m;
    sum->joint_rad += reward.joint_rad;
    sum->end_effector_m += reward.end_effector_m;
    sum->limited += (double)env->world.limited / (AMI_CLIP_JOINTS * env->def.substeps);
    if (t->facts)
        t->facts[i] = facts_of(t, e, end);

    t->after[i] = end == AMI_ENV_GOES_ON ? AMI_TRAIN_NO_EXTRA : AMI_TRAIN_FAILED;
    if (end == AMI_ENV_TIME_OUT || (end == AMI_ENV_GOES_ON && step == t->steps - 1)) {
        float obs[AMI_OBS_MAX];
        ami_env_observe(env, obs);
        t->after[i] = e * t->extras + t->extras_used[e]++;
        ami_train_fold(t, e, obs);
        ami_train_normalise(t, obs, t->extra + (size_t)t->after[i] * (size_t)t->inputs);
    }
    if (end != AMI_ENV_GOES_ON) {
        sum->episodes += 1;
        sum->episode_s += env->step * env->control_dt;
        sum->normalised_return += t->run[e].episode_return / env->steps_end;
        sum->survived += end == AMI_ENV_TIME_OUT;
        sum->unstable += end == AMI_ENV_UNSTABLE;
        sum->fell += end == AMI_ENV_FELL;
        sum->lost += end == AMI_ENV_LOST;
        for (int b = 0; b < AMI_BODIES; b++)
            sum->fell_on[b] += (fell_on(env, end) & 1u << b) != 0;
        ami_train_start_episode(t, e, scratch->cycle, end != AMI_ENV_TIME_OUT);
    }
}

/* Autoregressive noise: n ← m n + √(1 - m²) σ z, with standard deviation σ at every step. A joint under PD
 * control hardly follows white noise at 30 Hz, which then costs reward and explores little (coloured noise:
 * Eberhard et al. 2023). The body executes mean + n. PPO uses mean + the new part of n as the action: given
 * the past, it is Gaussian with standard deviation √(1 - m²) σ. */
static void explore(const ami_train *t, runner *run, const float *mean, float *learned, float *chosen)
{
    const float memory = (float)t->settings.noise_memory, fresh = (float)ami_train_fresh_noise(t);
    for (int a = 0; a < AMI_ACTION; a++) {
        const float z = fresh * (float)ami_rng_normal(&run->rng);
        run->noise[a] = memory * run->noise[a] + z;
        learned[a] = mean[a] + z;
        chosen[a] = mean[a] + run->noise[a];
    }
}

/* The teacher of environment e's clip or style; NULL: none, and not soon after a change of style, because a
 * teacher of one style was not trained in states that come from another. */
static const ami_policy *teacher_of(const ami_train *t, int e)
{
    if (t->clips > 0)
        return ami_teachers_of_clip(t->teachers, t->env_clip[e].clip);
    const ami_generator *g = t->generator[e];
    const bool settled = ami_generator_followed_s(g, &t->env[e]) >= t->settings.teach_after_s;
    return settled ? ami_teachers_of(t->teachers, ami_generator_latent(g)) : NULL;
}

/* Runs environment e's teacher, if it has one, for sample i, whose observation is not yet mirrored. */
static void run_teacher(ami_train *t, int e, size_t i, thread_scratch *scratch)
{
    const ami_policy *teacher = teacher_of(t, e);
    t->has_teacher[i] = teacher != NULL;
    if (!teacher)
        return;
    float *teacher_action = t->teacher_action + i * AMI_ACTION;
    ami_policy_run(teacher, scratch->teacher_workspace, t->obs + i * (size_t)t->inputs, 1, teacher_action);
    for (int k = 0; k < AMI_ACTION; k++)
        teacher_action[k] = (teacher_action[k] - t->action_mean[k]) / t->action_std[k];
}

/* Environment e's observation for sample i: t->obs, t->x, and what its teacher does. Returns whether the networks
 * see the mirror image. */
static bool observe(ami_train *t, int e, size_t i, thread_scratch *scratch)
{
    float *obs = t->obs + i * (size_t)t->inputs, own[AMI_OBS_MAX];
    ami_env_observe(&t->env[e], obs);
    if (t->teacher_action)
        run_teacher(t, e, i, scratch);
    memcpy(own, obs, (size_t)t->inputs * sizeof(float));
    const bool flipped = ami_train_fold(t, e, own);
    if (t->env_clip[e].mirrored) /* the mirror image is the observation */
        memcpy(obs, own, (size_t)t->inputs * sizeof(float));
    if (t->folded)
        t->folded[i] = flipped && !t->env_clip[e].mirrored;
    if (flipped && t->teacher_action && t->has_teacher[i])
        ami_train_mirror_action(t, t->teacher_action + i * AMI_ACTION, t->teacher_action + i * AMI_ACTION);
    ami_train_normalise(t, own, t->x + i * (size_t)t->inputs);
    return flipped;
}

/* turn_steps steps of the group's environments. */
static void collect_turn(ami_train *t, const group *g, int turn_steps, thread_scratch *scratch)
{
    bool flipped[AMI_TRAIN_GROUP];
    const size_t inputs = (size_t)t->inputs;
    const int first = g->first, count = g->count;
    float x[AMI_TRAIN_GROUP * AMI_OBS_MAX], mean[AMI_TRAIN_GROUP * AMI_ACTION];
    for (int step = g->step; step < g->step + turn_steps; step++) {
        for (int k = 0; k < count; k++) {
            const size_t i = (size_t)(first + k) * (size_t)t->steps + (size_t)step;
            if (t->generator)
                ami_generator_step(t->generator[first + k], scratch->cycle, &t->env[first + k]);
            flipped[k] = observe(t, first + k, i, scratch);
            memcpy(x + (size_t)k * inputs, t->x + i * inputs, inputs * sizeof(float));
        }
        ami_model_run(t->actor, scratch->workspace, x, count, mean);
        for (int k = 0; k < count; k++) {
            const size_t i = (size_t)(first + k) * (size_t)t->steps + (size_t)step;
            memcpy(t->mean + i * AMI_ACTION, mean + k * AMI_ACTION, AMI_ACTION * sizeof(float));
            float chosen[AMI_ACTION];
            float *noise = t->run[first + k].noise;
            if (flipped[k])
                ami_train_mirror_action(t, noise, noise);
            explore(t, &t->run[first + k], mean + k * AMI_ACTION, t->action + i * AMI_ACTION, chosen);
            if (flipped[k]) {
                ami_train_mirror_action(t, noise, noise);
                ami_train_mirror_action(t, chosen, chosen);
            }
            step_environment(t, first + k, step, chosen, scratch);
        }
    }
}

/* Divides the environments into groups, smaller ones if there would be fewer groups than threads. A row's
 * result does not depend on its group (nets/model.h). Returns their number. */
static int make_groups(ami_train *t)
{
    const int even = (t->envs + t->threads - 1) / t->threads,
              size = even < AMI_TRAIN_GROUP ? even : AMI_TRAIN_GROUP;
    int groups = 0;
    for (int first = 0; first < t->envs; first += size)
        t->group[groups++] =
            (group){.first = first, .count = t->envs - first < size ? t->envs - first : size};
    for (int e = 0; e < t->envs; e++) {
        t->env[e].def.push_speed = ami_train_push(t);
        t->env_tally[e] = (tally){0};
        t->extras_used[e] = 0;
    }
    return groups;
}

/* Takes the free group with the fewest steps; NULL: none. */
static group *take_group(ami_train *t, int groups)
{
    group *best = NULL;
#pragma omp critical(ami_train_groups)
    {
        for (int i = 0; i < groups; i++) {
            group *g = &t->group[i];
            if (!g->taken && g->step < t->steps && (!best || g->step < best->step))
                best = g;
        }
        if (best)
            best->taken = true;
    }
    return best;
}

static void put_back(group *g, int steps_done)
{
#pragma omp critical(ami_train_groups)
    {
        g->step += steps_done;
        g->taken = false;
    }
}

/* Threads take groups for turns of a few steps, so that all groups finish at about the same time. If a
 * thread's core is given to another program, it delays only a few steps; the other threads do the rest. */
void ami_train_collect(ami_train *train)
{
    const int groups = make_groups(train);
#pragma omp parallel num_threads(train->threads)
    for (group *g; (g = take_group(train, groups)) != NULL;) {
        const int left = train->steps - g->step, turn_steps = left < STEPS_A_TURN ? left : STEPS_A_TURN;
        collect_turn(train, g, turn_steps, &train->scratch[omp_get_thread_num()]);
        put_back(g, turn_steps);
    }
}
