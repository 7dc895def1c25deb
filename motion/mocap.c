/* Down the tree of a recorded motion. */
#include "motion/mocap.h"

#include "motion/rotation.h"

#include <stdlib.h>
#include <string.h>

void ami_mocap_destroy(ami_mocap *mocap)
{
    if (mocap) {
        free(mocap->joint);
        free(mocap->value);
        free(mocap->pose);
        free(mocap);
    }
}

/* out = out turned by `angle` about its own axis x, y or z: a Hamilton product with three zeros less. */
static void turn_about(double q[4], int axis, double angle)
{
    const double c = cos(angle / 2), s = sin(angle / 2);
    const int i = 1 + axis, j = 1 + (axis + 1) % 3, k = 1 + (axis + 2) % 3;
    const double w = q[0] * c - q[i] * s, a = q[i] * c + q[0] * s, b = q[j] * c + q[k] * s,
                 d = q[k] * c - q[j] * s;
    q[0] = w, q[i] = a, q[j] = b, q[k] = d;
}

void ami_mocap_local(const ami_mocap *mocap, int frame, double (*local)[4])
{
    const double *values = frame < 0 ? NULL : mocap->value + (size_t)frame * (size_t)mocap->channels;
    for (int j = 0; j < mocap->joints; j++) {
        const ami_mocap_joint *joint = &mocap->joint[j];
        ami_quat_identity(local[j]);
        for (int c = 0; values && c < joint->channels; c++) {
            const int kind = joint->channel[c];
            if (kind == AMI_CHANNEL_VECTOR) {
                ami_quat_exp(local[j], values + joint->first + c);
                break;
            }
            if (kind >= AMI_CHANNEL_ROTATION && kind < AMI_CHANNEL_SCALE)
                turn_about(local[j], kind - AMI_CHANNEL_ROTATION, values[joint->first + c] * (M_PI / 180));
        }
    }
}

void ami_mocap_place(const ami_mocap *mocap, int frame, const double (*local)[4], double (*pos)[3],
                     double (*rot)[4])
{
    const double *values = frame < 0 ? NULL : mocap->value + (size_t)frame * (size_t)mocap->channels;
    for (int j = 0; j < mocap->joints; j++) {
        const ami_mocap_joint *joint = &mocap->joint[j];
        double at[3];
        memcpy(at, joint->offset, sizeof at);
        for (int c = 0; values && c < joint->channels && joint->channel[c] != AMI_CHANNEL_VECTOR; c++)
            if (joint->channel[c] < AMI_CHANNEL_ROTATION)
                at[joint->channel[c]] =
                    values[joint->first + c]; /* in place of the offset, as all tools do */
        if (joint->parent < 0 || mocap->global) {
            memcpy(pos[j], at, sizeof at);
            memcpy(rot[j], local[j], sizeof rot[j]);
        } else {
            const int p = joint->parent;
            ami_quat_rotate(pos[j], rot[p], at);
            for (int k = 0; k < 3; k++)
                pos[j][k] += pos[p][k];
            ami_quat_mul(rot[j], rot[p], local[j]);
        }
    }
}

int ami_mocap_joint_by_name(const ami_mocap *mocap, const char *name)
{
    for (int j = 0; j < mocap->joints; j++)
        if (!mocap->joint[j].end && strcmp(mocap->joint[j].name, name) == 0)
            return j;
    return -1;
}
