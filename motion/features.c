#include "motion/features.h"

#include "base/assert.h"
#include "motion/kinematics.h"

#include <math.h>

/* 1 up to the first threshold, 0 from the second. */
static double falling_ramp(double x, const double threshold[2])
{
    const double u = (threshold[1] - x) / (threshold[1] - threshold[0]);
    return u < 0 ? 0 : u > 1 ? 1 : u;
}

_Static_assert(AMI_POINTS == 22, "points of the body");
_Static_assert(AMI_FEATURES == 3 * AMI_POINTS + 2 + 1 + 4, "positions, root velocity, yaw rate, contacts");
_Static_assert(AMI_PHASE_FEATURES == 6 * AMI_POINTS, "positions and velocities");
_Static_assert((int)AMI_FEATURE_FORWARD == 3 * AMI_POINTS && AMI_FEATURE_LEFT == AMI_FEATURE_FORWARD + 1 &&
                   AMI_FEATURE_YAW_RATE == AMI_FEATURE_LEFT + 1 &&
                   AMI_FEATURE_CONTACT == AMI_FEATURE_YAW_RATE + 1 && AMI_FEATURES == AMI_FEATURE_CONTACT + 4,
               "one behind the other");

double ami_contact(double height, const double vel[3])
{
    AMI_ASSERT(vel);
    const double speed = sqrt(vel[0] * vel[0] + vel[1] * vel[1] + vel[2] * vel[2]);
    return falling_ramp(height, AMI_CONTACT_HEIGHT) * falling_ramp(speed, AMI_CONTACT_SPEED);
}

/* A world vector along the frame's axes. */
static inline void put_vector(float *out, const double forward[2], double x, double y, double z)
{
    out[0] = (float)(forward[0] * x + forward[1] * y);
    out[1] = (float)(forward[0] * y - forward[1] * x);
    out[2] = (float)z;
}

static inline void put_position(float *out, const ami_points *points, int p)
{
    const double *at = points->pos[p], *root = points->pos[AMI_POINT_ROOT];
    put_vector(out, points->forward, at[0] - root[0], at[1] - root[1], at[2]);
}

void ami_features(const ami_points *points, float features[AMI_FEATURES])
{
    AMI_ASSERT(points && features);
    for (int p = 0; p < AMI_POINTS; p++)
        put_position(features + 3 * p, points, p);
    float speed[3];
    const double *v = points->vel[AMI_POINT_ROOT];
    put_vector(speed, points->forward, v[0], v[1], v[2]);
    features[AMI_FEATURE_FORWARD] = speed[0];
    features[AMI_FEATURE_LEFT] = speed[1];
    features[AMI_FEATURE_YAW_RATE] = (float)points->yaw_rate;
    for (int k = 0; k < 4; k++)
        features[AMI_FEATURE_CONTACT + k] =
            (float)ami_contact(points->pos[ami_sole_point[k]][2], points->vel[ami_sole_point[k]]);
}

void ami_phase_features(const ami_points *points, float features[AMI_PHASE_FEATURES])
{
    AMI_ASSERT(points && features);
    for (int p = 0; p < AMI_POINTS; p++) {
        const double *v = points->vel[p];
        put_position(features + 6 * p, points, p);
        put_vector(features + 6 * p + 3, points->forward, v[0], v[1], v[2]);
    }
}

void ami_features_of_clip(const ami_skeleton *skeleton, const ami_clip *clip, double t,
                          float features[AMI_FEATURES], float phase_features[AMI_PHASE_FEATURES])
{
    AMI_ASSERT(skeleton && clip && isfinite(t));
    double pose[AMI_POSE], vel[AMI_VEL];
    ami_state state;
    ami_points points;
    ami_clip_sample(clip, t, pose, vel);
    ami_fk_state(skeleton, pose, vel, &state);
    ami_points_of_state(skeleton, &state, &points);
    if (features)
        ami_features(&points, features);
    if (phase_features)
        ami_phase_features(&points, phase_features);
}

double ami_features_distance(const float a[AMI_FEATURES], const float b[AMI_FEATURES])
{
    AMI_ASSERT(a && b);
    float sum = 0;
    for (int p = 0; p < 3 * AMI_POINTS; p += 3) {
        const float d[3] = {a[p] - b[p], a[p + 1] - b[p + 1], a[p + 2] - b[p + 2]};
        sum += sqrtf(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
    }
    return (double)sum / AMI_POINTS;
}
