#include "sim/mirror.h"

#include "sim/rotation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The body that is where body i is, in the mirror. */
static const int twin[AMB_BODIES] = {
    AMB_ROOT,           AMB_CHEST,       AMB_NECK,        /* their own */
    AMB_LEFT_HIP,       AMB_LEFT_KNEE,   AMB_LEFT_ANKLE,  /* the right leg's */
    AMB_LEFT_SHOULDER,  AMB_LEFT_ELBOW,  AMB_LEFT_WRIST,  /* the right arm's */
    AMB_RIGHT_HIP,      AMB_RIGHT_KNEE,  AMB_RIGHT_ANKLE, /* the left leg's */
    AMB_RIGHT_SHOULDER, AMB_RIGHT_ELBOW, AMB_RIGHT_WRIST,
};

/* Where the twin of clip joint j is in amb_clip_joints: chest, neck, five on the right, five on the left. */
static int twin_joint(int j)
{
    return j < 2 ? j : j < 7 ? j + 5 : j - 5;
}

static int twin_point(int p)
{
    return p < AMB_POINT_LEFT ? p : p < AMB_POINT_RIGHT ? p + 8 : p - 8;
}

void amb_mirror_pose(double out[AMB_POSE], const double in[AMB_POSE])
{
    double pose[AMB_POSE];
    /* The root is a y-up body in a z-up world: the quarter turn about x between them undone, mirrored as a joint, done again. */
    const double root[7] = {in[0], -in[1], in[2], in[4], in[3], -in[6], -in[5]};
    memcpy(pose, root, sizeof root);
    for (int j = 0; j < AMB_CLIP_JOINTS; j++) {
        const amb_clip_joint *from = &amb_clip_joints[twin_joint(j)];
        const double *q = in + from->pose;
        double *p = pose + amb_clip_joints[j].pose;
        p[0] = q[0];
        if (from->ball)
            p[1] = -q[1], p[2] = -q[2], p[3] = q[3];
    }
    memcpy(out, pose, sizeof pose);
}

void amb_mirror_vel(double out[AMB_VEL], const double in[AMB_VEL])
{
    double vel[AMB_VEL];
    const double root[6] = {in[0], -in[1], in[2], -in[3], -in[4], in[5]};
    memcpy(vel, root, sizeof root);
    for (int j = 0; j < AMB_CLIP_JOINTS; j++) {
        const amb_clip_joint *from = &amb_clip_joints[twin_joint(j)];
        const double *w = in + from->vel;
        double *v = vel + amb_clip_joints[j].vel;
        if (from->ball)
            v[0] = -w[0], v[1] = -w[1], v[2] = w[2];
        else
            v[0] = w[0];
    }
    memcpy(out, vel, sizeof vel);
}

void amb_mirror_points(amb_points *out, const amb_points *in)
{
    amb_points points = *in;
    for (int p = 0; p < AMB_POINTS; p++) {
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
    for (int p = 0; p < AMB_POINTS; p++) {
        const float *v = in + stride * twin_point(p);
        float *to = out + stride * p;
        to[0] = v[0], to[1] = -v[1], to[2] = v[2];
    }
}

void amb_mirror_features(float out[AMB_FEATURES], const float in[AMB_FEATURES])
{
    float features[AMB_FEATURES];
    mirror_vectors(features, in, 3);
    features[AMB_FEATURE_FORWARD] = in[AMB_FEATURE_FORWARD];
    features[AMB_FEATURE_LEFT] = -in[AMB_FEATURE_LEFT];
    features[AMB_FEATURE_YAW_RATE] = -in[AMB_FEATURE_YAW_RATE];
    for (int k = 0; k < 4; k++)
        features[AMB_FEATURE_CONTACT + k] = in[AMB_FEATURE_CONTACT + (k + 2) % 4];
    memcpy(out, features, sizeof features);
}

void amb_mirror_phase_features(float out[AMB_PHASE_FEATURES], const float in[AMB_PHASE_FEATURES])
{
    float features[AMB_PHASE_FEATURES];
    mirror_vectors(features, in, 6);
    mirror_vectors(features + 3, in + 3, 6);
    memcpy(out, features, sizeof features);
}

void amb_mirror_obs(float out[AMB_OBS], const float in[AMB_OBS])
{
    float obs[AMB_OBS];
    obs[0] = in[0];
    obs[1] = in[1];
    for (int i = 0; i < AMB_BODIES; i++) {
        const float *place = in + 2 + 7 * twin[i], *speed = in + 107 + 6 * twin[i];
        const float mirrored[13] = {place[0], place[1], -place[2], place[3],  -place[4], -place[5], place[6],
                                    speed[0], speed[1], -speed[2], -speed[3], -speed[4], speed[5]};
        memcpy(obs + 2 + 7 * i, mirrored, 7 * sizeof(float));
        memcpy(obs + 107 + 6 * i, mirrored + 7, 6 * sizeof(float));
    }
    memcpy(out, obs, sizeof obs);
}

void amb_mirror_goal(float out[AMB_GOAL], const float in[AMB_GOAL])
{
    const float root[13] = {in[0], in[1], -in[2], in[3], in[4], -in[5], in[6], -in[7], -in[8], in[9], -in[10], -in[11], in[12]};
    memcpy(out, root, sizeof root);
    amb_mirror_action(out + 13, in + 13); /* joints in the same order; their quaternions mirror as an action's do */
}

void amb_mirror_action(float out[AMB_ACTION], const float in[AMB_ACTION])
{
    float action[AMB_ACTION];
    for (int j = 0; j < AMB_CLIP_JOINTS; j++) {
        const amb_clip_joint *from = &amb_clip_joints[twin_joint(j)];
        const float *a = in + from->pose - 7;
        float *to = action + amb_clip_joints[j].pose - 7;
        to[0] = a[0];
        if (from->ball)
            to[1] = -a[1], to[2] = -a[2], to[3] = a[3];
    }
    memcpy(out, action, sizeof action);
}

amb_clip *amb_mirror_clip(const amb_clip *clip, amb_error *err)
{
    const int frames = amb_clip_frames(clip);
    const char *name = amb_clip_name(clip);
    const size_t letters = strlen(name) + sizeof "_mirrored";
    double *pose = malloc((size_t)frames * AMB_POSE * sizeof *pose);
    char *text = malloc(letters);
    amb_clip *mirrored = NULL;
    if (!pose || !text) {
        amb_fail(err, "out of memory for a clip of %d frames", frames);
    } else {
        snprintf(text, letters, "%s_mirrored", name);
        for (int f = 0; f < frames; f++)
            amb_mirror_pose(pose + (size_t)f * AMB_POSE, amb_clip_poses(clip) + (size_t)f * AMB_POSE);
        mirrored = amb_clip_create(frames, amb_clip_times(clip), pose, amb_clip_loops(clip), text, err);
    }
    free(text);
    free(pose);
    return mirrored;
}

double amb_mirror_asymmetry(const amb_clip *clip)
{
    enum { MOMENTS = 120 };
    if (!amb_clip_loops(clip))
        return M_PI;
    double sum = 0;
    for (int i = 0; i < MOMENTS; i++) {
        double pose[AMB_POSE], image[AMB_POSE];
        const double t = amb_clip_duration(clip) * i / MOMENTS;
        amb_clip_sample(clip, t + amb_clip_duration(clip) / 2, pose, NULL);
        amb_clip_sample(clip, t, image, NULL);
        amb_mirror_pose(image, image);
        sum += amb_quat_angle(pose + 3, image + 3);
        for (int j = 0; j < AMB_CLIP_JOINTS; j++) {
            const int at = amb_clip_joints[j].pose;
            sum += amb_clip_joints[j].ball ? amb_quat_angle(pose + at, image + at) : fabs(pose[at] - image[at]);
        }
    }
    return sum / (MOMENTS * (1 + AMB_CLIP_JOINTS));
}

bool amb_mirror_is_symmetric(const amb_clip *clip)
{
    return amb_mirror_asymmetry(clip) < .2;
}
