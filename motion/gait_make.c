/* Motions as tables of features: made of clips, which are closed where they loop, and of two others (blends).
 * What repeats in them is found in gait_find.c. */
#include "motion/gait_find.h"

#include "base/assert.h"
#include "motion/kinematics.h"
#include "motion/pose.h"
#include "motion/rotation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLEND_FRAMES = 64 };
static const double shortest = .3; /* s, of a clip */

/* ---- Closing a loop ---- */

/* Turns q by the fraction c of the gap, a rotation vector in the body's frame. */
static void turn_by(double q[4], const double gap[3], double c)
{
    double turn[4];
    ami_quat_exp(turn, (const double[3]){-c * gap[0], -c * gap[1], -c * gap[2]});
    ami_quat_mul(q, q, turn);
}

/* At time t of a loop, with half of the seam's gap taken off on either side, falling quadratically: no step,
 * no kink. */
static void close_pose(double *pose, const double *first, const double *last, double t, double duration)
{
    const double reach = fmin(.25 * duration, .3), from = fmax(0, 1 - t / reach),
                 to = fmax(0, 1 - (duration - t) / reach);
    const double c = .5 * (to * to - from * from);
    double q[4], gap[3];
    pose[2] -= c * (last[2] - first[2]);
    ami_quat_between(q, first + 3, last + 3);
    ami_quat_log(gap, q);
    turn_by(pose + 3, gap, c);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const int at = ami_clip_joints[j].pose;
        if (ami_clip_joints[j].ball) {
            ami_quat_between(q, first + at, last + at);
            ami_quat_log(gap, q);
            turn_by(pose + at, gap, c);
        } else {
            pose[at] -= c * (last[at] - first[at]);
        }
    }
}

static ami_clip *closed(const ami_clip *clip, ami_error *err)
{
    const double duration = ami_clip_duration(clip), *first = ami_clip_poses(clip);
    const double *last = first + (size_t)(ami_clip_frames(clip) - 1) * AMI_POSE;
    const int n = (int)fmin(ceil(duration * AMI_GAIT_RATE), AMI_CLIP_MAX_FRAMES - 1);
    double *time = malloc((size_t)(n + 1) * (1 + AMI_POSE) * sizeof *time);
    if (!time) {
        ami_fail(err, "out of memory for a clip of %d frames", n + 1);
        return NULL;
    }
    double *pose = time + n + 1;
    for (int i = 0; i <= n; i++) {
        double *p = pose + (size_t)i * AMI_POSE;
        time[i] = i == n ? duration : duration * i / n;
        if (i < n)
            ami_clip_sample(clip, time[i], p, NULL);
        else
            memcpy(p, last, AMI_POSE * sizeof *p); /* a loop sampled there is in its next cycle */
        close_pose(p, first, last, time[i], duration);
    }
    ami_clip *result = ami_clip_create(n + 1, time, pose, true, ami_clip_name(clip), err);
    free(time);
    return result;
}

/* ---- Tables ---- */

static bool make_tables(ami_gait *g, const ami_skeleton *skeleton, ami_error *err)
{
    g->duration = ami_clip_duration(g->clip);
    g->frames = (int)ceil(g->duration * AMI_GAIT_RATE - 1e-9) + 1; /* a loop's last one is its first */
    const size_t n = (size_t)g->frames;
    g->feature = malloc(n * AMI_FEATURES * sizeof(float));
    g->phase = malloc(n * AMI_PHASE_FEATURES * sizeof(float));
    g->amplitude = calloc(n, sizeof(float));
    if (!g->feature || !g->phase || !g->amplitude)
        return ami_fail(err, "%s: out of memory for %d frames", g->name, g->frames);
    for (int i = 0; i < g->frames; i++) {
        const double t = g->duration * i / (g->frames - 1);
        ami_features_of_clip(skeleton, g->clip, t, g->feature + (size_t)i * AMI_FEATURES,
                             g->phase + (size_t)i * AMI_PHASE_FEATURES);
    }
    return true;
}

static ami_gait *start(const char *name, ami_clip *clip, ami_error *err)
{
    ami_gait *g = clip ? calloc(1, sizeof *g) : NULL;
    if (!g || !(g->name = strdup(name))) {
        if (clip)
            ami_fail(err, "%s: out of memory", name);
        free(g);
        ami_clip_destroy(clip);
        return NULL;
    }
    g->clip = clip;
    g->loops = ami_clip_loops(clip);
    return g;
}

ami_gait *ami_gait_create(const ami_skeleton *skeleton, const ami_clip *clip, ami_error *err)
{
    AMI_ASSERT(skeleton && clip);
    const int frames = ami_clip_frames(clip);
    if (ami_clip_duration(clip) < shortest) {
        ami_fail(err, "%s: %g s long, expected at least %g s", ami_clip_name(clip), ami_clip_duration(clip),
                 shortest);
        return NULL;
    }
    ami_clip *own = ami_clip_loops(clip) ? closed(clip, err)
                                         : ami_clip_create(frames, ami_clip_times(clip), ami_clip_poses(clip),
                                                           false, ami_clip_name(clip), err);
    ami_gait *g = start(ami_clip_name(clip), own, err);
    if (!g || !make_tables(g, skeleton, err) || !ami_gait_find(g, err)) {
        ami_gait_destroy(g);
        return NULL;
    }
    return g;
}

/* ---- Blending ---- */

/* The pose at a phase of a loop's first cycle, its heading taken off, and what the root moves and turns in a
 * whole cycle at that rate. */
static void pose_at(const ami_gait *g, double phase, double pose[AMI_POSE], double step[3])
{
    float f[AMI_FEATURES];
    double heading[2], back[4];
    const double t = ami_gait_time(g, 0, phase);
    ami_clip_sample(g->clip, t, pose, NULL);
    ami_points_heading(pose + 3, heading);
    ami_quat_axis_angle(back, (const double[3]){0, 0, 1}, -atan2(heading[1], heading[0]));
    ami_quat_mul(pose + 3, back, pose + 3);
    ami_gait_sample(g, t, f, NULL);
    for (int k = 0; k < 3; k++)
        step[k] = (double)f[AMI_FEATURE_FORWARD + k] * (g->strike[1] - g->strike[0]);
}

/* The place on the ground stays. */
static void blend_pose(double *pose, const double *other_pose, double w)
{
    const double x = pose[0], y = pose[1];
    ami_pose_between(pose, other_pose, w, pose);
    pose[0] = x;
    pose[1] = y;
}

ami_gait *ami_gait_blend(const ami_skeleton *skeleton, const ami_gait *a, const ami_gait *b, double weight,
                         const char *name, ami_error *err)
{
    AMI_ASSERT(skeleton && a && b && a->strikes >= 2 && b->strikes >= 2 && weight >= 0 && weight <= 1 &&
               name);
    enum { N = BLEND_FRAMES };
    const double period =
        exp((1 - weight) * log(a->strike[1] - a->strike[0]) + weight * log(b->strike[1] - b->strike[0]));
    double time[N + 1], step[N + 1][3], turned = 0, heading = 0, at[2] = {0, 0};
    double(*pose)[AMI_POSE] = malloc((N + 1) * sizeof *pose);
    if (!pose) {
        ami_fail(err, "%s: out of memory", name);
        return NULL;
    }
    for (int i = 0; i <= N; i++) {
        double far[AMI_POSE], far_step[3];
        time[i] = period * i / N;
        pose_at(a, (double)(i % N) / N, pose[i], step[i]);
        pose_at(b, (double)(i % N) / N, far, far_step);
        blend_pose(pose[i], far, weight);
        for (int k = 0; k < 3; k++)
            step[i][k] += weight * (far_step[k] - step[i][k]);
        turned += i < N ? step[i][2] / N : 0;
    }
    for (int i = 0; i <= N; i++) { /* trapezoids; a cycle ends with the heading it began with */
        double turn[4];
        ami_quat_axis_angle(turn, (const double[3]){0, 0, 1}, heading);
        ami_quat_mul(pose[i] + 3, turn, pose[i] + 3);
        pose[i][0] = at[0], pose[i][1] = at[1];
        if (i == N)
            break;
        const double ahead = .5 * (step[i][0] + step[i + 1][0]) / N,
                     left = .5 * (step[i][1] + step[i + 1][1]) / N;
        const double next = heading + .5 * (step[i][2] + step[i + 1][2] - 2 * turned) / N,
                     mid = .5 * (heading + next);
        at[0] += cos(mid) * ahead - sin(mid) * left;
        at[1] += sin(mid) * ahead + cos(mid) * left;
        heading = next;
    }
    ami_gait *g = start(name, ami_clip_create(N + 1, time, pose[0], true, name, err), err);
    free(pose);
    if (!g || !make_tables(g, skeleton, err) || !ami_gait_room(g, 2, err)) {
        ami_gait_destroy(g);
        return NULL;
    }
    g->strikes = 2;
    g->strike[1] = g->period = period;
    g->whole[0] = g->walks = true;
    for (int i = 0; i < g->frames; i++)
        g->amplitude[i] = 1;
    return g;
}
