/* Episodes: start, PD targets from actions, step, end, saved state. */
#include "sim/env.h"

#include "base/assert.h"
#include "base/clock.h"
#include "motion/rotation.h"

#include <limits.h>
#include <math.h>
#include <string.h>

ami_env_def ami_env_default_def(const ami_character *character, const ami_clip *clip)
{
    return (ami_env_def){
        .character = character,
        .clip = clip,
        .substeps = 4,
        .look_ahead = .06,
        .action_mode = AMI_ACTION_RESIDUAL,
        .episode_s = 20,
        .may_touch = 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE,
        .hold_s = {-1, -1},
        .start_phase = -1,
        .rate = 1,
        .push_period = 2,
    };
}

void ami_action_scale(ami_action_mode mode, float *mean, float *std)
{
    /* By joint, from the bounds in DeepMimic's character files: mean and std of the angle. Axes have mean
     * (0, 0, .2) and std 1. */
    static const struct {
        int body; /* documentation only: the table is in the order of ami_clip_joints */
        float mean, std;
    } absolute[] = {
        {AMI_CHEST, 0, 4.8f},
        {AMI_NECK, 0, 4},
        {AMI_RIGHT_HIP, 0, 8.28f},
        {AMI_RIGHT_KNEE, -1.57f, 6.28f},
        {AMI_RIGHT_ANKLE, 0, 6.28f},
        {AMI_RIGHT_SHOULDER, 0, 12.56f},
        {AMI_RIGHT_ELBOW, 1.57f, 6.28f},
        {AMI_LEFT_HIP, 0, 8.28f},
        {AMI_LEFT_KNEE, -1.57f, 6.28f},
        {AMI_LEFT_ANKLE, 0, 6.28f},
        {AMI_LEFT_SHOULDER, 0, 9.28f},
        {AMI_LEFT_ELBOW, 1.57f, 6.28f},
    };
    for (int k = 0; k < AMI_ACTION; k++) {
        mean[k] = 0;
        std[k] = 1;
    }
    if (mode == AMI_ACTION_RESIDUAL)
        return;
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const int k = ami_clip_joints[j].pose - 7;
        mean[k] = absolute[j].mean;
        std[k] = absolute[j].std;
        if (ami_clip_joints[j].ball)
            mean[k + 3] = .2f;
    }
}

static bool check_def(const ami_env_def *def, ami_error *err)
{
    if (def->substeps < 1 || def->substeps > 1000)
        return ami_fail(err, "%d physics steps in a control step, expected 1 to 1000", def->substeps);
    if (!(def->episode_s > 0 && def->episode_s <= 1e6))
        return ami_fail(err, "episode of %g s, expected more than 0 and at most 1000000", def->episode_s);
    if (!(def->look_ahead >= 0 && def->look_ahead <= 1))
        return ami_fail(err, "look-ahead of %g s, expected 0 to 1", def->look_ahead);
    if (!(def->push_speed >= 0 && def->push_speed <= 100))
        return ami_fail(err, "push of %g m/s, expected 0 to 100", def->push_speed);
    if (def->push_speed > 0 && !(def->push_period >= .01))
        return ami_fail(err, "push every %g s, expected 0.01 or more", def->push_period);
    if (!(def->force_s >= 0 && isfinite(def->force_s)))
        return ami_fail(err, "force for %g s, expected 0 (none) or more", def->force_s);
    if (def->force_s > 0 && !(isfinite(def->force[0]) && isfinite(def->force[1]) && def->force_at >= 0))
        return ami_fail(err, "force of (%g, %g) N from %g s on, expected finite numbers and 0 s or later",
                        def->force[0], def->force[1], def->force_at);
    if (!(def->max_root_m >= 0))
        return ami_fail(err, "root distance limit %g m, expected 0 (none) or more", def->max_root_m);
    if (!(def->max_height_m >= 0))
        return ami_fail(err, "root height limit %g m, expected 0 (none) or more", def->max_height_m);
    if (!(def->max_tilt >= 0 && def->max_tilt <= 2))
        return ami_fail(err, "tilt limit %g, expected 0 (none) to 2", def->max_tilt);
    if (!(def->max_body_m >= 0))
        return ami_fail(err, "body distance limit %g m, expected 0 (none) or more", def->max_body_m);
    if (!(def->hold_s[0] <= def->hold_s[1] && def->hold_s[1] <= 1e6))
        return ami_fail(err, "last pose held for %g to %g s, expected the smaller first and at most 1000000",
                        def->hold_s[0], def->hold_s[1]);
    if (!(def->start_noise >= 0 && def->start_noise <= 10))
        return ami_fail(err, "start noise %g, expected 0 to 10", def->start_noise);
    if (!(def->start_phase < 1))
        return ami_fail(err, "start phase %g, expected less than 1", def->start_phase);
    if (isinf(def->start_heading))
        return ami_fail(err, "start heading %g rad, expected a finite number, or NaN for a random one",
                        def->start_heading);
    if (!isfinite(def->start_at[0]) || !isfinite(def->start_at[1]))
        return ami_fail(err, "start at (%g, %g) m, expected finite numbers", def->start_at[0],
                        def->start_at[1]);
    if (!(def->rate >= .01 && def->rate <= 100))
        return ami_fail(err, "motion rate %g, expected 0.01 to 100", def->rate);
    if (!isfinite(def->turn_rate) || fabs(def->turn_rate) > 100)
        return ami_fail(err, "turn rate %g rad/s, expected -100 to 100", def->turn_rate);
    return ami_variation_check(&def->vary, err);
}

bool ami_env_init(ami_env *env, const ami_env_def *def, ami_error *err)
{
    AMI_ASSERT(env && def);
    memset(env, 0, sizeof *env);
    if (!check_def(def, err) || !ami_world_init(&env->world, def->character, err))
        return false;
    if (ami_variation_of_model(&def->vary) && !ami_world_own_model(&env->world, err)) {
        ami_env_free(env);
        return false;
    }
    env->def = *def;
    env->rng = ami_rng_seed(def->seed, def->stream);
    env->control_dt = def->substeps * def->character->timestep;
    env->steps_max = (int)fmin(ceil(def->episode_s / env->control_dt - 1e-9), INT_MAX);
    ami_env_reset(env);
    return true;
}

void ami_env_free(ami_env *env)
{
    ami_world_free(&env->world);
}

static void update_reference_state(ami_env *env)
{
    double pose[AMI_POSE], vel[AMI_VEL];
    ami_reference_sample(&env->reference, 0, pose, vel);
    ami_fk_state(&env->def.character->skeleton, pose, vel, &env->reference_state);
}

/* Adds start_noise, so that a policy learns to return to the reference. */
static void perturb_start(ami_env *env, double pose[AMI_POSE], double vel[AMI_VEL])
{
    const double noise = env->def.start_noise, joint = .1 * noise, place = .05 * noise, spin = .5 * noise,
                 speed = .3 * noise;
    for (int k = 0; k < 3; k++)
        pose[k] += place * ami_rng_normal(&env->rng);
    ami_perturb_rotation(&env->rng, joint, pose + 3);
    for (int i = 0; i < AMI_CLIP_JOINTS; i++) {
        double *q = pose + ami_clip_joints[i].pose;
        if (ami_clip_joints[i].ball)
            ami_perturb_rotation(&env->rng, joint, q);
        else
            q[0] += joint * ami_rng_normal(&env->rng);
    }
    for (int k = 0; k < AMI_VEL; k++)
        vel[k] += (k < 3 ? speed : spin) * ami_rng_normal(&env->rng);
}

static int steps_until_end(ami_env *env, double start_s)
{
    const ami_env_def *def = &env->def;
    if (def->hold_s[1] < 0 || ami_clip_loops(def->clip))
        return env->steps_max;
    const double hold = ami_rng_range(&env->rng, fmax(def->hold_s[0], 0), def->hold_s[1]);
    const double steps =
        ceil((fmax(ami_clip_duration(def->clip) - start_s, 0) / def->rate + hold) / env->control_dt - 1e-9);
    return (int)fmax(fmin(steps, env->steps_max), 1);
}

void ami_env_reset(ami_env *env)
{
    AMI_ASSERT(env && env->world.data);
    const ami_env_def *def = &env->def;
    const double start = def->start_phase >= 0 ? def->start_phase : ami_rng_uniform(&env->rng);
    const double heading =
        isnan(def->start_heading) ? ami_rng_range(&env->rng, -M_PI, M_PI) : def->start_heading;
    ami_reference_start(&env->reference, def->clip, start * ami_clip_duration(def->clip), heading,
                        def->start_at);
    env->reference.turn_rate = def->turn_rate;
    env->reference.rate = def->rate;
    env->step = 0;
    env->next_push = def->push_random ? ami_rng_range(&env->rng, 0, def->push_period) : def->push_period;
    env->steps_end = steps_until_end(env, start * ami_clip_duration(def->clip));
    update_reference_state(env);

    double pose[AMI_POSE], vel[AMI_VEL];
    memcpy(pose, env->reference_state.pose, sizeof pose);
    memcpy(vel, env->reference_state.vel, sizeof vel);
    if (def->start_noise > 0)
        perturb_start(env, pose, vel);
    ami_variation_draw(&def->vary, &env->rng, &env->variation, &env->world);
    ami_variation_start(&env->variation, pose);
    ami_world_set(&env->world, pose, vel);
    const double lowest = ami_world_lowest(&env->world);
    if (lowest < 0)
        ami_world_move(&env->world, (const double[3]){0, 0, -lowest});
    ami_world_state(&env->world, &env->state);
}

int ami_env_obs_size(const ami_env *env)
{
    AMI_ASSERT(env);
    return env->def.goal ? AMI_OBS_MAX : AMI_OBS;
}

void ami_env_observe(const ami_env *env, float *obs)
{
    AMI_ASSERT(env && env->world.data && obs);
    const ami_reference *reference = &env->reference;
    const ami_state *state = &env->state;
    ami_state noisy;
    if (env->def.vary.observation_noise > 0) {
        ami_variation_observe(&env->def.vary, &env->variation, env->step, env->def.character, state, &noisy);
        state = &noisy;
    }
    ami_observe(state, ami_reference_phase(reference), reference->heading, obs);
    if (!env->def.goal)
        return;
    /* Sampled again: the reference may have been steered since reference_state was computed. */
    double pose[AMI_POSE], vel[AMI_VEL], target[AMI_POSE];
    ami_state reference_now;
    ami_reference_sample(reference, 0, pose, vel);
    ami_fk_state(&env->def.character->skeleton, pose, vel, &reference_now);
    ami_reference_sample(reference, env->control_dt + env->def.look_ahead, target, NULL);
    ami_observe_goal(state, &reference_now, reference->heading, target, obs + AMI_OBS);
}

void ami_env_target(const ami_env *env, const float action[AMI_ACTION], double target[AMI_POSE])
{
    AMI_ASSERT(env && action && target);
    ami_reference_sample(&env->reference, env->control_dt + env->def.look_ahead, target, NULL);
    for (int i = 1; i < AMI_BODIES; i++) {
        const ami_joint *joint = &env->def.character->joint[i];
        double *goal = target + joint->pose;
        const float *a = action + joint->pose - 7;
        if (env->def.action_mode == AMI_ACTION_RESIDUAL) {
            if (joint->width == 1) {
                goal[0] += 2 * (double)a[0];
            } else if (joint->width == 4) {
                const double reference[4] = {goal[0], goal[1], goal[2], goal[3]};
                double turn[4] = {1 + (double)a[0], a[1], a[2], a[3]};
                ami_quat_normalize(turn);
                ami_quat_mul(goal, reference, turn);
            }
        } else {
            if (joint->width == 1) {
                goal[0] = a[0];
            } else if (joint->width == 4) {
                const double length = sqrt((double)a[1] * a[1] + (double)a[2] * a[2] + (double)a[3] * a[3]);
                const bool given = length > 1e-6;
                const double axis[3] = {given ? a[1] / length : 0, given ? a[2] / length : 0,
                                        given ? a[3] / length : 1};
                ami_quat_axis_angle(goal, axis, a[0]);
            }
        }
    }
}

static void push_if_due(ami_env *env)
{
    const ami_env_def *def = &env->def;
    if (def->push_speed <= 0 || env->step * env->control_dt < env->next_push - 1e-9)
        return;
    const double angle = ami_rng_range(&env->rng, -M_PI, M_PI);
    const double speed = def->push_random ? ami_rng_range(&env->rng, 0, def->push_speed) : def->push_speed;
    ami_world_push(&env->world, (const double[3]){speed * cos(angle), speed * sin(angle), 0});
    env->next_push += def->push_period;
}

/* Sets the force of `def` when it begins, and takes it away when it ends. */
static void apply_force(ami_env *env)
{
    const ami_env_def *def = &env->def;
    if (def->force_s <= 0)
        return;
    const double t = env->step * env->control_dt, c = cos(env->reference.heading),
                 s = sin(env->reference.heading);
    const bool acts = t > def->force_at - 1e-9 && t < def->force_at + def->force_s - 1e-9;
    ami_world_force(&env->world, acts ? (const double[3]){c * def->force[0] - s * def->force[1],
                                                          s * def->force[0] + c * def->force[1], 0}
                                      : (const double[3]){0, 0, 0});
}

ami_env_end ami_env_step(ami_env *env, const float action[AMI_ACTION], ami_reward *reward)
{
    AMI_ASSERT(env && env->world.data && action && reward);
    double target[AMI_POSE];
    ami_env_target(env, action, target);
    return ami_env_step_target(env, target, reward);
}

static bool exceeds(double value, double limit)
{
    return limit > 0 && value > limit;
}

/* The body no longer follows its reference. */
static bool is_lost(const ami_env *env, const ami_reward *reward)
{
    const ami_env_def *def = &env->def;
    return exceeds(reward->root_m, def->max_root_m) || exceeds(reward->height_m, def->max_height_m) ||
           exceeds(reward->tilt, def->max_tilt) || exceeds(reward->body_m, def->max_body_m);
}

ami_env_end ami_env_step_target(ami_env *env, const double target[AMI_POSE], ami_reward *reward)
{
    AMI_ASSERT(env && env->world.data && target && reward);
    push_if_due(env);
    apply_force(env);
    double late[AMI_POSE];
    memcpy(late, target, sizeof late);
    ami_variation_delay(&env->variation, env->step, late);
    const double begun = ami_clock_now();
    ami_world_step(&env->world, late, env->def.substeps);
    env->physics_s += ami_clock_now() - begun;
    env->step++;
    if (env->world.unstable) {
        memset(reward, 0, sizeof *reward);
        return AMI_ENV_UNSTABLE;
    }
    ami_world_state(&env->world, &env->state);
    ami_reference_advance(&env->reference, env->control_dt, env->state.pose);
    update_reference_state(env);
    ami_reward_compute(env->def.character, &env->state, &env->reference_state, reward);
    if (env->world.touching & ~env->def.may_touch) {
        reward->total = 0;
        return AMI_ENV_FELL;
    }
    if (is_lost(env, reward)) {
        reward->total = 0;
        return AMI_ENV_LOST;
    }
    return env->step >= env->steps_end ? AMI_ENV_TIME_OUT : AMI_ENV_GOES_ON;
}

/* The state of an environment, without its definition and its world. */
typedef struct saved_env {
    double time, heading, place[2], turn_rate, rate;
    ami_reference_fade fade;
    ami_rng rng;
    int64_t step, steps_end;
    double next_push;
} saved_env;

/* Bytes of the numbers of this episode, which stand before the state; none if nothing varies. */
static size_t variation_size(const ami_env *env)
{
    return ami_variation_any(&env->def.vary) ? sizeof(ami_variation) : 0;
}

size_t ami_env_save_size(const ami_env *env)
{
    return sizeof(saved_env) + variation_size(env) + (size_t)env->def.character->state_size * sizeof(double);
}

void ami_env_save(const ami_env *env, void *data)
{
    AMI_ASSERT(env && env->world.data && data);
    const ami_reference *r = &env->reference;
    const saved_env saved = {
        .time = r->time,
        .heading = r->heading,
        .place = {r->place[0], r->place[1]},
        .turn_rate = r->turn_rate,
        .rate = r->rate,
        .fade = r->fade,
        .rng = env->rng,
        .step = env->step,
        .steps_end = env->steps_end,
        .next_push = env->next_push,
    };
    memcpy(data, &saved, sizeof saved);
    memcpy((char *)data + sizeof saved, &env->variation, variation_size(env));
    ami_world_save(&env->world, (double *)((char *)data + sizeof saved + variation_size(env)));
}

void ami_env_load(ami_env *env, const void *data)
{
    AMI_ASSERT(env && env->world.data && data);
    saved_env saved;
    memcpy(&saved, data, sizeof saved);
    env->reference = (ami_reference){
        .clip = env->def.clip,
        .time = saved.time,
        .heading = saved.heading,
        .place = {saved.place[0], saved.place[1]},
        .turn_rate = saved.turn_rate,
        .rate = saved.rate,
        .fade = saved.fade,
    };
    env->rng = saved.rng;
    env->step = (int)saved.step;
    env->steps_end = (int)saved.steps_end;
    env->next_push = saved.next_push;
    memcpy(&env->variation, (const char *)data + sizeof saved, variation_size(env));
    if (variation_size(env))
        ami_variation_apply(&env->variation, &env->world);
    ami_world_load(&env->world, (const double *)((const char *)data + sizeof saved + variation_size(env)));
    ami_world_state(&env->world, &env->state);
    update_reference_state(env);
}
