#include "sim/reward.h"

#include "sim/rotation.h"

#include <math.h>

const char *const amb_reward_name[AMB_REWARD_PARTS] = {"pose", "velocity", "end_effectors", "root", "com"};
const double amb_reward_weight[AMB_REWARD_PARTS] = {.5, .05, .15, .2, .1};

static const int end_effector[4] = {AMB_RIGHT_WRIST, AMB_LEFT_WRIST, AMB_RIGHT_ANKLE, AMB_LEFT_ANKLE};

static double distance2(const double *a, const double *b)
{
    double sum = 0;
    for (int k = 0; k < 3; k++)
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum;
}

/* Where a body's joint is as seen from the root, in the root's heading frame. */
static void from_root(const amb_state *state, double heading, int body, double out[3])
{
    const double *p = state->joint[body], *root = state->joint[AMB_ROOT];
    const double x = p[0] - root[0], y = p[1] - root[1], c = cos(heading), s = sin(heading);
    out[0] = c * x + s * y;
    out[1] = -s * x + c * y;
    out[2] = p[2] - root[2];
}

void amb_reward_compute(const amb_character *character, const amb_state *body, const amb_state *reference, amb_reward *reward)
{
    double pose = 0, velocity = 0, joints = 0, angles = 0, root_angle = 0, root_spin = 0;
    for (int i = 0; i < AMB_BODIES; i++) {
        const amb_joint *joint = &character->joint[i];
        const double *p = body->pose + joint->pose, *q = reference->pose + joint->pose;
        const double *v = body->vel + joint->vel, *u = reference->vel + joint->vel;
        double angle, spin;
        if (i == AMB_ROOT) {
            angle = root_angle = amb_quat_angle(p, q);
            spin = root_spin = distance2(body->ang[i], reference->ang[i]);
        } else if (joint->width == 4) {
            angle = amb_quat_angle(p, q);
            spin = distance2(v, u);
        } else if (joint->width == 1) {
            angle = fabs(p[0] - q[0]);
            spin = (v[0] - u[0]) * (v[0] - u[0]);
        } else {
            continue;
        }
        pose += joint->weight * angle * angle;
        velocity += joint->weight * spin;
        if (i != AMB_ROOT) {
            angles += angle;
            joints += 1;
        }
    }

    double ends = 0, ends_m = 0;
    const double heading = amb_quat_heading(body->rot[AMB_ROOT]), reference_heading = amb_quat_heading(reference->rot[AMB_ROOT]);
    for (int e = 0; e < 4; e++) {
        double mine[3], wanted[3];
        from_root(body, heading, end_effector[e], mine);
        from_root(reference, reference_heading, end_effector[e], wanted);
        const double d2 = distance2(mine, wanted);
        ends += d2;
        ends_m += sqrt(d2) / 4;
    }

    const double root2 = distance2(body->pose, reference->pose);
    const double root = root2 + .1 * root_angle * root_angle + .01 * distance2(body->vel, reference->vel) + .001 * root_spin;
    reward->part[AMB_REWARD_POSE] = exp(-2 * pose);
    reward->part[AMB_REWARD_VELOCITY] = exp(-.1 * velocity);
    reward->part[AMB_REWARD_END_EFFECTORS] = exp(-10 * ends);
    reward->part[AMB_REWARD_ROOT] = exp(-5 * root);
    reward->part[AMB_REWARD_CENTRE_OF_MASS] = exp(-10 * .1 * distance2(body->com_vel, reference->com_vel));
    reward->total = 0;
    for (int k = 0; k < AMB_REWARD_PARTS; k++)
        reward->total += amb_reward_weight[k] * reward->part[k];
    reward->root_m = sqrt(root2);
    reward->joint_rad = angles / joints;
    reward->end_effector_m = ends_m;
}
