/* Writing clips as BVH, and reading such files back without loss.
 *
 * The file's axes are the humanoid's, turned: body (x forward, y up, z right) is (z, y, -x) in the file, the
 * world's (x, y, z up) is (z, x, y up). */
#include "motion/bvh.h"

#include "base/number.h"
#include "motion/humanoid.h"
#include "motion/rotation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double cm = 100;
static const double same_offset = .01; /* cm */
static const double off_hinge = .01;   /* sine of half an angle that is no hinge's */

/* The joints of the file, in its order. Joints of no body keep still. */
static const struct {
    const char *name;
    int parent, body; /* body -1: none */
    double offset[3]; /* m, body axes, of those */
} rows[] = {
    {"Hips", -1, AMI_ROOT, {0}},
    {"Spine", 0, AMI_CHEST, {0}},
    {"Neck", 1, AMI_NECK, {0}},
    {"Head", 2, -1, {0, .08, 0}},
    {"RightArm", 1, AMI_RIGHT_SHOULDER, {0}},
    {"RightForeArm", 4, AMI_RIGHT_ELBOW, {0}},
    {"RightHand", 5, AMI_RIGHT_WRIST, {0}},
    {"LeftArm", 1, AMI_LEFT_SHOULDER, {0}},
    {"LeftForeArm", 7, AMI_LEFT_ELBOW, {0}},
    {"LeftHand", 8, AMI_LEFT_WRIST, {0}},
    {"RightUpLeg", 0, AMI_RIGHT_HIP, {0}},
    {"RightLeg", 10, AMI_RIGHT_KNEE, {0}},
    {"RightFoot", 11, AMI_RIGHT_ANKLE, {0}},
    {"LeftUpLeg", 0, AMI_LEFT_HIP, {0}},
    {"LeftLeg", 13, AMI_LEFT_KNEE, {0}},
    {"LeftFoot", 14, AMI_LEFT_ANKLE, {0}},
};
enum { ROWS = sizeof rows / sizeof *rows };

/* Body axes to the file's: x to z, z to -x. */
static const double body_turn[4] = {.70710678118654752440, 0, -.70710678118654752440, 0};

static void offset_of(int row, double out[3])
{
    const double *o = rows[row].body < 0 ? rows[row].offset : ami_humanoid()->offset[rows[row].body];
    out[0] = 0 - o[2] * cm;
    out[1] = o[1] * cm;
    out[2] = o[0] * cm;
}

/* The tip of a last joint, m, body axes. */
static void tip_of(int row, double out[3])
{
    const ami_skeleton *s = ami_humanoid();
    const int body = rows[row].body;
    double tip[3] = {0, -.08, 0}; /* a hand's */
    if (body < 0)
        memcpy(tip, (const double[3]){0, .2, 0}, sizeof tip);
    else if (body == AMI_RIGHT_ANKLE || body == AMI_LEFT_ANKLE)
        memcpy(tip, s->toe[body == AMI_LEFT_ANKLE], sizeof tip);
    out[0] = 0 - tip[2] * cm;
    out[1] = tip[1] * cm;
    out[2] = tip[0] * cm;
}

/* The body's rotation against its parent in the file's axes; the root's against the world. */
static void local_of(const double *pose, int row, double q[4])
{
    const int body = rows[row].body;
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

/* Rotations about z, then x, then y (of the turned frames), degrees, near `last`. */
static void euler_of(const double q[4], const double last[3], double out[3])
{
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    const double r01 = 2 * (x * y - w * z), r11 = 1 - 2 * (x * x + z * z), r21 = 2 * (y * z + w * x),
                 r20 = 2 * (x * z - w * y), r22 = 1 - 2 * (x * x + y * y), flat = hypot(r20, r22);
    if (flat > 1e-7) {
        out[0] = atan2(0 - r01, r11);
        out[2] = atan2(0 - r20, r22);
    } else {
        out[0] = atan2(2 * (x * y + w * z), 1 - 2 * (y * y + z * z));
        out[2] = 0;
    }
    out[1] = atan2(r21, flat);
    for (int k = 0; k < 3; k++) {
        out[k] *= 180 / M_PI;
        out[k] += 360 * round((last[k] - out[k]) / 360);
    }
}

static void write_rows(FILE *out, int row, int depth)
{
    const bool root = row == 0;
    double at[3];
    offset_of(row, at);
    fprintf(out, "%*s%s %s\n%*s{\n", depth, "", root ? "ROOT" : "JOINT", rows[row].name, depth, "");
    ami_number_fprintf(out, "%*sOFFSET %.4f %.4f %.4f\n", depth + 2, "", at[0], at[1], at[2]);
    fprintf(out, "%*sCHANNELS %s Zrotation Xrotation Yrotation\n", depth + 2, "",
            root ? "6 Xposition Yposition Zposition" : "3");
    bool last = true;
    for (int r = row + 1; r < ROWS; r++)
        if (rows[r].parent == row) {
            write_rows(out, r, depth + 2);
            last = false;
        }
    if (last) {
        tip_of(row, at);
        ami_number_fprintf(out, "%*sEnd Site\n%*s{\n%*sOFFSET %.4f %.4f %.4f\n%*s}\n", depth + 2, "",
                           depth + 2, "", depth + 4, "", at[0], at[1], at[2], depth + 2, "");
    }
    fprintf(out, "%*s}\n", depth, "");
}

static bool is_even(const ami_clip *clip)
{
    const double *time = ami_clip_times(clip);
    const int n = ami_clip_frames(clip);
    const double step = ami_clip_duration(clip) / (n - 1);
    for (int f = 0; f < n; f++)
        if (fabs(time[f] - f * step) > 1e-6)
            return false;
    return true;
}

char *ami_bvh_encode(const ami_clip *clip, size_t *size, ami_error *err)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out) {
        ami_fail(err, "out of memory for the text of a clip");
        return NULL;
    }
    const int n = ami_clip_frames(clip);
    const bool even = is_even(clip);
    const double step = ami_clip_duration(clip) / (n - 1);
    fputs("HIERARCHY\n", out);
    write_rows(out, 0, 0);
    ami_number_fprintf(out, "MOTION\nFrames: %d\nFrame Time: %.9f\n", n, step);
    double last[ROWS][3] = {{0}};
    for (int f = 0; f < n; f++) {
        double pose[AMI_POSE];
        if (even || f == 0 || f == n - 1)
            memcpy(pose, ami_clip_poses(clip) + (size_t)f * AMI_POSE, sizeof pose);
        else
            ami_clip_sample(clip, f * step, pose, NULL);
        ami_number_fprintf(out, "%.5f %.5f %.5f", pose[1] * cm, pose[2] * cm, pose[0] * cm);
        for (int row = 0; row < ROWS; row++) {
            double q[4], angle[3];
            local_of(pose, row, q);
            euler_of(q, last[row], angle);
            memcpy(last[row], angle, sizeof angle);
            ami_number_fprintf(out, " %.5f %.5f %.5f", angle[0], angle[1], angle[2]);
        }
        fputc('\n', out);
    }
    const bool whole = !ferror(out);
    if (fclose(out) != 0 || !whole) {
        free(text);
        ami_fail(err, "out of memory for the text of a clip");
        return NULL;
    }
    return text;
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

/* The rows' joints in the file; false where the skeleton is another. */
static bool match(const ami_mocap *m, int joint[ROWS])
{
    for (int row = 0; row < ROWS; row++) {
        joint[row] = ami_mocap_joint_by_name(m, rows[row].name);
        if (joint[row] < 0)
            return false;
        const ami_mocap_joint *j = &m->joint[joint[row]];
        double at[3];
        offset_of(row, at);
        if (j->parent != (rows[row].parent < 0 ? -1 : joint[rows[row].parent]) ||
            j->channels != (row == 0 ? 6 : 3))
            return false;
        for (int c = 0; c < j->channels; c++)
            if ((j->channel[c] >= AMI_CHANNEL_ROTATION) != (row > 0 || c >= 3) ||
                j->channel[c] >= AMI_CHANNEL_SCALE)
                return false;
        for (int k = 0; row > 0 && k < 3; k++)
            if (fabs(j->offset[k] - at[k]) > same_offset)
                return false;
    }
    return true;
}

static bool is_hinge(int row)
{
    return rows[row].body >= 0 && ami_humanoid()->joint[rows[row].body].width == 1;
}

bool ami_bvh_is_own(const ami_mocap *mocap)
{
    int joint[ROWS];
    if (mocap->joints > 64 || mocap->global || !match(mocap, joint))
        return false;
    for (int f = 0; f < mocap->frames; f++) {
        double local[64][4], q[4];
        ami_mocap_local(mocap, f, local);
        for (int row = 0; row < ROWS; row++) {
            own_local(local[joint[row]], row == 0, q);
            if (is_hinge(row) && hypot(q[1], q[2]) > off_hinge)
                return false; /* edited since */
        }
    }
    return true;
}

ami_clip *ami_bvh_own_clip(const ami_mocap *mocap, const char *name, ami_error *err)
{
    int joint[ROWS];
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
        for (int row = 0; row < ROWS; row++) {
            const int body = rows[row].body;
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
    ami_clip *clip = ami_clip_create(mocap->frames, time, time + mocap->frames, false, name, err);
    free(time);
    return clip;
}
