/* For tests of environments: synthetic clips, and definitions that isolate the tested property. */
#ifndef AMI_TESTS_ENV_H
#define AMI_TESTS_ENV_H

#include "tests/body.h"

#include "sim/env.h"

static ami_character *character;
static ami_clip *standing, *waving;

/* Every frame a body at this height; waving: arms, knees and chest move, 1 s a cycle, and the root goes ahead
 * at .5 m/s. */
static inline ami_clip *body_clip(double height, bool moving)
{
    enum { FRAMES = 31 };
    static double time[FRAMES], pose[FRAMES * AMI_POSE];
    for (int f = 0; f < FRAMES; f++) {
        double *p = pose + f * AMI_POSE;
        time[f] = (double)f / (FRAMES - 1);
        pose_at_rest(p, height);
        if (!moving)
            continue;
        const double wave = sin(2 * M_PI * time[f]);
        p[0] = .5 * time[f];
        turn_about(p + pose_at[AMI_CHEST], 1, 0, 0, .2 * wave);
        turn_about(p + pose_at[AMI_LEFT_SHOULDER], 0, 0, 1, .6 * wave);
        turn_about(p + pose_at[AMI_RIGHT_HIP], 0, .6, .8, .3 * wave);
        p[pose_at[AMI_RIGHT_KNEE]] = -.4 - .3 * wave;
        p[pose_at[AMI_LEFT_ELBOW]] = .5 + .4 * wave;
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
    ami_clip_destroy(standing);
    ami_clip_destroy(waving);
    ami_character_destroy(character);
    return 0;
}

static inline ami_env make_env(const ami_env_def *def)
{
    ami_env env;
    ami_error err = {""};
    if (!ami_env_init(&env, def, &err))
        fail_msg("%s", err.text);
    return env;
}

static const unsigned all_bodies = (1u << AMI_BODIES) - 1;
static const float zero[AMI_ACTION];

/* A definition in which nothing but the test's point happens: starts at the beginning, any body may touch the
 * floor. */
static inline ami_env_def plain_def(const ami_clip *clip)
{
    ami_env_def def = ami_env_default_def(character, clip);
    def.start_phase = 0;
    def.may_touch = all_bodies;
    return def;
}

/* A target's joints against the clip at a time, all rotations as matrices. */
static inline void assert_joints_of_clip(const double target[AMI_POSE], const ami_clip *clip, double time,
                                         int but)
{
    double want[AMI_POSE], a[3][3], b[3][3];
    ami_clip_sample(clip, time, want, NULL);
    for (int i = 1; i < AMI_BODIES; i++) {
        if (i == but)
            continue;
        if (is_hinge(i)) {
            assert_near(target[pose_at[i]], want[pose_at[i]], 1e-7, ami_body_name[i], 0);
        } else if (is_ball(i)) {
            matrix_of(a, target + pose_at[i]);
            matrix_of(b, want + pose_at[i]);
            assert_all_near(&a[0][0], &b[0][0], 9, 1e-7, ami_body_name[i]);
        }
    }
}

#endif
