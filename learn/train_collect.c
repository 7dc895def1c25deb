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

/* Without a second chance after a fall the styles that are hard would be seen least: their episodes are
 * short. */
static void start_motion(ami_train *t, int e, ami_cycle_workspace *room, bool fell)
{
    const bool again = fell && ami_rng_uniform(&t->run[e].rng) < t->settings.style_again;
    (again ? ami_generator_start_again : ami_generator_start)(t->generator[e], room, &t->env[e]);
}

void ami_train_start_episode(ami_train *train, int e, ami_cycle_workspace *room, bool fell)
{
    ami_env *env = &train->env[e];
    env->def.push_speed = ami_train_push(train);
    if (train->generator)
        start_motion(train, e, room, fell);
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

/* Step `step` of environment e with the action that was chosen: act, count, and start anew where the episode
 * ended. */
static void step_environment(ami_train *t, int e, int step, const float *chosen, thread_room *room)
{
    ami_env *env = &t->env[e];
    tally *share = &t->share[e];
    const int i = e * t->steps + step;
    ami_reward reward;
    float action[AMI_ACTION];
    if (t->bins > 0)
        t->bin[i] = (unsigned char)fmin(ami_reference_phase(&env->reference) * t->bins, t->bins - 1);
    for (int k = 0; k < AMI_ACTION; k++)
        action[k] = chosen[k] * t->action_std[k] + t->action_mean[k];
    const ami_env_end end = ami_env_step(env, action, &reward);

    t->run[e].episode_return += reward.total;
    t->reward[i] = (float)(reward.total * (1 - t->settings.gamma));
    t->last[i] = end != AMI_ENV_GOES_ON;
    share->reward += reward.total;
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        share->part[k] += reward.part[k];
    share->root_m += reward.root_m;
    share->joint_rad += reward.joint_rad;
    share->end_effector_m += reward.end_effector_m;
    share->limited += (double)env->world.limited / (AMI_CLIP_JOINTS * env->def.substeps);

    t->after[i] = end == AMI_ENV_GOES_ON ? AMI_TRAIN_NO_EXTRA : AMI_TRAIN_FAILED;
    if (end == AMI_ENV_TIME_OUT || (end == AMI_ENV_GOES_ON && step == t->steps - 1)) {
        float obs[AMI_OBS_MAX];
        ami_env_observe(env, obs);
        t->after[i] = e * t->extras + t->extras_used[e]++;
        ami_train_fold(t, obs);
        ami_train_normalise(t, obs, t->extra + (size_t)t->after[i] * (size_t)t->inputs);
    }
    if (end != AMI_ENV_GOES_ON) {
        share->episodes += 1;
        share->episode_s += env->step * env->control_dt;
        share->normalised_return += t->run[e].episode_return / env->steps_end;
        share->survived += end == AMI_ENV_TIME_OUT;
        share->unstable += end == AMI_ENV_UNSTABLE;
        share->fell += end == AMI_ENV_FELL;
        share->lost += end == AMI_ENV_LOST;
        for (int b = 0; b < AMI_BODIES; b++)
            share->fell_on[b] +=
                end == AMI_ENV_FELL && (env->world.touching & ~env->def.may_touch & 1u << b) != 0;
        ami_train_start_episode(t, e, room->cycle, end != AMI_ENV_TIME_OUT);
    }
}

/* Noise with memory: n ← m n + √(1 - m²) σ z, of standard deviation σ at every moment. A joint under PD
 * control hardly follows white noise at 30 Hz, which then costs reward and teaches little (Eberhard et al.
 * 2023 on coloured noise). What the body does is mean + n. What PPO learns from is mean + the new part of n:
 * given the past, an ordinary Gaussian of deviation √(1 - m²) σ. */
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

/* What the teacher of the style that environment e follows would do in sample i, if there is one. Who follows
 * one style has never seen a body that comes from another: there it says nothing. */
static void ask_teacher(ami_train *t, int e, size_t i, thread_room *room)
{
    const ami_generator *g = t->generator[e];
    const bool settled = ami_generator_followed_s(g, &t->env[e]) >= t->settings.teach_after_s;
    const ami_policy *teacher = settled ? ami_teachers_of(t->styles.teachers, ami_generator_latent(g)) : NULL;
    t->has_teacher[i] = teacher != NULL;
    if (!teacher)
        return;
    float *taught = t->taught + i * AMI_ACTION;
    ami_model_run(teacher->actor, room->teacher_workspace, t->obs + i * (size_t)t->inputs, 1, taught);
    for (int k = 0; k < AMI_ACTION; k++)
        taught[k] = (taught[k] - t->action_mean[k]) / t->action_std[k];
}

/* Up to STEPS_A_TURN steps of the group's environments. */
static void collect_turn(ami_train *t, const group *g, int turn_steps, thread_room *room)
{
    bool flipped[AMI_TRAIN_GROUP];
    const size_t inputs = (size_t)t->inputs;
    const int first = g->first, count = g->count;
    float x[AMI_TRAIN_GROUP * AMI_OBS_MAX], mean[AMI_TRAIN_GROUP * AMI_ACTION];
    for (int step = g->step; step < g->step + turn_steps; step++) {
        for (int k = 0; k < count; k++) {
            const size_t i = (size_t)(first + k) * (size_t)t->steps + (size_t)step;
            if (t->generator)
                ami_generator_step(t->generator[first + k], room->cycle, &t->env[first + k]);
            ami_env_observe(&t->env[first + k], t->obs + i * inputs);
            float own[AMI_OBS_MAX];
            memcpy(own, t->obs + i * inputs, inputs * sizeof(float));
            flipped[k] = ami_train_fold(t, own);
            ami_train_normalise(t, own, x + (size_t)k * inputs);
            memcpy(t->x + i * inputs, x + (size_t)k * inputs, inputs * sizeof(float));
            if (t->taught)
                ask_teacher(t, first + k, i, room);
        }
        ami_model_run(t->actor, room->workspace, x, count, mean);
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
            step_environment(t, first + k, step, chosen, room);
        }
    }
}

/* Cuts the environments into groups: smaller ones where there are more threads than groups. A row's result
 * does not depend on its group (nets/model.h). Returns how many there are. */
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
        t->share[e] = (tally){0};
        t->extras_used[e] = 0;
    }
    return groups;
}

/* The group that has come least far among those that no thread has in hand, which it then is; NULL: none. */
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

/* Threads take groups in turns of a few steps, so that all groups come to their end together, and what a
 * thread has in hand when its core is given to another program is little: the other threads do the rest. */
void ami_train_collect(ami_train *train)
{
    const int groups = make_groups(train);
#pragma omp parallel num_threads(train->threads)
    for (group *g; (g = take_group(train, groups)) != NULL;) {
        const int left = train->steps - g->step, turn_steps = left < STEPS_A_TURN ? left : STEPS_A_TURN;
        collect_turn(train, g, turn_steps, &train->room[omp_get_thread_num()]);
        put_back(g, turn_steps);
    }
}
