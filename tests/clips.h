/* For tests of clips and rotations: comparing numbers, the layout of a pose, random rotations. */
#ifndef AMI_TESTS_CLIPS_H
#define AMI_TESTS_CLIPS_H

#include "base/rng.h"
#include "motion/clip.h"
#include "motion/rotation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 64 };

static inline void assert_near(double got, double want, double tolerance, const char *what, int index)
{
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("%s[%d] is %.17g, expected %.17g, off by %.3g (allowed %.3g)", what, index, got, want,
                 fabs(got - want), tolerance);
    }
}

static inline void assert_all_near(const double *got, const double *want, int n, double tolerance,
                                   const char *what)
{
    for (int i = 0; i < n; i++) {
        assert_near(got[i], want[i], tolerance, what, i);
    }
}

/* The first quaternion of each: root, then the balls. */
static inline int quat_at(int k)
{
    static const int at[9] = {3, 7, 11, 15, 20, 24, 29, 34, 38};
    return at[k];
}

static inline int quat_vel_at(int k)
{
    static const int at[9] = {3, 6, 9, 12, 16, 19, 23, 27, 30};
    return at[k];
}

static const int hinge_at[4] = {19, 28, 33, 42}, hinge_vel_at[4] = {15, 22, 26, 33};

static inline void pose_at_rest(double pose[AMI_POSE])
{
    memset(pose, 0, AMI_POSE * sizeof *pose);
    pose[2] = 0.9;
    for (int k = 0; k < 9; k++) {
        pose[quat_at(k)] = 1.0;
    }
    memcpy(pose + 3, AMI_QUAT_Y_UP, 4 * sizeof *pose);
}

static inline void random_vector(ami_rng *rng, double out[3], double length)
{
    for (int i = 0; i < 3; i++) {
        out[i] = ami_rng_normal(rng);
    }
    const double scale = length / sqrt(out[0] * out[0] + out[1] * out[1] + out[2] * out[2]);
    for (int i = 0; i < 3; i++) {
        out[i] *= scale;
    }
}

static inline void random_quat(ami_rng *rng, double out[4])
{
    for (int i = 0; i < 4; i++) {
        out[i] = ami_rng_normal(rng);
    }
    ami_quat_normalize(out);
}

static inline ami_clip *create(int frames, const double *time, const double *pose, bool loop)
{
    ami_error err = {""};
    ami_clip *clip = ami_clip_create(frames, time, pose, loop, "test", &err);
    if (!clip) {
        fail_msg("%s", err.text);
    }
    return clip;
}

#endif
