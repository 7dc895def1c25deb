#include "sim/env.h"

#include "base/clock.h"
#include "motion/rotation.h"

#include <limits.h>
#include <math.h>
#include <string.h>

amb_env_def amb_env_default_def(const amb_character *character, const amb_clip *clip)
{
    return (amb_env_def){
        .character = character,
        .clip = clip,
        .substeps = 4,
        .look_ahead = .06,
        .action_mode = AMB_ACTION_RESIDUAL,
        .episode_s = 20,
        .may_touch = 1u << AMB_RIGHT_ANKLE | 1u << AMB_LEFT_ANKLE,
        .hold_s = {-1, -1},
        .start_phase = -1,
        .rate = 1,
        .push_period = 2,
    };
}

void amb_action_scale(amb_action_mode mode, float *mean, float *std)
{
    /* Angles' deviations by joint, from the bounds in DeepMimic's character files; axes have mean (0, 0, .2)
     * and deviation 1. */
    static const struct {
        int body; /* for the reader: the order is that of amb_clip_joints */
        float mean, std;
    } absolute[] = {
        {AMB_CHEST, 0, 4.8f},
        {AMB_NECK, 0, 4},
        {AMB_RIGHT_HIP, 0, 8.28f},
        {AMB_RIGHT_KNEE, -1.57f, 6.28f},
        {AMB_RIGHT_ANKLE, 0, 6.28f},
        {AMB_RIGHT_SHOULDER, 0, 12.56f},
        {AMB_RIGHT_ELBOW, 1.57f, 6.28f},
        {AMB_LEFT_HIP, 0, 8.28f},
        {AMB_LEFT_KNEE, -1.57f, 6.28f},
        {AMB_LEFT_ANKLE, 0, 6.28f},
        {AMB_LEFT_SHOULDER, 0, 9.28f},
        {AMB_LEFT_ELBOW, 1.57f, 6.28f},
    };
    for (int k = 0; k < AMB_ACTION; k++) {
        mean[k] = 0;
        std[k] = 1;
    }
    if (mode == AMB_ACTION_RESIDUAL)
        return;
    for (int j = 0; j < AMB_CLIP_JOINTS; j++) {
        const int k = amb_clip_joints[j].pose - 7;
        mean[k] = absolute[j].mean;
        std[k] = absolute[j].std;
        if (amb_clip_joints[j].ball)
            mean[k + 3] = .2f;
    }
}

static bool check_def(const amb_env_def *def, amb_error *err)
{
    if (def->substeps < 1 || def->substeps > 1000)
        return amb_fail(err, "%d physics steps in a control step, expected 1 to 1000", def->substeps);
    if (!(def->episode_s > 0 && def->episode_s <= 1e6))
        return amb_fail(err, "episode of %g s, expected more than 0 and at most 1000000", def->episode_s);
    if (!(def->look_ahead >= 0 && def->look_ahead <= 1))
        return amb_fail(err, "look-ahead of %g s, expected 0 to 1", def->look_ahead);
    if (!(def->push_speed >= 0 && def->push_speed <= 100))
        return amb_fail(err, "push of %g m/s, expected 0 to 100", def->push_speed);
    if (def->push_speed > 0 && !(def->push_period >= .01))
        return amb_fail(err, "push every %g s, expected 0.01 or more", def->push_period);
    if (!(def->max_root_m >= 0))
        return amb_fail(err, "root distance limit %g m, expected 0 (none) or more", def->max_root_m);
    if (!(def->max_height_m >= 0))
        return amb_fail(err, "root height limit %g m, expected 0 (none) or more", def->max_height_m);
    if (!(def->max_tilt >= 0 && def->max_tilt <= 2))
        return amb_fail(err, "tilt limit %g, expected 0 (none) to 2", def->max_tilt);
    if (!(def->max_body_m >= 0))
        return amb_fail(err, "body distance limit %g m, expected 0 (none) or more", def->max_body_m);
    if (!(def->hold_s[0] <= def->hold_s[1] && def->hold_s[1] <= 1e6))
        return amb_fail(err, "last pose held for %g to %g s, expected the smaller first and at most 1000000",
                        def->hold_s[0], def->hold_s[1]);
    if (!(def->start_noise >= 0 && def->start_noise <= 10))
        return amb_fail(err, "starts off the reference by %g, expected 0 to 10", def->start_noise);
    if (!(def->start_phase < 1))
        return amb_fail(err, "start phase %g, expected less than 1", def->start_phase);
    if (isinf(def->start_heading))
        return amb_fail(err, "start heading %g rad, expected a finite one, or NaN for a random one",
                        def->start_heading);
    if (!isfinite(def->start_at[0]) || !isfinite(def->start_at[1]))
        return amb_fail(err, "start at (%g, %g) m, expected finite numbers", def->start_at[0],
                        def->start_at[1]);
    if (!(def->rate >= .01 && def->rate <= 100))
        return amb_fail(err, "the motion at %g times its speed, expected 0.01 to 100", def->rate);
    if (!isfinite(def->turn_rate) || fabs(def->turn_rate) > 100)
        return amb_fail(err, "turn rate %g rad/s, expected -100 to 100", def->turn_rate);
    return true;
}

bool amb_env_init(amb_env *env, const amb_env_def *def, amb_error *err)
{
    memset(env, 0, sizeof *env);
    if (!check_def(def, err) || !amb_world_init(&env->world, def->character, err))
        return false;
    env->def = *def;
    env->rng = amb_rng_seed(def->seed, def->stream);
    env->control_dt = def->substeps * def->character->timestep;
    env->steps_max = (int)fmin(ceil(def->episode_s / env->control_dt - 1e-9), INT_MAX);
    amb_env_reset(env);
    return true;
}

void amb_env_free(amb_env *env)
{
    amb_world_free(&env->world);
}

static void update_reference_state(amb_env *env)
{
    double pose[AMB_POSE], vel[AMB_VEL];
    amb_reference_sample(&env->reference, 0, pose, vel);
    amb_fk_state(&env->def.character->skeleton, pose, vel, &env->reference_state);
}

/* Turns q by a rotation vector of normally distributed components in its own frame. */
static void shake_rotation(amb_rng *rng, double deviation, double q[4])
{
    double turn[3], by[4];
    for (int k = 0; k < 3; k++)
        turn[k] = deviation * amb_rng_normal(rng);
    amb_quat_exp(by, turn);
    const double before[4] = {q[0], q[1], q[2], q[3]};
    amb_quat_mul(q, before, by);
}

/* A start beside the reference: so that coming back to it is learned. */
static void shake_start(amb_env *env, double pose[AMB_POSE], double vel[AMB_VEL])
{
    const double noise = env->def.start_noise, joint = .1 * noise, place = .05 * noise, spin = .5 * noise,
                 speed = .3 * noise;
    for (int k = 0; k < 3; k++)
        pose[k] += place * amb_rng_normal(&env->rng);
    shake_rotation(&env->rng, joint, pose + 3);
    for (int i = 0; i < AMB_CLIP_JOINTS; i++) {
        double *q = pose + amb_clip_joints[i].pose;
        if (amb_clip_joints[i].ball)
            shake_rotation(&env->rng, joint, q);
        else
            q[0] += joint * amb_rng_normal(&env->rng);
    }
    for (int k = 0; k < AMB_VEL; k++)
        vel[k] += (k < 3 ? speed : spin) * amb_rng_normal(&env->rng);
}

static int steps_until_end(amb_env *env, double start_s)
{
    const amb_env_def *def = &env->def;
    if (def->hold_s[1] < 0 || amb_clip_loops(def->clip))
        return env->steps_max;
    const double hold = amb_rng_range(&env->rng, fmax(def->hold_s[0], 0), def->hold_s[1]);
    const double steps =
        ceil((fmax(amb_clip_duration(def->clip) - start_s, 0) / def->rate + hold) / env->control_dt - 1e-9);
    return (int)fmax(fmin(steps, env->steps_max), 1);
}

void amb_env_reset(amb_env *env)
{
    const amb_env_def *def = &env->def;
    const double start = def->start_phase >= 0 ? def->start_phase : amb_rng_uniform(&env->rng);
    const double heading =
        isnan(def->start_heading) ? amb_rng_range(&env->rng, -M_PI, M_PI) : def->start_heading;
    amb_reference_start(&env->reference, def->clip, start * amb_clip_duration(def->clip), heading,
                        def->start_at);
    env->reference.turn_rate = def->turn_rate;
    env->reference.rate = def->rate;
    env->step = 0;
    env->next_push = def->push_random ? amb_rng_range(&env->rng, 0, def->push_period) : def->push_period;
    env->steps_end = steps_until_end(env, start * amb_clip_duration(def->clip));
    update_reference_state(env);

    double pose[AMB_POSE], vel[AMB_VEL];
    memcpy(pose, env->reference_state.pose, sizeof pose);
    memcpy(vel, env->reference_state.vel, sizeof vel);
    if (def->start_noise > 0)
        shake_start(env, pose, vel);
    amb_world_set(&env->world, pose, vel);
    const double lowest = amb_world_lowest(&env->world);
    if (lowest < 0)
        amb_world_move(&env->world, (const double[3]){0, 0, -lowest});
    amb_world_state(&env->world, &env->state);
}

int amb_env_obs_size(const amb_env *env)
{
    return env->def.goal ? AMB_OBS_MAX : AMB_OBS;
}

void amb_env_observe(const amb_env *env, float *obs)
{
    const amb_reference *reference = &env->reference;
    amb_observe(&env->state, amb_reference_phase(reference), reference->heading, obs);
    if (!env->def.goal)
        return;
    /* Anew: reference_state is older than what steered the reference since the last step. */
    double pose[AMB_POSE], vel[AMB_VEL], target[AMB_POSE];
    amb_state wanted;
    amb_reference_sample(reference, 0, pose, vel);
    amb_fk_state(&env->def.character->skeleton, pose, vel, &wanted);
    amb_reference_sample(reference, env->control_dt + env->def.look_ahead, target, NULL);
    amb_observe_goal(&env->state, &wanted, reference->heading, target, obs + AMB_OBS);
}

void amb_env_target(const amb_env *env, const float action[AMB_ACTION], double target[AMB_POSE])
{
    amb_reference_sample(&env->reference, env->control_dt + env->def.look_ahead, target, NULL);
    for (int i = 1; i < AMB_BODIES; i++) {
        const amb_joint *joint = &env->def.character->joint[i];
        double *goal = target + joint->pose;
        const float *a = action + joint->pose - 7;
        if (env->def.action_mode == AMB_ACTION_RESIDUAL) {
            if (joint->width == 1) {
                goal[0] += 2 * (double)a[0];
            } else if (joint->width == 4) {
                const double reference[4] = {goal[0], goal[1], goal[2], goal[3]};
                double turn[4] = {1 + (double)a[0], a[1], a[2], a[3]};
                amb_quat_normalize(turn);
                amb_quat_mul(goal, reference, turn);
            }
        } else {
            if (joint->width == 1) {
                goal[0] = a[0];
            } else if (joint->width == 4) {
                const double length = sqrt((double)a[1] * a[1] + (double)a[2] * a[2] + (double)a[3] * a[3]);
                const bool given = length > 1e-6;
                const double axis[3] = {given ? a[1] / length : 0, given ? a[2] / length : 0,
                                        given ? a[3] / length : 1};
                amb_quat_axis_angle(goal, axis, a[0]);
            }
        }
    }
}

static void push_if_due(amb_env *env)
{
    const amb_env_def *def = &env->def;
    if (def->push_speed <= 0 || env->step * env->control_dt < env->next_push - 1e-9)
        return;
    const double angle = amb_rng_range(&env->rng, -M_PI, M_PI);
    const double speed = def->push_random ? amb_rng_range(&env->rng, 0, def->push_speed) : def->push_speed;
    amb_world_push(&env->world, (const double[3]){speed * cos(angle), speed * sin(angle), 0});
    env->next_push += def->push_period;
}

amb_env_end amb_env_step(amb_env *env, const float action[AMB_ACTION], amb_reward *reward)
{
    double target[AMB_POSE];
    amb_env_target(env, action, target);
    return amb_env_step_target(env, target, reward);
}

static bool exceeds(double value, double limit)
{
    return limit > 0 && value > limit;
}

/* The body no longer follows its reference. */
static bool is_lost(const amb_env *env, const amb_reward *reward)
{
    const amb_env_def *def = &env->def;
    return exceeds(reward->root_m, def->max_root_m) || exceeds(reward->height_m, def->max_height_m) ||
           exceeds(reward->tilt, def->max_tilt) || exceeds(reward->body_m, def->max_body_m);
}

amb_env_end amb_env_step_target(amb_env *env, const double target[AMB_POSE], amb_reward *reward)
{
    push_if_due(env);
    const double begun = amb_clock_now();
    amb_world_step(&env->world, target, env->def.substeps);
    env->physics_s += amb_clock_now() - begun;
    env->step++;
    if (env->world.unstable) {
        memset(reward, 0, sizeof *reward);
        return AMB_ENV_UNSTABLE;
    }
    amb_world_state(&env->world, &env->state);
    amb_reference_advance(&env->reference, env->control_dt, env->state.pose);
    update_reference_state(env);
    amb_reward_compute(env->def.character, &env->state, &env->reference_state, reward);
    if (env->world.touching & ~env->def.may_touch) {
        reward->total = 0;
        return AMB_ENV_FELL;
    }
    if (is_lost(env, reward)) {
        reward->total = 0;
        return AMB_ENV_LOST;
    }
    return env->step >= env->steps_end ? AMB_ENV_TIME_OUT : AMB_ENV_GOES_ON;
}

/* What a running environment is made of beside its definition. */
typedef struct saved_env {
    double time, heading, place[2], turn_rate, rate;
    amb_reference_fade fade;
    amb_rng rng;
    int64_t step, steps_end;
    double next_push;
} saved_env;

size_t amb_env_save_size(const amb_env *env)
{
    return sizeof(saved_env) + (size_t)env->def.character->state_size * sizeof(double);
}

void amb_env_save(const amb_env *env, void *data)
{
    const amb_reference *r = &env->reference;
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
    amb_world_save(&env->world, (double *)((char *)data + sizeof saved));
}

void amb_env_load(amb_env *env, const void *data)
{
    saved_env saved;
    memcpy(&saved, data, sizeof saved);
    env->reference = (amb_reference){
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
    amb_world_load(&env->world, (const double *)((const char *)data + sizeof saved));
    amb_world_state(&env->world, &env->state);
    update_reference_state(env);
}
