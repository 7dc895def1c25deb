/* Down the tree once, parents before children, which is the order of the bodies' numbers. Where a body turns
 * in its parent is a quaternion; what is carried along with it (offsets, velocities) goes through its matrix,
 * because a body carries several vectors. */
#include "motion/kinematics.h"

#include "base/assert.h"
#include "motion/rotation.h"

#include <math.h>
#include <string.h>

/* Of unit length. Poses are within rounding of it: one step of Newton's method does what a root and a
 * division would. */
static void put_unit(double out[4], const double q[4])
{
    memcpy(out, q, 4 * sizeof *out);
    const double off = ami_quat_dot(q, q) - 1;
    if (fabs(off) < 1e-8) { /* what is left is 3/8 off² */
        const double scale = 1 - off / 2;
        out[0] *= scale, out[1] *= scale, out[2] *= scale, out[3] *= scale;
    } else {
        ami_quat_normalize(out);
    }
}

/* The rotation of body i in the world from its parent's. */
static void turn_body(const ami_joint_layout *joint, const double *pose, const double parent[4],
                      double out[4])
{
    if (joint->width == 4) {
        double own[4];
        put_unit(own, pose + joint->pose);
        ami_quat_mul(out, parent, own);
    } else if (joint->width == 1) {
        const double half = pose[joint->pose] / 2, c = cos(half), s = sin(half);
        out[0] = parent[0] * c - parent[3] * s;
        out[1] = parent[1] * c + parent[2] * s;
        out[2] = parent[2] * c - parent[1] * s;
        out[3] = parent[3] * c + parent[0] * s;
    } else {
        memcpy(out, parent, 4 * sizeof *out);
    }
}

static inline void matrix_of(double m[9], const double q[4])
{
    const double x = q[1] + q[1], y = q[2] + q[2], z = q[3] + q[3];
    const double xx = q[1] * x, yy = q[2] * y, zz = q[3] * z, xy = q[1] * y, xz = q[1] * z, yz = q[2] * z;
    const double wx = q[0] * x, wy = q[0] * y, wz = q[0] * z;
    m[0] = 1 - (yy + zz), m[1] = xy - wz, m[2] = xz + wy;
    m[3] = xy + wz, m[4] = 1 - (xx + zz), m[5] = yz - wx;
    m[6] = xz - wy, m[7] = yz + wx, m[8] = 1 - (xx + yy);
}

static inline void turned(double out[3], const double m[9], const double v[3])
{
    out[0] = m[0] * v[0] + m[1] * v[1] + m[2] * v[2];
    out[1] = m[3] * v[0] + m[4] * v[1] + m[5] * v[2];
    out[2] = m[6] * v[0] + m[7] * v[1] + m[8] * v[2];
}

/* out = v + w x r */
static inline void carried(double out[3], const double v[3], const double w[3], const double r[3])
{
    out[0] = v[0] + (w[1] * r[2] - w[2] * r[1]);
    out[1] = v[1] + (w[2] * r[0] - w[0] * r[2]);
    out[2] = v[2] + (w[0] * r[1] - w[1] * r[0]);
}

void ami_fk(const ami_skeleton *skeleton, const double pose[AMI_POSE], double joint[AMI_BODIES][3],
            double rot[AMI_BODIES][4])
{
    AMI_ASSERT(skeleton && pose && joint && rot);
    memcpy(joint[AMI_ROOT], pose, 3 * sizeof(double));
    put_unit(rot[AMI_ROOT], pose + 3);
    for (int i = 1; i < AMI_BODIES; i++) {
        const int parent = skeleton->parent[i];
        double arm[3];
        ami_quat_rotate(arm, rot[parent], skeleton->offset[i]);
        for (int k = 0; k < 3; k++)
            joint[i][k] = joint[parent][k] + arm[k];
        turn_body(&skeleton->joint[i], pose, rot[parent], rot[i]);
    }
}

void ami_fk_state(const ami_skeleton *skeleton, const double pose[AMI_POSE], const double vel[AMI_VEL],
                  ami_state *state)
{
    AMI_ASSERT(skeleton && pose && vel && state);
    double matrix[AMI_BODIES][9], speed[AMI_BODIES][3]; /* body to world; velocity of the joint */
    double momentum[3] = {0, 0, 0};
    memcpy(state->pose, pose, sizeof state->pose);
    memcpy(state->vel, vel, sizeof state->vel);
    for (int i = 0; i < AMI_BODIES; i++) {
        const ami_joint_layout *joint = &skeleton->joint[i];
        double *m = matrix[i], *w = state->ang[i], arm[3];
        if (i == AMI_ROOT) {
            put_unit(state->rot[i], pose + 3);
            matrix_of(m, state->rot[i]);
            turned(w, m, vel + 3);
            memcpy(state->joint[i], pose, 3 * sizeof(double));
            memcpy(speed[i], vel, 3 * sizeof(double));
        } else {
            const int parent = skeleton->parent[i];
            const double *carrier = state->ang[parent], *own = vel + joint->vel;
            turned(arm, matrix[parent], skeleton->offset[i]);
            carried(speed[i], speed[parent], carrier, arm);
            for (int k = 0; k < 3; k++)
                state->joint[i][k] = state->joint[parent][k] + arm[k];
            turn_body(joint, pose, state->rot[parent], state->rot[i]);
            matrix_of(m, state->rot[i]);
            double relative[3] = {0, 0, 0};
            if (joint->width == 4)
                turned(relative, m, own);
            else if (joint->width == 1) /* about the body's z, whose direction is the third column */
                relative[0] = own[0] * m[2], relative[1] = own[0] * m[5], relative[2] = own[0] * m[8];
            for (int k = 0; k < 3; k++)
                w[k] = carrier[k] + relative[k];
        }
        turned(arm, m, skeleton->centre[i]);
        carried(state->lin[i], speed[i], w, arm);
        for (int k = 0; k < 3; k++) {
            state->centre[i][k] = state->joint[i][k] + arm[k];
            momentum[k] += skeleton->mass[i] * state->lin[i][k];
        }
    }
    for (int k = 0; k < 3; k++)
        state->com_vel[k] = momentum[k] / skeleton->total_mass;
}
