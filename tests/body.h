/* For tests of the body: comparing numbers, test poses, and a second derivation of the kinematics, with
 * rotation matrices and DeepMimic's skeleton table instead of MuJoCo and humanoid.xml. Uses the types of
 * sim/, but not its functions. */
#ifndef AMI_TESTS_BODY_H
#define AMI_TESTS_BODY_H

#include "base/rng.h"
#include "motion/rotation.h"
#include "sim/character.h"
#include "sim/world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline void assert_near(double got, double want, double tolerance, const char *what, int index)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s[%d] is %.17g, expected %.17g, off by %.3g (allowed %.3g)", what, index, got, want,
                 fabs(got - want), tolerance);
}

static inline void assert_all_near(const double *got, const double *want, int n, double tolerance,
                                   const char *what)
{
    for (int i = 0; i < n; i++)
        assert_near(got[i], want[i], tolerance, what, i);
}

/* The sentence that came must hold all of `parts` (separated by '|'). */
static inline void assert_sentence(const ami_error *err, const char *parts)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", parts);
    for (char *rest, *part = strtok_r(copy, "|", &rest); part; part = strtok_r(NULL, "|", &rest))
        if (!strstr(err->text, part))
            fail_msg("\"%s\" does not say \"%s\"", err->text, part);
    if (strchr(err->text, '\n'))
        fail_msg("\"%s\" is more than one line", err->text);
}

/* DeepMimic's skeleton: the facts that humanoid.xml must agree with. Lengths in m, half of the original's
 * full sizes and diameters; kp in N·m/rad, limits in N·m; weight before normalisation. A capsule's length is
 * half its cylinder's. */
typedef struct skeleton_row {
    const char *name;
    int parent;
    double offset[3], centre[3];
    int shape; /* mjtGeom */
    double size[3], mass, kp, limit, weight;
} skeleton_row;

/* clang-format off */
#define LEG_AND_ARM(side, hip, z)                                                                                                            \
    {side "_hip", AMI_ROOT, {0, 0, z * .084887}, {0, -.21, 0}, mjGEOM_CAPSULE, {.055, .15}, 4.5, 500, 200, .5},                              \
    {side "_knee", hip, {0, -.421546, 0}, {0, -.2, 0}, mjGEOM_CAPSULE, {.05, .155}, 3, 500, 150, .3},                                        \
    {side "_ankle", hip + 1, {0, -.40987, 0}, {.045, -.0225, 0}, mjGEOM_BOX, {.0885, .0275, .045}, 1, 400, 90, .2},                          \
    {side "_shoulder", AMI_CHEST, {-.02405, .2435, z * .18311}, {0, -.14, 0}, mjGEOM_CAPSULE, {.045, .09}, 1.5, 400, 100, .3},               \
    {side "_elbow", hip + 3, {0, -.274788, 0}, {0, -.12, 0}, mjGEOM_CAPSULE, {.04, .0675}, 1, 300, 60, .2},                                  \
    {side "_wrist", hip + 4, {0, -.258947, 0}, {0, 0, 0}, mjGEOM_SPHERE, {.04}, .5, 0, 0, 0}
static const skeleton_row skeleton[AMI_BODIES] = {
    {"root", -1, {0, 0, 0}, {0, .07, 0}, mjGEOM_SPHERE, {.09}, 6, 0, 0, 1},
    {"chest", AMI_ROOT, {0, .236151, 0}, {0, .12, 0}, mjGEOM_SPHERE, {.11}, 14, 1000, 200, .5},
    {"neck", AMI_CHEST, {0, .223894, 0}, {0, .175, 0}, mjGEOM_SPHERE, {.1025}, 2, 100, 50, .3},
    LEG_AND_ARM("right", AMI_RIGHT_HIP, 1),
    LEG_AND_ARM("left", AMI_LEFT_HIP, -1),
};
#undef LEG_AND_ARM
/* clang-format on */

/* First index of body i's joint in a pose and in a velocity, written down once more from motion/clip.h; -1
 * where there is none. */
static const int pose_at[AMI_BODIES] = {3, 7, 11, 15, 19, 20, 24, 28, -1, 29, 33, 34, 38, 42, -1};
static const int vel_at[AMI_BODIES] = {3, 6, 9, 12, 15, 16, 19, 22, -1, 23, 26, 27, 30, 33, -1};

static inline bool is_hinge(int body)
{
    return body == AMI_RIGHT_KNEE || body == AMI_LEFT_KNEE || body == AMI_RIGHT_ELBOW ||
           body == AMI_LEFT_ELBOW;
}

static inline bool is_ball(int body)
{
    return body != AMI_ROOT && pose_at[body] >= 0 && !is_hinge(body);
}

/* Standing upright at x = y = 0 and facing x, root at height z. With z = .881416 the soles are on the ground:
 * .421546 + .40987 + .05. */
static inline void pose_at_rest(double pose[AMI_POSE], double z)
{
    memset(pose, 0, AMI_POSE * sizeof *pose);
    pose[2] = z;
    for (int i = 0; i < AMI_BODIES; i++)
        if (is_ball(i))
            pose[pose_at[i]] = 1;
    pose[3] = pose[4] = sqrt(.5);
}

static inline void random_unit(ami_rng *rng, double *out, int n)
{
    double length2 = 0;
    for (int k = 0; k < n; k++) {
        out[k] = ami_rng_normal(rng);
        length2 += out[k] * out[k];
    }
    for (int k = 0; k < n; k++)
        out[k] /= sqrt(length2);
}

/* Quaternion of a turn by `angle` about a unit axis. */
static inline void turn_about(double q[4], double x, double y, double z, double angle)
{
    const double s = sin(angle / 2);
    q[0] = cos(angle / 2);
    q[1] = s * x;
    q[2] = s * y;
    q[3] = s * z;
}

/* Any root rotation, balls turned by up to `bend` rad, hinges somewhere inside their limits. */
static inline void random_pose(ami_rng *rng, double pose[AMI_POSE], double z, double bend)
{
    pose_at_rest(pose, z);
    random_unit(rng, pose + 3, 4);
    for (int i = 1; i < AMI_BODIES; i++) {
        if (is_ball(i)) {
            double axis[3];
            random_unit(rng, axis, 3);
            turn_about(pose + pose_at[i], axis[0], axis[1], axis[2], ami_rng_range(rng, 0, bend));
        } else if (is_hinge(i)) {
            const double angle = ami_rng_range(rng, .2, .2 + bend);
            pose[pose_at[i]] = i == AMI_RIGHT_KNEE || i == AMI_LEFT_KNEE ? -angle : angle;
        }
    }
}

static inline void random_velocity(ami_rng *rng, double vel[AMI_VEL], double most)
{
    for (int k = 0; k < AMI_VEL; k++)
        vel[k] = ami_rng_range(rng, -most, most);
}

/* Rotation matrix of a unit quaternion. */
static inline void matrix_of(double m[3][3], const double q[4])
{
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    const double rows[3][3] = {{1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)},
                               {2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)},
                               {2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)}};
    memcpy(m, rows, sizeof rows);
}

/* Rotation about the vertical. */
static inline void matrix_about_z(double m[3][3], double angle)
{
    const double rows[3][3] = {{cos(angle), -sin(angle), 0}, {sin(angle), cos(angle), 0}, {0, 0, 1}};
    memcpy(m, rows, sizeof rows);
}

static inline void matrix_product(double out[3][3], double a[3][3], double b[3][3])
{
    double sum[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            sum[i][j] = a[i][0] * b[0][j] + a[i][1] * b[1][j] + a[i][2] * b[2][j];
    memcpy(out, sum, sizeof sum);
}

static inline void matrix_times(double out[3], double m[3][3], const double v[3])
{
    for (int i = 0; i < 3; i++)
        out[i] = m[i][0] * v[0] + m[i][1] * v[1] + m[i][2] * v[2];
}

static inline void transposed(double out[3][3], double m[3][3])
{
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            out[i][j] = m[j][i];
}

/* The angle of the rotation that leads from a to b, rad: from the trace near pi, from the antisymmetric part
 * near 0. */
static inline double angle_between(double a[3][3], double b[3][3])
{
    double t[3][3], d[3][3];
    transposed(t, a);
    matrix_product(d, t, b);
    const double x = d[2][1] - d[1][2], y = d[0][2] - d[2][0], z = d[1][0] - d[0][1];
    return atan2(sqrt(x * x + y * y + z * z), d[0][0] + d[1][1] + d[2][2] - 1);
}

/* Where everything is, worked out from the table. World frame, z up. */
typedef struct placed_body {
    double joint[AMI_BODIES][3], centre[AMI_BODIES][3], rot[AMI_BODIES][3][3];
    double com[3], lowest;
} placed_body;

static inline double lowest_of(const skeleton_row *row, const double centre[3], double rot[3][3])
{
    double lowest = INFINITY;
    if (row->shape == mjGEOM_BOX) {
        for (int corner = 0; corner < 8; corner++) {
            const double at[3] = {(corner & 1 ? 1 : -1) * row->size[0], (corner & 2 ? 1 : -1) * row->size[1],
                                  (corner & 4 ? 1 : -1) * row->size[2]};
            double out[3];
            matrix_times(out, rot, at);
            lowest = fmin(lowest, centre[2] + out[2]);
        }
        return lowest;
    }
    for (int end = -1; end <= 1; end += 2) { /* a sphere is a capsule without a cylinder; capsules lie along
                                                y */
        const double at[3] = {0, row->shape == mjGEOM_CAPSULE ? end * row->size[1] : 0, 0};
        double out[3];
        matrix_times(out, rot, at);
        lowest = fmin(lowest, centre[2] + out[2] - row->size[0]);
    }
    return lowest;
}

static inline void place_body(placed_body *body, const double pose[AMI_POSE])
{
    memset(body, 0, sizeof *body);
    body->lowest = INFINITY;
    double mass = 0;
    for (int i = 0; i < AMI_BODIES; i++) {
        const skeleton_row *row = &skeleton[i];
        double out[3];
        if (i == AMI_ROOT) {
            memcpy(body->joint[i], pose, sizeof out);
            matrix_of(body->rot[i], pose + 3);
        } else {
            matrix_times(out, body->rot[row->parent], row->offset);
            for (int k = 0; k < 3; k++)
                body->joint[i][k] = body->joint[row->parent][k] + out[k];
            double own[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
            if (is_ball(i))
                matrix_of(own, pose + pose_at[i]);
            else if (is_hinge(i))
                matrix_about_z(own, pose[pose_at[i]]);
            matrix_product(body->rot[i], body->rot[row->parent], own);
        }
        matrix_times(out, body->rot[i], row->centre);
        for (int k = 0; k < 3; k++) {
            body->centre[i][k] = body->joint[i][k] + out[k];
            body->com[k] += row->mass * body->centre[i][k];
        }
        mass += row->mass;
        body->lowest = fmin(body->lowest, lowest_of(row, body->centre[i], body->rot[i]));
    }
    for (int k = 0; k < 3; k++)
        body->com[k] /= mass;
}

/* Where a pose is after dt seconds at this velocity (motion/clip.h's layout). */
static inline void drift(double out[AMI_POSE], const double pose[AMI_POSE], const double vel[AMI_VEL],
                         double dt)
{
    memcpy(out, pose, AMI_POSE * sizeof *out);
    for (int k = 0; k < 3; k++)
        out[k] += vel[k] * dt;
    for (int i = 0; i < AMI_BODIES; i++) {
        if (is_hinge(i)) {
            out[pose_at[i]] += vel[vel_at[i]] * dt;
        } else if (i == AMI_ROOT || is_ball(i)) {
            const double *w = vel + vel_at[i], speed = sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]);
            double turn[4] = {1, 0, 0, 0};
            if (speed > 0)
                turn_about(turn, w[0] / speed, w[1] / speed, w[2] / speed, speed * dt);
            ami_quat_mul(out + pose_at[i], pose + pose_at[i], turn);
        }
    }
}

/* Velocities by central differences of place_body. */
typedef struct moving_body {
    placed_body at;
    double lin[AMI_BODIES][3], ang[AMI_BODIES][3], com_vel[3];
} moving_body;

static inline void place_moving_body(moving_body *body, const double pose[AMI_POSE],
                                     const double vel[AMI_VEL])
{
    const double e = 1e-5;
    double p[AMI_POSE];
    placed_body before, after;
    place_body(&body->at, pose);
    drift(p, pose, vel, -e);
    place_body(&before, p);
    drift(p, pose, vel, e);
    place_body(&after, p);
    for (int k = 0; k < 3; k++)
        body->com_vel[k] = (after.com[k] - before.com[k]) / (2 * e);
    for (int i = 0; i < AMI_BODIES; i++) {
        double t[3][3], d[3][3];
        transposed(t, before.rot[i]);
        matrix_product(d, after.rot[i], t); /* 1 + 2 e times the cross product's matrix of the angular
                                               velocity */
        const double w[3] = {d[2][1] - d[1][2], d[0][2] - d[2][0], d[1][0] - d[0][1]};
        for (int k = 0; k < 3; k++) {
            body->lin[i][k] = (after.centre[i][k] - before.centre[i][k]) / (2 * e);
            body->ang[i][k] = w[k] / (4 * e);
        }
    }
}

/* amble's humanoid, or a failed test. */
static inline ami_character *load_character(double physics_hz)
{
    ami_error err = {""};
    ami_character_def def = ami_character_default_def();
    def.physics_hz = physics_hz;
    ami_character *character = ami_character_create(&def, &err);
    if (!character)
        fail_msg("%s", err.text);
    return character;
}

/* A clip from poses, or a failed test. */
static inline ami_clip *make_clip(int frames, const double *time, const double *pose, bool loop)
{
    ami_error err = {""};
    ami_clip *clip = ami_clip_create(frames, time, pose, loop, "test", &err);
    if (!clip)
        fail_msg("%s", err.text);
    return clip;
}

/* The state as MuJoCo's own kinematics have it. */
static inline void state_by_mujoco(ami_world *world, ami_state *state)
{
    const ami_character *c = world->character;
    const mjModel *m = c->model;
    mjData *d = world->data;
    mj_kinematics(m, d);
    mj_comPos(m, d);
    mj_comVel(m, d);
    memcpy(state->pose, d->qpos, 7 * sizeof(double));
    memcpy(state->vel, d->qvel, 6 * sizeof(double));
    double momentum[3] = {0};
    /* where cvel's linear part is measured */
    const double *origin = d->subtree_com + 3 * m->body_rootid[c->body[AMI_ROOT]];
    for (int i = 0; i < AMI_BODIES; i++) {
        const ami_joint *joint = &c->joint[i];
        const int b = c->body[i];
        memcpy(state->pose + joint->pose, d->qpos + joint->qpos, (size_t)joint->width * sizeof(double));
        memcpy(state->vel + joint->vel, d->qvel + joint->qvel,
               (size_t)(joint->width == 4 ? 3 : joint->width) * sizeof(double));
        memcpy(state->centre[i], d->xipos + 3 * b, 3 * sizeof(double));
        memcpy(state->joint[i], d->xpos + 3 * b, 3 * sizeof(double));
        memcpy(state->rot[i], d->xquat + 4 * b, 4 * sizeof(double));
        const double *w = d->cvel + 6 * b, *v = w + 3;
        const double r[3] = {state->centre[i][0] - origin[0], state->centre[i][1] - origin[1],
                             state->centre[i][2] - origin[2]};
        memcpy(state->ang[i], w, 3 * sizeof(double));
        state->lin[i][0] = v[0] + w[1] * r[2] - w[2] * r[1];
        state->lin[i][1] = v[1] + w[2] * r[0] - w[0] * r[2];
        state->lin[i][2] = v[2] + w[0] * r[1] - w[1] * r[0];
        for (int k = 0; k < 3; k++)
            momentum[k] += m->body_mass[b] * state->lin[i][k];
    }
    for (int k = 0; k < 3; k++)
        state->com_vel[k] = momentum[k] / c->mass;
}

#endif
