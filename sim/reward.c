/* Computes the imitation reward. */
#include "sim/reward.h"

#include "base/assert.h"
#include "motion/rotation.h"

#include <math.h>

const char *const ami_reward_name[AMI_REWARD_PARTS] = {"pose", "velocity", "end_effectors", "root", "com"};
const double ami_reward_weight[AMI_REWARD_PARTS] = {.5, .05, .15, .2, .1};

static const int end_effector[4] = {AMI_RIGHT_WRIST, AMI_LEFT_WRIST, AMI_RIGHT_ANKLE, AMI_LEFT_ANKLE};

static double distance2(const double *a, const double *b)
{
    double sum = 0;
    for (int k = 0; k < 3; k++)
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum;
}

/* A root's ground position, and cosine and sine of its heading. */
typedef struct frame {
    double x, y, c, s;
} frame;

static frame frame_of(const ami_state *state)
{
    const double *root = state->joint[AMI_ROOT], heading = ami_quat_heading(state->rot[AMI_ROOT]);
    return (frame){root[0], root[1], cos(heading), sin(heading)};
}

/* Squared distance between the positions of a body's joint in two states, each in its own root's frame. */
static double distance2_in_frames(const ami_state *a, const frame *in_a, const ami_state *b,
                                  const frame *in_b, int body)
{
    const double *p = a->joint[body], *q = b->joint[body];
    const double px = p[0] - in_a->x, py = p[1] - in_a->y, qx = q[0] - in_b->x, qy = q[1] - in_b->y;
    const double dx = in_a->c * px + in_a->s * py - (in_b->c * qx + in_b->s * qy);
    const double dy = in_a->c * py - in_a->s * px - (in_b->c * qy - in_b->s * qx);
    const double dz = p[2] - q[2];
    return dx * dx + dy * dy + dz * dz;
}

/* Cosine of the angle between the root's up axis (y at rest, along the spine) and the vertical. */
static double up(const ami_state *state)
{
    const double *q = state->rot[AMI_ROOT];
    return 2 * (q[2] * q[3] + q[0] * q[1]);
}

void ami_reward_compute(const ami_character *character, const ami_state *body, const ami_state *reference,
                        ami_reward *reward)
{
    AMI_ASSERT(character && body && reference && reward);
    double pose = 0, velocity = 0, joints = 0, angles = 0, root_angle = 0, root_spin = 0;
    for (int i = 0; i < AMI_BODIES; i++) {
        const ami_joint *joint = &character->joint[i];
        const double *p = body->pose + joint->pose, *q = reference->pose + joint->pose;
        const double *v = body->vel + joint->vel, *u = reference->vel + joint->vel;
        double angle, spin;
        if (i == AMI_ROOT) {
            angle = root_angle = ami_quat_angle(p, q);
            spin = root_spin = distance2(body->ang[i], reference->ang[i]);
        } else if (joint->width == 4) {
            angle = ami_quat_angle(p, q);
            spin = distance2(v, u);
        } else if (joint->width == 1) {
            angle = fabs(p[0] - q[0]);
            spin = (v[0] - u[0]) * (v[0] - u[0]);
        } else {
            continue;
        }
        pose += joint->weight * angle * angle;
        velocity += joint->weight * spin;
        if (i != AMI_ROOT) {
            angles += angle;
            joints += 1;
        }
    }

    double ends = 0, ends_m = 0, bodies_m = 0;
    const frame own = frame_of(body), target = frame_of(reference);
    for (int e = 0; e < 4; e++) {
        const double d2 = distance2_in_frames(body, &own, reference, &target, end_effector[e]);
        ends += d2;
        ends_m += sqrt(d2) / 4;
    }
    for (int i = 0; i < AMI_BODIES; i++)
        bodies_m += sqrt(distance2_in_frames(body, &own, reference, &target, i)) / AMI_BODIES;

    const double root2 = distance2(body->pose, reference->pose);
    const double root =
        root2 + .1 * root_angle * root_angle + .01 * distance2(body->vel, reference->vel) + .001 * root_spin;
    reward->part[AMI_REWARD_POSE] = exp(-2 * pose);
    reward->part[AMI_REWARD_VELOCITY] = exp(-.1 * velocity);
    reward->part[AMI_REWARD_END_EFFECTORS] = exp(-10 * ends);
    reward->part[AMI_REWARD_ROOT] = exp(-5 * root);
    reward->part[AMI_REWARD_CENTRE_OF_MASS] = exp(-10 * .1 * distance2(body->com_vel, reference->com_vel));
    reward->total = 0;
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        reward->total += ami_reward_weight[k] * reward->part[k];
    reward->root_m = sqrt(root2);
    reward->joint_rad = angles / joints;
    reward->end_effector_m = ends_m;
    reward->height_m = fabs(body->pose[2] - reference->pose[2]);
    reward->tilt = fabs(up(body) - up(reference));
    reward->body_m = bodies_m;
}
