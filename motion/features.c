#include "motion/features.h"

#include "motion/kinematics.h"

#include <math.h>

/* 1 up to the first threshold, 0 from the second. */
static double falling_ramp(double x, const double threshold[2])
{
    const double u = (threshold[1] - x) / (threshold[1] - threshold[0]);
    return u < 0 ? 0 : u > 1 ? 1 : u;
}

double amb_contact(double height, const double vel[3])
{
    const double speed = sqrt(vel[0] * vel[0] + vel[1] * vel[1] + vel[2] * vel[2]);
    return falling_ramp(height, AMB_CONTACT_HEIGHT) * falling_ramp(speed, AMB_CONTACT_SPEED);
}

/* A world vector along the frame's axes. */
static inline void put_vector(float *out, const double forward[2], double x, double y, double z)
{
    out[0] = (float)(forward[0] * x + forward[1] * y);
    out[1] = (float)(forward[0] * y - forward[1] * x);
    out[2] = (float)z;
}

static inline void put_position(float *out, const amb_points *points, int p)
{
    const double *at = points->pos[p], *root = points->pos[AMB_POINT_ROOT];
    put_vector(out, points->forward, at[0] - root[0], at[1] - root[1], at[2]);
}

void amb_features(const amb_points *points, float features[AMB_FEATURES])
{
    for (int p = 0; p < AMB_POINTS; p++)
        put_position(features + 3 * p, points, p);
    float speed[3];
    const double *v = points->vel[AMB_POINT_ROOT];
    put_vector(speed, points->forward, v[0], v[1], v[2]);
    features[AMB_FEATURE_FORWARD] = speed[0];
    features[AMB_FEATURE_LEFT] = speed[1];
    features[AMB_FEATURE_YAW_RATE] = (float)points->yaw_rate;
    static const int sole[4] = {AMB_POINT_LEFT + AMB_POINT_HEEL, AMB_POINT_LEFT + AMB_POINT_TOE,
                                AMB_POINT_RIGHT + AMB_POINT_HEEL, AMB_POINT_RIGHT + AMB_POINT_TOE};
    for (int k = 0; k < 4; k++)
        features[AMB_FEATURE_CONTACT + k] = (float)amb_contact(points->pos[sole[k]][2], points->vel[sole[k]]);
}

void amb_phase_features(const amb_points *points, float features[AMB_PHASE_FEATURES])
{
    for (int p = 0; p < AMB_POINTS; p++) {
        const double *v = points->vel[p];
        put_position(features + 6 * p, points, p);
        put_vector(features + 6 * p + 3, points->forward, v[0], v[1], v[2]);
    }
}

void amb_features_of_clip(const amb_skeleton *skeleton, const amb_clip *clip, double t,
                          float features[AMB_FEATURES], float phase_features[AMB_PHASE_FEATURES])
{
    double pose[AMB_POSE], vel[AMB_VEL];
    amb_state state;
    amb_points points;
    amb_clip_sample(clip, t, pose, vel);
    amb_fk_state(skeleton, pose, vel, &state);
    amb_points_of_state(skeleton, &state, &points);
    if (features)
        amb_features(&points, features);
    if (phase_features)
        amb_phase_features(&points, phase_features);
}
