/* Where joints lie in a pose, and what is between two poses. */
#include "motion/pose.h"

#include "motion/rotation.h"

const ami_clip_joint ami_clip_joints[AMI_CLIP_JOINTS] = {
    {"chest", 7, 6, true},          {"neck", 11, 9, true},           {"right_hip", 15, 12, true},
    {"right_knee", 19, 15, false},  {"right_ankle", 20, 16, true},   {"right_shoulder", 24, 19, true},
    {"right_elbow", 28, 22, false}, {"left_hip", 29, 23, true},      {"left_knee", 33, 26, false},
    {"left_ankle", 34, 27, true},   {"left_shoulder", 38, 30, true}, {"left_elbow", 42, 33, false},
};

void ami_pose_between(const double a[AMI_POSE], const double b[AMI_POSE], double u, double out[AMI_POSE])
{
    for (int k = 0; k < 3; k++)
        out[k] = a[k] + u * (b[k] - a[k]);
    ami_quat_slerp(out + 3, a + 3, b + 3, u);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const int k = ami_clip_joints[j].pose;
        if (ami_clip_joints[j].ball)
            ami_quat_slerp(out + k, a + k, b + k, u);
        else
            out[k] = a[k] + u * (b[k] - a[k]);
    }
}
