#include "motion/export.h"

#include "motion/rotation.h"

#include <stdlib.h>
#include <string.h>

static const double cm = 100;
static const double same_offset = .01; /* cm */
static const double off_hinge = .01;   /* sine of half an angle that is no hinge's */

const ami_export_joint ami_export_joints[AMI_EXPORT_JOINTS] = {
    {"Hips", -1, AMI_ROOT},
    {"Spine", 0, AMI_CHEST},
    {"Neck", 1, AMI_NECK},
    {"Head", 2, -1},
    {"RightArm", 1, AMI_RIGHT_SHOULDER},
    {"RightForeArm", 4, AMI_RIGHT_ELBOW},
    {"RightHand", 5, AMI_RIGHT_WRIST},
    {"LeftArm", 1, AMI_LEFT_SHOULDER},
    {"LeftForeArm", 7, AMI_LEFT_ELBOW},
    {"LeftHand", 8, AMI_LEFT_WRIST},
    {"RightUpLeg", 0, AMI_RIGHT_HIP},
    {"RightLeg", 10, AMI_RIGHT_KNEE},
    {"RightFoot", 11, AMI_RIGHT_ANKLE},
    {"LeftUpLeg", 0, AMI_LEFT_HIP},
    {"LeftLeg", 13, AMI_LEFT_KNEE},
    {"LeftFoot", 14, AMI_LEFT_ANKLE},
};

/* Body axes to the file's: x to z, z to -x. */
static const double body_turn[4] = {.70710678118654752440, 0, -.70710678118654752440, 0};

void ami_export_vector(const double body[3], double out[3])
{
    const double v[3] = {body[0], body[1], body[2]};
    out[0] = 0 - v[2];
    out[1] = v[1];
    out[2] = v[0];
}

void ami_export_offset(int joint, double out[3])
{
    static const double head[3] = {0, .08, 0};
    const int body = ami_export_joints[joint].body;
    ami_export_vector(body < 0 ? head : ami_humanoid()->offset[body], out);
}

double ami_export_height(void)
{
    const ami_skeleton *s = ami_humanoid();
    return 0 - s->offset[AMI_RIGHT_HIP][1] - s->offset[AMI_RIGHT_KNEE][1] - s->offset[AMI_RIGHT_ANKLE][1] -
           fmin(s->heel[0][1], s->toe[0][1]);
}

void ami_export_tip(int joint, double out[3])
{
    static const double hand[3] = {0, -.08, 0}, head[3] = {0, .2, 0};
    const int body = ami_export_joints[joint].body;
    const bool foot = body == AMI_RIGHT_ANKLE || body == AMI_LEFT_ANKLE;
    ami_export_vector(body < 0 ? head : foot ? ami_humanoid()->toe[body == AMI_LEFT_ANKLE] : hand, out);
}

void ami_export_place(const double pose[AMI_POSE], double out[3])
{
    out[0] = pose[1];
    out[1] = pose[2];
    out[2] = pose[0];
}

void ami_export_rotation(const double pose[AMI_POSE], int joint_number, double q[4])
{
    const int body = ami_export_joints[joint_number].body;
    const ami_joint_layout joint = body < 0 ? (ami_joint_layout){0} : ami_humanoid()->joint[body];
    double back[4];
    ami_quat_identity(q);
    if (body == AMI_ROOT) { /* the world is turned too: z up to y up, then as the body */
        double world[4], up[4];
        ami_quat_conj(up, AMI_QUAT_Y_UP);
        ami_quat_mul(world, body_turn, up);
        ami_quat_mul(q, world, pose + 3);
        ami_quat_conj(back, body_turn);
        ami_quat_mul(q, q, back);
        return;
    }
    if (joint.width == 4)
        memcpy(q, pose + joint.pose, 4 * sizeof *q);
    else if (joint.width == 1)
        ami_quat_about_z(q, pose[joint.pose]);
    ami_quat_rotate(q + 1, body_turn, q + 1);
}

/* A joint's rotation in the file to the body's. */
static void own_local(const double file[4], bool root, double q[4])
{
    double back[4];
    ami_quat_conj(back, body_turn);
    if (root) {
        ami_quat_mul(q, back, file);
        ami_quat_mul(q, q, body_turn);
        ami_quat_mul(q, AMI_QUAT_Y_UP, q);
    } else {
        q[0] = file[0];
        ami_quat_rotate(q + 1, back, file + 1);
    }
}

/* Whether a joint has just these: positions if it is the root, and three angles or a rotation vector. A joint that keeps
 * still may have none. */
static bool has_channels(const ami_mocap_joint *j, bool root)
{
    const int first = root ? 3 : 0, rotations = j->channels - first;
    for (int c = 0; c < first && c < j->channels; c++)
        if (j->channel[c] >= AMI_CHANNEL_ROTATION)
            return false;
    if (rotations == 3 && j->channel[first] == AMI_CHANNEL_VECTOR)
        return true;
    for (int c = first; c < j->channels; c++)
        if (j->channel[c] < AMI_CHANNEL_ROTATION || j->channel[c] >= AMI_CHANNEL_SCALE)
            return false;
    return rotations == 3 || (!root && rotations == 0);
}

/* The rows' joints in the file; false where the skeleton is another. */
static bool match(const ami_mocap *m, int joint[AMI_EXPORT_JOINTS])
{
    for (int row = 0; row < AMI_EXPORT_JOINTS; row++) {
        joint[row] = ami_mocap_joint_by_name(m, ami_export_joints[row].name);
        if (joint[row] < 0)
            return false;
        const ami_mocap_joint *j = &m->joint[joint[row]];
        double at[3];
        ami_export_offset(row, at);
        if (j->parent != (ami_export_joints[row].parent < 0 ? -1 : joint[ami_export_joints[row].parent]) ||
            !has_channels(j, row == 0))
            return false;
        for (int k = 0; row > 0 && k < 3; k++)
            if (fabs(j->offset[k] - at[k] * cm) > same_offset)
                return false;
    }
    return true;
}

static bool is_hinge(int row)
{
    return ami_export_joints[row].body >= 0 && ami_humanoid()->joint[ami_export_joints[row].body].width == 1;
}

bool ami_export_is_own(const ami_mocap *mocap)
{
    int joint[AMI_EXPORT_JOINTS];
    if (mocap->joints > 64 || mocap->global || !match(mocap, joint))
        return false;
    for (int f = 0; f < mocap->frames; f++) {
        double local[64][4], q[4];
        ami_mocap_local(mocap, f, local);
        for (int row = 0; row < AMI_EXPORT_JOINTS; row++) {
            own_local(local[joint[row]], row == 0, q);
            if (is_hinge(row) && hypot(q[1], q[2]) > off_hinge)
                return false; /* edited since */
        }
    }
    return true;
}

ami_clip *ami_export_own_clip(const ami_mocap *mocap, const char *name, ami_error *err)
{
    int joint[AMI_EXPORT_JOINTS];
    if (!match(mocap, joint) || mocap->joints > 64) {
        ami_fail(err, "the skeleton is not the humanoid's");
        return NULL;
    }
    double *time = malloc((size_t)mocap->frames * (1 + AMI_POSE) * sizeof *time);
    if (!time) {
        ami_fail(err, "out of memory for %d frames", mocap->frames);
        return NULL;
    }
    for (int f = 0; f < mocap->frames; f++) {
        double local[64][4], at[64][3], rot[64][4], *pose = time + mocap->frames + (size_t)f * AMI_POSE;
        ami_mocap_local(mocap, f, local);
        ami_mocap_place(mocap, f, (const double(*)[4])local, at, rot);
        time[f] = f * mocap->frame_time;
        pose[0] = at[joint[0]][2] / cm;
        pose[1] = at[joint[0]][0] / cm;
        pose[2] = at[joint[0]][1] / cm;
        for (int row = 0; row < AMI_EXPORT_JOINTS; row++) {
            const int body = ami_export_joints[row].body;
            double q[4];
            own_local(local[joint[row]], row == 0, q);
            const ami_joint_layout layout = body < 0 ? (ami_joint_layout){0} : ami_humanoid()->joint[body];
            if (body == AMI_ROOT)
                memcpy(pose + 3, q, sizeof q);
            else if (layout.width == 4)
                memcpy(pose + layout.pose, q, sizeof q);
            else if (layout.width == 1)
                pose[layout.pose] = remainder(2 * atan2(q[3], q[0]), 2 * M_PI);
        }
    }
    ami_clip *clip = ami_clip_create(mocap->frames, time, time + mocap->frames,
                                     mocap->loop == AMI_MOCAP_LOOP_WRAP, name, err);
    free(time);
    return clip;
}
