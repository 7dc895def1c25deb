#include "motion/mirror.h"

#include "base/assert.h"
#include "motion/rotation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ami_mirror_joint(int j)
{
    AMI_ASSERT(j >= 0 && j < AMI_CLIP_JOINTS);
    return j < 2 ? j : j < 7 ? j + 5 : j - 5;
}

static int twin_point(int p)
{
    return p < AMI_POINT_LEFT ? p : p < AMI_POINT_RIGHT ? p + 8 : p - 8;
}

void ami_mirror_pose(double out[AMI_POSE], const double in[AMI_POSE])
{
    double pose[AMI_POSE];
    /* The root is a y-up body in a z-up world: the quarter turn about x between them undone, mirrored as a
     * joint, done again. */
    const double root[7] = {in[0], -in[1], in[2], in[4], in[3], -in[6], -in[5]};
    memcpy(pose, root, sizeof root);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const ami_clip_joint *from = &ami_clip_joints[ami_mirror_joint(j)];
        const double *q = in + from->pose;
        double *p = pose + ami_clip_joints[j].pose;
        p[0] = q[0];
        if (from->ball)
            p[1] = -q[1], p[2] = -q[2], p[3] = q[3];
    }
    memcpy(out, pose, sizeof pose);
}

void ami_mirror_vel(double out[AMI_VEL], const double in[AMI_VEL])
{
    double vel[AMI_VEL];
    const double root[6] = {in[0], -in[1], in[2], -in[3], -in[4], in[5]};
    memcpy(vel, root, sizeof root);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const ami_clip_joint *from = &ami_clip_joints[ami_mirror_joint(j)];
        const double *w = in + from->vel;
        double *v = vel + ami_clip_joints[j].vel;
        if (from->ball)
            v[0] = -w[0], v[1] = -w[1], v[2] = w[2];
        else
            v[0] = w[0];
    }
    memcpy(out, vel, sizeof vel);
}

void ami_mirror_points(ami_points *out, const ami_points *in)
{
    ami_points points = *in;
    for (int p = 0; p < AMI_POINTS; p++) {
        const double *pos = in->pos[twin_point(p)], *vel = in->vel[twin_point(p)];
        points.pos[p][0] = pos[0], points.pos[p][1] = -pos[1], points.pos[p][2] = pos[2];
        points.vel[p][0] = vel[0], points.vel[p][1] = -vel[1], points.vel[p][2] = vel[2];
    }
    points.forward[1] = -in->forward[1];
    points.yaw_rate = -in->yaw_rate;
    *out = points;
}

/* One vector of three for each point, `stride` numbers apart. */
static void mirror_vectors(float *out, const float *in, int stride)
{
    for (int p = 0; p < AMI_POINTS; p++) {
        const float *v = in + stride * twin_point(p);
        float *to = out + stride * p;
        to[0] = v[0], to[1] = -v[1], to[2] = v[2];
    }
}

void ami_mirror_features(float out[AMI_FEATURES], const float in[AMI_FEATURES])
{
    float features[AMI_FEATURES];
    mirror_vectors(features, in, 3);
    features[AMI_FEATURE_FORWARD] = in[AMI_FEATURE_FORWARD];
    features[AMI_FEATURE_LEFT] = -in[AMI_FEATURE_LEFT];
    features[AMI_FEATURE_YAW_RATE] = -in[AMI_FEATURE_YAW_RATE];
    for (int k = 0; k < 4; k++)
        features[AMI_FEATURE_CONTACT + k] = in[AMI_FEATURE_CONTACT + (k + 2) % 4];
    memcpy(out, features, sizeof features);
}

void ami_mirror_phase_features(float out[AMI_PHASE_FEATURES], const float in[AMI_PHASE_FEATURES])
{
    float features[AMI_PHASE_FEATURES];
    mirror_vectors(features, in, 6);
    mirror_vectors(features + 3, in + 3, 6);
    memcpy(out, features, sizeof features);
}

ami_clip *ami_mirror_clip(const ami_clip *clip, ami_error *err)
{
    AMI_ASSERT(clip);
    const int frames = ami_clip_frames(clip);
    const char *name = ami_clip_name(clip);
    const size_t letters = strlen(name) + sizeof "_mirrored";
    double *pose = malloc((size_t)frames * AMI_POSE * sizeof *pose);
    char *text = malloc(letters);
    ami_clip *mirrored = NULL;
    if (!pose || !text) {
        ami_fail(err, "out of memory for a clip of %d frames", frames);
    } else {
        snprintf(text, letters, "%s_mirrored", name);
        for (int f = 0; f < frames; f++)
            ami_mirror_pose(pose + (size_t)f * AMI_POSE, ami_clip_poses(clip) + (size_t)f * AMI_POSE);
        mirrored = ami_clip_create(frames, ami_clip_times(clip), pose, ami_clip_loops(clip), text, err);
        if (mirrored)
            ami_clip_set_loop_known(mirrored, ami_clip_loop_is_known(clip));
    }
    free(text);
    free(pose);
    return mirrored;
}

double ami_mirror_asymmetry(const ami_clip *clip)
{
    AMI_ASSERT(clip);
    enum { MOMENTS = 120 };
    if (!ami_clip_loops(clip))
        return M_PI;
    double sum = 0;
    for (int i = 0; i < MOMENTS; i++) {
        double pose[AMI_POSE], image[AMI_POSE];
        const double t = ami_clip_duration(clip) * i / MOMENTS;
        ami_clip_sample(clip, t + ami_clip_duration(clip) / 2, pose, NULL);
        ami_clip_sample(clip, t, image, NULL);
        ami_mirror_pose(image, image);
        sum += ami_quat_angle(pose + 3, image + 3);
        for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
            const int at = ami_clip_joints[j].pose;
            sum +=
                ami_clip_joints[j].ball ? ami_quat_angle(pose + at, image + at) : fabs(pose[at] - image[at]);
        }
    }
    return sum / (MOMENTS * (1 + AMI_CLIP_JOINTS));
}

bool ami_mirror_is_symmetric(const ami_clip *clip)
{
    AMI_ASSERT(clip);
    return ami_mirror_asymmetry(clip) < .2;
}
