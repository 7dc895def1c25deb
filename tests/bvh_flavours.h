/* BVH files of every flavour, made from a known motion: the humanoid's own, seen through another skeleton's
 * names, axes, unit, zero pose, channel orders and helper joints. So the right answer is known. */
#ifndef AMI_TESTS_BVH_FLAVOURS_H
#define AMI_TESTS_BVH_FLAVOURS_H

#include "base/number.h"
#include "motion/clip.h"
#include "motion/humanoid.h"
#include "motion/kinematics.h"
#include "motion/rotation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORLD = -1, PATH = -2 };

/* A joint of the file: turns with body `turn`, sits on body `on` at `at` (m, body frame). WORLD: at the
 * origin, does not turn; PATH: under the root, on the floor. */
typedef struct flavour_joint {
    const char *name;
    int parent, turn, on;
    double at[3];
} flavour_joint;

enum zero_pose { T_POSE, A_POSE, WIDE_POSE, HANGING, BONES_ALONG_X };

typedef struct flavour {
    const char *what, *prefix;
    const flavour_joint *joint;
    int joints;
    const char *order; /* of rotations: "ZYX" */
    bool mixed;        /* every second joint in the order "XYZ" instead */
    bool positions;    /* position channels on every joint */
    bool left_handed;  /* the file's third axis is turned round */
    char up;           /* 'y' or 'z' */
    double facing;     /* rad: how the file's body is turned about up */
    double unit;       /* m */
    double rate;       /* Hz */
    enum zero_pose zero;
    bool first_is_t; /* the first frame is a T-pose in place */
} flavour;

/* A body-frame rotation of the left (-1) or right (1) upper arm, `down` rad below the horizontal. */
static inline void arm_at(double q[4], int side, double down)
{
    /* from hanging (-y) outwards (z is right): about x */
    const double axis[3] = {1, 0, 0};
    ami_quat_axis_angle(q, axis, -side * (M_PI / 2 - down));
}

/* How each body is turned in the zero pose, z-up world, facing x. */
static inline void zero_rotations(enum zero_pose zero, double rot[AMI_BODIES][4])
{
    double pose[AMI_POSE] = {0}, joint[AMI_BODIES][3];
    memcpy(pose + 3, AMI_QUAT_Y_UP, sizeof AMI_QUAT_Y_UP);
    pose[3] = pose[4] = sqrt(.5);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++)
        if (ami_clip_joints[j].ball)
            pose[ami_clip_joints[j].pose] = 1;
    if (zero != HANGING) {
        const double down = zero == A_POSE ? .7 : 0;
        arm_at(pose + ami_body_joint(AMI_RIGHT_SHOULDER).pose, 1, down);
        arm_at(pose + ami_body_joint(AMI_LEFT_SHOULDER).pose, -1, down);
    }
    if (zero == WIDE_POSE) {
        const double axis[3] = {1, 0, 0};
        ami_quat_axis_angle(pose + ami_body_joint(AMI_RIGHT_HIP).pose, axis, -.3);
        ami_quat_axis_angle(pose + ami_body_joint(AMI_RIGHT_ANKLE).pose, axis, .3);
        ami_quat_axis_angle(pose + ami_body_joint(AMI_LEFT_HIP).pose, axis, .3);
        ami_quat_axis_angle(pose + ami_body_joint(AMI_LEFT_ANKLE).pose, axis, -.3);
    }
    ami_fk(ami_humanoid(), pose, joint, rot);
    if (zero == BONES_ALONG_X)
        for (int b = 0; b < AMI_BODIES;
             b++) { /* limbs' bones are -y in their bodies, the trunk's y; the feet's x */
            const bool trunk = b <= AMI_NECK, foot = b == AMI_RIGHT_ANKLE || b == AMI_LEFT_ANKLE;
            const double z[3] = {0, 0, 1};
            ami_quat_axis_angle(rot[b], z, foot ? 0 : trunk ? -M_PI / 2 : M_PI / 2);
        }
}

/* z up, facing x, to the file's axes. */
static inline void file_axes(const flavour *f, double turn[4])
{
    double about[4], up[4];
    ami_quat_about_z(about, f->facing);
    if (f->up == 'z') {
        memcpy(turn, about, sizeof about);
    } else {
        ami_quat_conj(up, AMI_QUAT_Y_UP);
        ami_quat_mul(turn, up, about);
    }
}

/* Degrees of rotations about three axes in the order of the letters, the first outermost. */
static inline void angles_of(const double q[4], const char *order, double out[3])
{
    const int i = order[0] - 'X', j = order[1] - 'X', k = order[2] - 'X';
    double m[3][3];
    for (int c = 0; c < 3; c++) {
        double e[3] = {c == 0, c == 1, c == 2}, v[3];
        ami_quat_rotate(v, q, e);
        for (int r = 0; r < 3; r++)
            m[r][c] = v[r];
    }
    const double sign = (j - i + 3) % 3 == 1 ? 1 : -1; /* even: XYZ, YZX, ZXY */
    /* R = R_i(a) R_j(b) R_k(c): m[i][k] = sign sin b, m[j][k] = -sign sin a cos b, m[k][k] = cos a cos b */
    out[1] = atan2(sign * m[i][k], hypot(m[i][i], m[i][j]));
    out[0] = atan2(-sign * m[j][k], m[k][k]);
    out[2] = atan2(-sign * m[i][j], m[i][i]);
    for (int n = 0; n < 3; n++)
        out[n] *= 180 / M_PI;
}

typedef struct flavour_frame {
    double pos[64][3], rot[64][4];
} flavour_frame;

/* Where the file's joints are in a pose: file axes and unit. zero: in the zero pose, with the root at 0. */
static inline void flavour_place(const flavour *f, const double pose[AMI_POSE], flavour_frame *out)
{
    double joint[AMI_BODIES][3], rot[AMI_BODIES][4], zero[AMI_BODIES][4], axes[4], back[4], about[4];
    ami_fk(ami_humanoid(), pose, joint, rot);
    zero_rotations(f->zero, zero);
    file_axes(f, axes);
    ami_quat_conj(back, axes);
    for (int j = 0; j < f->joints; j++) {
        const flavour_joint *row = &f->joint[j];
        double at[3] = {0, 0, 0}, q[4] = {1, 0, 0, 0};
        if (row->on == PATH) {
            at[0] = joint[0][0], at[1] = joint[0][1];
        } else if (row->on != WORLD) {
            ami_quat_rotate(at, rot[row->on], row->at);
            for (int k = 0; k < 3; k++)
                at[k] += joint[row->on][k];
        }
        if (row->turn >= 0) {
            double undo[4];
            ami_quat_conj(undo, zero[row->turn]);
            ami_quat_mul(q, rot[row->turn], undo);
            ami_quat_mul(about, axes, q);
            ami_quat_mul(q, about, back);
        }
        ami_quat_rotate(out->pos[j], axes, at);
        for (int k = 0; k < 3; k++)
            out->pos[j][k] /= f->unit;
        memcpy(out->rot[j], q, sizeof q);
        if (f->left_handed) { /* z to -z */
            out->pos[j][2] = -out->pos[j][2];
            out->rot[j][1] = -out->rot[j][1];
            out->rot[j][2] = -out->rot[j][2];
        }
    }
}

static inline void relative_place(const flavour *f, const flavour_frame *all, int j, double at[3],
                                  double q[4])
{
    const int p = f->joint[j].parent;
    memcpy(at, all->pos[j], 3 * sizeof *at);
    memcpy(q, all->rot[j], 4 * sizeof *q);
    if (p < 0)
        return;
    for (int k = 0; k < 3; k++)
        at[k] -= all->pos[p][k];
    ami_quat_unrotate(at, all->rot[p], at);
    ami_quat_between(q, all->rot[p], all->rot[j]);
}

static inline bool has_positions(const flavour *f, int j)
{
    const int p = f->joint[j].parent;
    return p < 0 || f->positions || f->joint[p].on < 0; /* the path's or the world's child moves against it */
}

static inline const char *order_of(const flavour *f, int j)
{
    return f->mixed && j % 2 ? "XYZ" : f->order;
}

static inline void write_flavour_joint(FILE *out, const flavour *f, const flavour_frame *all, int j)
{
    double at[3], q[4];
    relative_place(f, all, j, at, q);
    const char *order = order_of(f, j);
    fprintf(out, "%s %s%s\n{\n", f->joint[j].parent < 0 ? "ROOT" : "JOINT", f->prefix, f->joint[j].name);
    ami_number_fprintf(out, "OFFSET %.8g %.8g %.8g\n", at[0], at[1], at[2]);
    fprintf(out, "CHANNELS %d %s%crotation %crotation %crotation\n", has_positions(f, j) ? 6 : 3,
            has_positions(f, j) ? "Xposition Yposition Zposition " : "", order[0], order[1], order[2]);
    bool last = true;
    for (int k = j + 1; k < f->joints; k++)
        if (f->joint[k].parent == j) {
            write_flavour_joint(out, f, all, k);
            last = false;
        }
    if (last)
        fputs("End Site\n{\nOFFSET 0 0 0\n}\n", out);
    fputs("}\n", out);
}

static inline void write_flavour_values(FILE *out, const flavour *f, const flavour_frame *all, int j)
{
    double at[3], q[4], angle[3];
    relative_place(f, all, j, at, q);
    angles_of(q, order_of(f, j), angle);
    if (has_positions(f, j))
        ami_number_fprintf(out, "%.8g %.8g %.8g ", at[0], at[1], at[2]);
    ami_number_fprintf(out, "%.8g %.8g %.8g ", angle[0], angle[1], angle[2]);
    for (int k = j + 1; k < f->joints; k++)
        if (f->joint[k].parent == j)
            write_flavour_values(out, f, all, k);
}

/* The clip as such a file, malloc'd. */
static inline char *write_flavour(const flavour *f, const ami_clip *clip, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        abort();
    flavour_frame all;
    const int n = (int)floor(ami_clip_duration(clip) * f->rate);
    const int first = f->first_is_t ? 1 : 0;
    double pose[AMI_POSE], t_pose[AMI_POSE] = {0};
    ami_clip_sample(clip, 0, pose, NULL);
    flavour_place(f, pose, &all);
    fputs("HIERARCHY\n", out);
    write_flavour_joint(out, f, &all, 0);
    ami_number_fprintf(out, "MOTION\nFrames: %d\nFrame Time: %.9f\n", n + first, 1 / f->rate);
    if (f->first_is_t) {
        double heading[4];
        memcpy(t_pose, pose, 3 * sizeof *pose);
        t_pose[2] = .8814;
        ami_quat_about_z(heading, .3);
        ami_quat_mul(t_pose + 3, heading, AMI_QUAT_Y_UP);
        for (int j = 0; j < AMI_CLIP_JOINTS; j++)
            if (ami_clip_joints[j].ball)
                t_pose[ami_clip_joints[j].pose] = 1;
        arm_at(t_pose + ami_body_joint(AMI_RIGHT_SHOULDER).pose, 1, 0);
        arm_at(t_pose + ami_body_joint(AMI_LEFT_SHOULDER).pose, -1, 0);
    }
    for (int i = 0; i < n + first; i++) {
        if (i >= first)
            ami_clip_sample(clip, (i - first) / f->rate, pose, NULL);
        flavour_place(f, i < first ? t_pose : pose, &all);
        write_flavour_values(out, f, &all, 0);
        fputc('\n', out);
    }
    fclose(out);
    return text;
}

#define LEG_ROWS(HIPS, n, HIP, KNEE, ANKLE, TOE, hip)                         \
    {HIP, HIPS, hip, hip, {0, 0, 0}}, {KNEE, n, hip + 1, hip + 1, {0, 0, 0}}, \
        {ANKLE, n + 1, hip + 2, hip + 2, {0, 0, 0}},                          \
    {                                                                         \
        TOE, n + 2, hip + 2, hip + 2,                                         \
        {                                                                     \
            .1335, -.05, 0                                                    \
        }                                                                     \
    }

/* The usual tree: hips, spine with a joint between, neck and head, collars, legs. `h` first joint's number.
 */
#define USUAL_ROWS(hips, s1, s2, neck, head, lc, la, lf, lh, rc, ra, rf, rh, lt, ls, lfo, lto, rt, rs, rfo, \
                   rto, h, up)                                                                              \
    {hips, up, AMI_ROOT, AMI_ROOT, {0, 0, 0}}, {s1, h, AMI_ROOT, AMI_ROOT, {0, .1, 0}},                     \
        {s2, h + 1, AMI_CHEST, AMI_CHEST, {0, 0, 0}}, {neck, h + 2, AMI_NECK, AMI_NECK, {0, 0, 0}},         \
        {head, h + 3, AMI_NECK, AMI_NECK, {0, .08, 0}}, {lc, h + 2, AMI_CHEST, AMI_CHEST, {0, .2, -.03}},   \
        {la, h + 5, AMI_LEFT_SHOULDER, AMI_LEFT_SHOULDER, {0, 0, 0}},                                       \
        {lf, h + 6, AMI_LEFT_ELBOW, AMI_LEFT_ELBOW, {0, 0, 0}},                                             \
        {lh, h + 7, AMI_LEFT_ELBOW, AMI_LEFT_WRIST, {0, 0, 0}},                                             \
        {rc, h + 2, AMI_CHEST, AMI_CHEST, {0, .2, .03}},                                                    \
        {ra, h + 9, AMI_RIGHT_SHOULDER, AMI_RIGHT_SHOULDER, {0, 0, 0}},                                     \
        {rf, h + 10, AMI_RIGHT_ELBOW, AMI_RIGHT_ELBOW, {0, 0, 0}},                                          \
        {rh, h + 11, AMI_RIGHT_ELBOW, AMI_RIGHT_WRIST, {0, 0, 0}},                                          \
        LEG_ROWS(h, h + 13, lt, ls, lfo, lto, AMI_LEFT_HIP),                                                \
        LEG_ROWS(h, h + 17, rt, rs, rfo, rto, AMI_RIGHT_HIP)

static const flavour_joint lafan_rows[] = {
    USUAL_ROWS("Hips", "Spine", "Spine1", "Neck", "Head", "LeftShoulder", "LeftArm", "LeftForeArm",
               "LeftHand", "RightShoulder", "RightArm", "RightForeArm", "RightHand", "LeftUpLeg", "LeftLeg",
               "LeftFoot", "LeftToe", "RightUpLeg", "RightLeg", "RightFoot", "RightToe", 0, -1)};
static const flavour_joint mixamo_rows[] = {
    USUAL_ROWS("Hips", "Spine", "Spine2", "Neck", "Head", "LeftShoulder", "LeftArm", "LeftForeArm",
               "LeftHand", "RightShoulder", "RightArm", "RightForeArm", "RightHand", "LeftUpLeg", "LeftLeg",
               "LeftFoot", "LeftToeBase", "RightUpLeg", "RightLeg", "RightFoot", "RightToeBase", 0, -1)};
static const flavour_joint xsens_rows[] = {
    USUAL_ROWS("Hips", "Chest", "Chest4", "Neck", "Head", "LeftCollar", "LeftShoulder", "LeftElbow",
               "LeftWrist", "RightCollar", "RightShoulder", "RightElbow", "RightWrist", "LeftHip", "LeftKnee",
               "LeftAnkle", "LeftToe", "RightHip", "RightKnee", "RightAnkle", "RightToe", 0, -1)};
static const flavour_joint unreal_rows[] = {
    {"root", -1, WORLD, PATH, {0, 0, 0}},
    USUAL_ROWS("pelvis", "spine_01", "spine_03", "neck_01", "head", "clavicle_l", "upperarm_l", "lowerarm_l",
               "hand_l", "clavicle_r", "upperarm_r", "lowerarm_r", "hand_r", "thigh_l", "calf_l", "foot_l",
               "ball_l", "thigh_r", "calf_r", "foot_r", "ball_r", 1, 0)};
static const flavour_joint rigify_rows[] = {
    USUAL_ROWS("spine", "spine.001", "spine.003", "spine.004", "spine.006", "shoulder.L", "upper_arm.L",
               "forearm.L", "hand.L", "shoulder.R", "upper_arm.R", "forearm.R", "hand.R", "thigh.L", "shin.L",
               "foot.L", "toe.L", "thigh.R", "shin.R", "foot.R", "toe.R", 0, -1)};
static const flavour_joint soma_rows[] = {
    {"Root", -1, WORLD, WORLD, {0, 0, 0}},
    USUAL_ROWS("Hips", "Spine1", "Chest", "Neck1", "Head", "LeftShoulder", "LeftArm", "LeftForeArm",
               "LeftHand", "RightShoulder", "RightArm", "RightForeArm", "RightHand", "LeftLeg", "LeftShin",
               "LeftFoot", "LeftToeBase", "RightLeg", "RightShin", "RightFoot", "RightToeBase", 1, 0)};
static const flavour_joint biped_rows[] = {
    USUAL_ROWS("Pelvis", "Spine", "Spine1", "Neck", "Head", "L Clavicle", "L UpperArm", "L Forearm", "L Hand",
               "R Clavicle", "R UpperArm", "R Forearm", "R Hand", "L Thigh", "L Calf", "L Foot", "L Toe0",
               "R Thigh", "R Calf", "R Foot", "R Toe0", 0, -1)};
static const flavour_joint smpl_rows[] = {
    USUAL_ROWS("Pelvis", "Spine1", "Spine3", "Neck", "Head", "L_Collar", "L_Shoulder", "L_Elbow", "L_Wrist",
               "R_Collar", "R_Shoulder", "R_Elbow", "R_Wrist", "L_Hip", "L_Knee", "L_Ankle", "L_Foot",
               "R_Hip", "R_Knee", "R_Ankle", "R_Foot", 0, -1)};
static const flavour_joint own_name_rows[] = {USUAL_ROWS("j0", "j1", "j2", "j3", "j4", "j5", "j6", "j7", "j8",
                                                         "j9", "j10", "j11", "j12", "j13", "j14", "j15",
                                                         "j16", "j17", "j18", "j19", "j20", 0, -1)};
/* CMU's: a zero-length joint between hips and thigh. */
static const flavour_joint cmu_rows[] = {
    {"Hips", -1, AMI_ROOT, AMI_ROOT, {0, 0, 0}},
    {"LHipJoint", 0, AMI_ROOT, AMI_ROOT, {0, 0, 0}},
    LEG_ROWS(1, 2, "LeftUpLeg", "LeftLeg", "LeftFoot", "LeftToeBase", AMI_LEFT_HIP),
    {"RHipJoint", 0, AMI_ROOT, AMI_ROOT, {0, 0, 0}},
    LEG_ROWS(6, 7, "RightUpLeg", "RightLeg", "RightFoot", "RightToeBase", AMI_RIGHT_HIP),
    {"LowerBack", 0, AMI_ROOT, AMI_ROOT, {0, 0, 0}},
    {"Spine", 11, AMI_ROOT, AMI_ROOT, {0, .1, 0}},
    {"Spine1", 12, AMI_CHEST, AMI_CHEST, {0, 0, 0}},
    {"Neck", 13, AMI_CHEST, AMI_NECK, {0, 0, 0}},
    {"Neck1", 14, AMI_NECK, AMI_NECK, {0, 0, 0}},
    {"Head", 15, AMI_NECK, AMI_NECK, {0, .08, 0}},
    {"LeftShoulder", 13, AMI_CHEST, AMI_NECK, {0, 0, 0}},
    {"LeftArm", 17, AMI_LEFT_SHOULDER, AMI_LEFT_SHOULDER, {0, 0, 0}},
    {"LeftForeArm", 18, AMI_LEFT_ELBOW, AMI_LEFT_ELBOW, {0, 0, 0}},
    {"LeftHand", 19, AMI_LEFT_ELBOW, AMI_LEFT_WRIST, {0, 0, 0}},
    {"LeftFingerBase", 20, AMI_LEFT_ELBOW, AMI_LEFT_WRIST, {0, 0, 0}},
    {"LThumb", 20, AMI_LEFT_ELBOW, AMI_LEFT_WRIST, {0, 0, 0}},
    {"RightShoulder", 13, AMI_CHEST, AMI_NECK, {0, 0, 0}},
    {"RightArm", 23, AMI_RIGHT_SHOULDER, AMI_RIGHT_SHOULDER, {0, 0, 0}},
    {"RightForeArm", 24, AMI_RIGHT_ELBOW, AMI_RIGHT_ELBOW, {0, 0, 0}},
    {"RightHand", 25, AMI_RIGHT_ELBOW, AMI_RIGHT_WRIST, {0, 0, 0}},
    {"RThumb", 26, AMI_RIGHT_ELBOW, AMI_RIGHT_WRIST, {0, 0, 0}},
};

#define ROWS_OF(list) list, (int)(sizeof list / sizeof *list)

static const flavour flavours[] = {
    {"LAFAN1", "", ROWS_OF(lafan_rows), "ZYX", false, false, false, 'y', 1.2, .01, 30, BONES_ALONG_X, true},
    {"CMU ZYX", "", ROWS_OF(cmu_rows), "ZYX", false, false, false, 'y', -.7, .0564444, 120, WIDE_POSE, false},
    {"CMU ZXY", "", ROWS_OF(cmu_rows), "ZXY", false, false, false, 'y', 2, .0564444, 30, T_POSE, true},
    {"Xsens", "", ROWS_OF(xsens_rows), "YXZ", false, false, false, 'y', 0, .01, 60, T_POSE, false},
    {"SFU", "", ROWS_OF(xsens_rows), "YXZ", false, false, false, 'y', 0, 1, 120, T_POSE, false},
    {"Mixamo", "mixamorig:", ROWS_OF(mixamo_rows), "ZXY", false, false, false, 'y', 1, .01, 30, T_POSE,
     false},
    {"Mixamo by exporter", "mixamorig_", ROWS_OF(mixamo_rows), "YXZ", false, false, false, 'y', 0, .01, 100,
     T_POSE, false},
    {"Rokoko", "", ROWS_OF(mixamo_rows), "YZX", false, false, false, 'y', 0, .01, 100, T_POSE, false},
    {"Unreal", "", ROWS_OF(unreal_rows), "XYZ", false, false, false, 'z', -M_PI / 2, .01, 30, A_POSE, false},
    {"Unreal facing x", "", ROWS_OF(unreal_rows), "ZYX", false, false, false, 'z', 0, .01, 60, A_POSE, false},
    {"Rigify", "DEF-", ROWS_OF(rigify_rows), "XYZ", false, false, false, 'z', M_PI / 2, 1, 24, A_POSE, false},
    {"Rigify y up", "ORG-", ROWS_OF(rigify_rows), "XYZ", false, false, false, 'y', 0, 1, 24, T_POSE, false},
    {"SOMA", "", ROWS_OF(soma_rows), "ZYX", true, false, false, 'y', 0, .01, 120, BONES_ALONG_X, true},
    {"3ds Max biped", "Bip01 ", ROWS_OF(biped_rows), "XYZ", false, false, false, 'z', 0, .0254, 30, T_POSE,
     false},
    {"SMPL names", "", ROWS_OF(smpl_rows), "XZY", false, false, false, 'y', 0, 1, 30, T_POSE, false},
    {"positions on every joint", "", ROWS_OF(mixamo_rows), "ZXY", true, true, false, 'y', 3, .01, 30, T_POSE,
     false},
    {"millimetres, hanging arms", "Robot_", ROWS_OF(mixamo_rows), "ZXY", false, false, false, 'z', 3, .001,
     30, HANGING, false},
    {"left-handed", "", ROWS_OF(mixamo_rows), "ZXY", false, false, true, 'y', .5, .01, 30, T_POSE, false},
};
enum { FLAVOURS = sizeof flavours / sizeof *flavours };

#endif
