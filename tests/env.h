/* What the tests of environments share: clips made on the spot, and definitions in which nothing but a test's
 * point happens. */
#ifndef AMB_TESTS_ENV_H
#define AMB_TESTS_ENV_H

#include "tests/body.h"

#include "sim/env.h"

static amb_character *character;
static amb_clip *standing, *waving;

/* Every frame a body at this height; waving: arms, knees and chest move, 1 s a cycle, and the root goes ahead
 * at .5 m/s. */
static inline amb_clip *body_clip(double height, bool moving)
{
    enum { FRAMES = 31 };
    static double time[FRAMES], pose[FRAMES * AMB_POSE];
    for (int f = 0; f < FRAMES; f++) {
        double *p = pose + f * AMB_POSE;
        time[f] = (double)f / (FRAMES - 1);
        pose_at_rest(p, height);
        if (!moving)
            continue;
        const double wave = sin(2 * M_PI * time[f]);
        p[0] = .5 * time[f];
        turn_about(p + pose_at[AMB_CHEST], 1, 0, 0, .2 * wave);
        turn_about(p + pose_at[AMB_LEFT_SHOULDER], 0, 0, 1, .6 * wave);
        turn_about(p + pose_at[AMB_RIGHT_HIP], 0, .6, .8, .3 * wave);
        p[pose_at[AMB_RIGHT_KNEE]] = -.4 - .3 * wave;
        p[pose_at[AMB_LEFT_ELBOW]] = .5 + .4 * wave;
    }
    return make_clip(FRAMES, time, pose, true);
}

static inline int set_up(void **unused)
{
    (void)unused;
    character = load_character(120);
    standing = body_clip(.881416, false);
    waving = body_clip(.881416, true);
    return 0;
}

static inline int tear_down(void **unused)
{
    (void)unused;
    amb_clip_destroy(standing);
    amb_clip_destroy(waving);
    amb_character_destroy(character);
    return 0;
}

static inline amb_env make_env(const amb_env_def *def)
{
    amb_env env;
    amb_error err = {""};
    if (!amb_env_init(&env, def, &err))
        fail_msg("%s", err.text);
    return env;
}

static const unsigned all_bodies = (1u << AMB_BODIES) - 1;
static const float zero[AMB_ACTION];

/* A definition in which nothing but the test's point happens: starts at the beginning, any body may touch the
 * floor. */
static inline amb_env_def plain_def(const amb_clip *clip)
{
    amb_env_def def = amb_env_default_def(character, clip);
    def.start_phase = 0;
    def.may_touch = all_bodies;
    return def;
}

/* A target's joints against the clip at a time, all rotations as matrices. */
static inline void assert_joints_of_clip(const double target[AMB_POSE], const amb_clip *clip, double time,
                                         int but)
{
    double want[AMB_POSE], a[3][3], b[3][3];
    amb_clip_sample(clip, time, want, NULL);
    for (int i = 1; i < AMB_BODIES; i++) {
        if (i == but)
            continue;
        if (is_hinge(i)) {
            assert_near(target[pose_at[i]], want[pose_at[i]], 1e-7, amb_body_name[i], 0);
        } else if (is_ball(i)) {
            matrix_of(a, target + pose_at[i]);
            matrix_of(b, want + pose_at[i]);
            assert_all_near(&a[0][0], &b[0][0], 9, 1e-7, amb_body_name[i]);
        }
    }
}

#endif
