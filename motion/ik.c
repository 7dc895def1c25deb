/* One frame: every joint from the points, down the tree. Where the root goes is in ik_motion.c. */
#include "motion/ik.h"

#include "base/assert.h"
#include "motion/rotation.h"

#include <math.h>
#include <string.h>

enum { X, Y, Z };

/* A limb's place in the arrays, the body that carries it, and its points (behind AMI_POINT_LEFT or
 * AMI_POINT_RIGHT). */
enum { RIGHT_LEG, RIGHT_ARM, LEFT_LEG, LEFT_ARM, LIMBS };
static const struct {
    int body, point; /* the upper bone's; the lower bone's are the next */
    double bends;    /* to which side of z the hinge turns: knees back, elbows forward */
    double stretch;  /* cosine of the bend to the other side below which the limb counts as overstretched, and
                        above which as twisted round: .3 rad for legs, whose clips have knees at -.2; .15 rad
                        for arms, which have none, but twist round in a few frames */
} limbs[LIMBS] = {
    {AMI_RIGHT_HIP, AMI_POINT_RIGHT + AMI_POINT_HIP, -1, .95533649},
    {AMI_RIGHT_SHOULDER, AMI_POINT_RIGHT + AMI_POINT_SHOULDER, 1, .98877108},
    {AMI_LEFT_HIP, AMI_POINT_LEFT + AMI_POINT_HIP, -1, .95533649},
    {AMI_LEFT_SHOULDER, AMI_POINT_LEFT + AMI_POINT_SHOULDER, 1, .98877108},
};

/* How much a leg untwisted weighs beside the leg as it was in the frame before, where noise hides its twist.
 */
static const double homing = .2;

/* ---- vectors ---- */

static inline double dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline void cross(double out[3], const double a[3], const double b[3])
{
    const double x = a[1] * b[2] - a[2] * b[1], y = a[2] * b[0] - a[0] * b[2], z = a[0] * b[1] - a[1] * b[0];
    out[0] = x, out[1] = y, out[2] = z;
}

/* out += f v */
static inline void add(double out[3], double f, const double v[3])
{
    out[0] += f * v[0], out[1] += f * v[1], out[2] += f * v[2];
}

static inline void difference(double out[3], const double a[3], const double b[3])
{
    out[0] = a[0] - b[0], out[1] = a[1] - b[1], out[2] = a[2] - b[2];
}

/* False, and nothing done, where v is too short to have a direction. */
static inline bool make_unit(double v[3])
{
    const double length = sqrt(dot(v, v));
    if (!(length > 1e-9))
        return false;
    v[0] /= length, v[1] /= length, v[2] /= length;
    return true;
}

/* ---- rotations as three unit columns: where a body's x, y and z point ---- */

typedef double columns[3][3];

static void columns_of(columns c, const double q[4])
{
    const double x = 2 * q[1], y = 2 * q[2], z = 2 * q[3];
    c[X][0] = 1 - (q[2] * y + q[3] * z), c[X][1] = q[1] * y + q[0] * z, c[X][2] = q[1] * z - q[0] * y;
    c[Y][0] = q[1] * y - q[0] * z, c[Y][1] = 1 - (q[1] * x + q[3] * z), c[Y][2] = q[2] * z + q[0] * x;
    c[Z][0] = q[1] * z + q[0] * y, c[Z][1] = q[2] * z - q[0] * x, c[Z][2] = 1 - (q[1] * x + q[2] * y);
}

static void quat_of(double q[4], columns c)
{
    const double xx = c[X][0], yy = c[Y][1], zz = c[Z][2];
    /* Four times the squared components; the largest is at least 1. */
    const double four[4] = {1 + xx + yy + zz, 1 + xx - yy - zz, 1 - xx + yy - zz, 1 - xx - yy + zz};
    int most = 0;
    for (int k = 1; k < 4; k++)
        if (four[k] > four[most])
            most = k;
    const double wx = c[Y][2] - c[Z][1], wy = c[Z][0] - c[X][2], wz = c[X][1] - c[Y][0];
    const double xy = c[X][1] + c[Y][0], xz = c[X][2] + c[Z][0], yz = c[Y][2] + c[Z][1];
    const double rows[4][4] = {
        {four[0], wx, wy, wz}, {wx, four[1], xy, xz}, {wy, xy, four[2], yz}, {wz, xz, yz, four[3]}};
    memcpy(q, rows[most], 4 * sizeof *q);
    ami_quat_normalize(q);
}

/* out = joint + f times a column */
static inline void along(double out[3], const double joint[3], double f, const double column[3])
{
    memcpy(out, joint, 3 * sizeof *out);
    add(out, f, column);
}

static void placed(double out[3], const double joint[3], columns c, const double local[3])
{
    memcpy(out, joint, 3 * sizeof *out);
    for (int k = 0; k < 3; k++)
        add(out, local[k], c[k]);
}

/* The rotation whose columns `axis` and `axis` + 1 fit u and v best, that is, which makes u · column + v ·
 * next column largest: what least squares asks for, where u and v are the sums of the points, seen from the
 * joint, times their coordinates along these two axes. The columns lie in the plane of u and v, and there the
 * best turn is known. False, and nothing done, where u and v span no plane. */
static bool fit(columns c, int axis, const double u[3], const double v[3])
{
    double e[3] = {u[0], u[1], u[2]}, normal[3], f[3];
    cross(normal, u, v);
    const double area2 = dot(normal, normal);
    if (!(area2 > 1e-18 * dot(u, u) * dot(v, v)) || !make_unit(e))
        return false;
    const double area = sqrt(area2);
    normal[0] /= area, normal[1] /= area, normal[2] /= area;
    cross(f, normal, e);
    double cosine = dot(u, e) + dot(v, f), sine = -dot(v, e);
    const double length = sqrt(cosine * cosine + sine * sine); /* positive: u·e and v·f are */
    cosine /= length, sine /= length;
    double *first = c[axis], *second = c[(axis + 1) % 3];
    for (int k = 0; k < 3; k++) {
        first[k] = cosine * e[k] + sine * f[k];
        second[k] = cosine * f[k] - sine * e[k];
    }
    memcpy(c[(axis + 2) % 3], normal, sizeof normal);
    return true;
}

/* ---- one frame, in its heading frame ---- */

typedef struct solver {
    const ami_ik *ik;
    double point[AMI_POINTS][3];
    double rot[AMI_BODIES][4], joint[AMI_BODIES][3];
    columns turn[AMI_BODIES];
    double *pose;
} solver;

/* Where body i's joint is and how it would be turned if nothing had changed since the frame before. */
static void expect_body(solver *s, int i)
{
    const ami_skeleton *c = s->ik->def.skeleton;
    const int parent = c->parent[i];
    placed(s->joint[i], s->joint[parent], s->turn[parent], c->offset[i]);
    ami_quat_mul(s->rot[i], s->rot[parent], s->ik->pose + c->joint[i].pose);
    columns_of(s->turn[i], s->rot[i]);
}

/* Body i is turned as its columns say. */
static void settle_body(solver *s, int i)
{
    const ami_skeleton *c = s->ik->def.skeleton;
    double *own = s->pose + c->joint[i].pose;
    quat_of(s->rot[i], s->turn[i]);
    ami_quat_between(own, s->rot[c->parent[i]], s->rot[i]);
    ami_quat_same_side(own, s->ik->pose + c->joint[i].pose);
}

/* By definition the root's heading is 0 in this frame, so what it is was noise. That is taken off by the
 * smallest turn that does it: upright, about the vertical; the more it leans the more about the axis of the
 * lean's change, and by ever less of a turn, because close to upside down the least noise makes any heading.
 * To first order, which leaves nothing worth a second step. */
static void face_forward(double rot[4])
{
    /* Against upright, as in motion/points.c: rot (1, -1, 0, 0)/√2. */
    double w = (rot[0] + rot[1]) * M_SQRT1_2, z = (rot[2] + rot[3]) * M_SQRT1_2;
    double x = (rot[1] - rot[0]) * M_SQRT1_2, y = (rot[2] - rot[3]) * M_SQRT1_2;
    if (w < 0)
        w = -w, x = -x, y = -y, z = -z;
    /* Angular velocity ω changes the heading 2 atan(z/w) at the rate ω · g, and |g|² is 1/(w² + z²): the turn
     * is -heading g/|g|². */
    const double heading = 2 * atan2(z, w);
    const double turn[3] = {-heading * (w * y + z * x), -heading * (z * y - w * x),
                            -heading * (w * w + z * z)};
    double back[4];
    ami_quat_exp(back, turn);
    ami_quat_mul(rot, back, rot);
}

static void solve_root(solver *s)
{
    const ami_skeleton *k = s->ik->def.skeleton;
    static const int points[4] = {AMI_POINT_ROOT, AMI_POINT_PELVIS_TOP, AMI_POINT_RIGHT + AMI_POINT_HIP,
                                  AMI_POINT_LEFT + AMI_POINT_HIP};
    static const double nowhere[3];
    const double *template[4] = {nowhere, k->offset[AMI_CHEST], k->offset[AMI_RIGHT_HIP],
                                 k->offset[AMI_LEFT_HIP]};
    const double ground[3] = {0, 0, s->point[AMI_POINT_ROOT][2]};
    double u[3] = {0}, v[3] = {0}, r[3];
    for (int n = 1; n < 4; n++) {
        difference(r, s->point[points[n]], ground);
        add(u, template[n][1], r);
        add(v, template[n][2], r);
    }
    memcpy(s->rot[AMI_ROOT], s->ik->pose + 3, sizeof s->rot[0]);
    if (fit(s->turn[AMI_ROOT], Y, u, v)) {
        quat_of(s->rot[AMI_ROOT], s->turn[AMI_ROOT]);
        face_forward(s->rot[AMI_ROOT]);
    }
    ami_quat_same_side(s->rot[AMI_ROOT], s->ik->pose + 3);
    columns_of(s->turn[AMI_ROOT], s->rot[AMI_ROOT]);
    double height = 0; /* the root that the four points ask for, on average */
    for (int n = 0; n < 4; n++) {
        placed(r, nowhere, s->turn[AMI_ROOT], template[n]);
        height += (s->point[points[n]][2] - r[2]) / 4;
    }
    s->joint[AMI_ROOT][0] = s->joint[AMI_ROOT][1] = 0;
    s->joint[AMI_ROOT][2] = height;
    memcpy(s->pose, s->joint[AMI_ROOT], 3 * sizeof(double));
    memcpy(s->pose + 3, s->rot[AMI_ROOT], 4 * sizeof(double));
}

static void solve_chest(solver *s)
{
    const ami_skeleton *k = s->ik->def.skeleton;
    const double prior = s->ik->prior, *shoulder = k->offset[AMI_RIGHT_SHOULDER];
    double u[3] = {0}, v[3] = {0}, centre[3], neck[3], right[3], left[3];
    expect_body(s, AMI_CHEST);
    double(*turn)[3] = s->turn[AMI_CHEST];
    const double *joint = s->joint[AMI_CHEST];
    difference(centre, s->point[AMI_POINT_CHEST_CENTRE], joint);
    difference(neck, s->point[AMI_POINT_NECK], joint);
    difference(right, s->point[AMI_POINT_RIGHT + AMI_POINT_SHOULDER], joint);
    difference(left, s->point[AMI_POINT_LEFT + AMI_POINT_SHOULDER], joint);
    add(u, k->centre[AMI_CHEST][1], centre);
    add(u, k->offset[AMI_NECK][1], neck);
    add(u, prior, turn[Y]);
    add(v, shoulder[2], right);
    add(v, -shoulder[2], left);
    add(v, prior, turn[Z]);
    if (fit(turn, Y, u, v)) {
        /* Now that it is known where x points, the shoulders, which are off the plane of the others, can be
         * projected onto it and join them.
         */
        add(u, shoulder[1], right);
        add(u, shoulder[1], left);
        add(u, -2 * shoulder[1] * shoulder[0], turn[X]);
        fit(turn, Y, u, v);
    }
    settle_body(s, AMI_CHEST);
}

/* Two points in the x-y plane of body i. */
static void solve_plane(solver *s, int i, const double *p, const double p_local[3], const double *q,
                        const double q_local[3])
{
    double u[3] = {0}, v[3] = {0}, r[3];
    expect_body(s, i);
    difference(r, p, s->joint[i]);
    add(u, p_local[0], r);
    add(v, p_local[1], r);
    difference(r, q, s->joint[i]);
    add(u, q_local[0], r);
    add(v, q_local[1], r);
    add(u, s->ik->prior, s->turn[i][X]);
    add(v, s->ik->prior, s->turn[i][Y]);
    fit(s->turn[i], X, u, v);
    settle_body(s, i);
}

/* Turns the columns the shortest way so that -y points along the unit vector `to`. */
static void point_bone(columns c, const double to[3])
{
    const double from[3] = {-c[Y][0], -c[Y][1], -c[Y][2]};
    const double closeness = 1 + dot(from, to);
    if (closeness > 1e-9) { /* else it turns over about z, which is as short as any */
        const double f = -dot(to, c[Z]) / closeness;
        add(c[Z], f, from);
        add(c[Z], f, to);
    }
    for (int k = 0; k < 3; k++)
        c[Y][k] = -to[k];
    add(c[Z], -dot(c[Z], c[Y]), c[Y]);
    if (make_unit(c[Z]))
        cross(c[X], c[Y], c[Z]);
}

/* Upper and lower bone of a limb: where the upper one points, about what it is twisted, how far the hinge is
 * bent. */
static void solve_limb(solver *s, int limb)
{
    const ami_ik *ik = s->ik;
    const int i = limbs[limb].body;
    const double *middle = s->point[limbs[limb].point + 1], *end = s->point[limbs[limb].point + 2];
    const double upper_length = ik->upper[limb], lower_length = ik->lower[limb];
    double upper[3], lower[3], elbow[3], axis[3];
    expect_body(s, i);
    double(*turn)[3] = s->turn[i];
    const double *joint = s->joint[i];
    difference(upper, middle, joint);
    if (make_unit(upper))
        point_bone(turn, upper);
    along(elbow, joint, -upper_length, turn[Y]);
    difference(lower, end, elbow);

    double angle = ik->pose[ik->def.skeleton->joint[i + 1].pose];
    if (make_unit(lower)) {
        cross(axis, lower, turn[Y]); /* the upper bone points along -y: this is normal to the limb's plane, as
                                        long as the bend's sine */
        double side = limbs[limb].bends;
        /* A leg begins untwisted, so that one overstretched from the first frame on is seen; arms twist too
         * far for that. */
        if ((ik->started || limbs[limb].bends < 0) && side * dot(axis, turn[Z]) < 0 &&
            -dot(turn[Y], lower) > limbs[limb].stretch)
            side = -side;
        double z[3] = {0};
        add(z, side * lower_length * lower_length * sqrt(dot(axis, axis)), axis);
        add(z, ik->prior, turn[Z]);
        if (limbs[limb].bends < 0) { /* a leg that is straight for long drifts back to where legs are, not
                                        anywhere */
            const double bone[3] = {-turn[Y][0], -turn[Y][1], -turn[Y][2]};
            columns rest;
            memcpy(rest, s->turn[AMI_ROOT], sizeof rest);
            point_bone(rest, bone);
            add(z, homing * ik->prior, rest[Z]);
        }
        if (make_unit(z)) {
            memcpy(turn[Z], z, sizeof z);
            cross(turn[X], turn[Y], turn[Z]);
        }
        angle = atan2(dot(turn[X], lower), -dot(turn[Y], lower));
    }
    const double low = ik->low[limb], high = ik->high[limb];
    if (angle < low || angle > high) {
        /* The nearer end, the way round. */
        const double below = angle < low ? low - angle : low - angle + 2 * M_PI;
        const double above = angle > high ? angle - high : angle - high + 2 * M_PI;
        angle = below < above ? low : high;
        if (angle == 0) { /* straight: the direction that suits both points */
            double both[3] = {0};
            difference(upper, middle, joint);
            difference(lower, end, joint);
            add(both, upper_length, upper);
            add(both, upper_length + lower_length, lower);
            if (make_unit(both))
                point_bone(turn, both);
        }
    }
    settle_body(s, i);
    s->pose[ik->def.skeleton->joint[i + 1].pose] = angle;
    double bend[4];
    ami_quat_about_z(bend, angle);
    placed(s->joint[i + 1], joint, turn, ik->def.skeleton->offset[i + 1]);
    ami_quat_mul(s->rot[i + 1], s->rot[i], bend);
    columns_of(s->turn[i + 1], s->rot[i + 1]);
}

void ami_ik_solve(ami_ik *ik, const float features[AMI_FEATURES])
{
    AMI_ASSERT(ik && features);
    const ami_skeleton *k = ik->def.skeleton;
    double pose[AMI_POSE];
    solver s;
    s.ik = ik;
    s.pose = pose;
    for (int p = 0; p < AMI_POINTS; p++)
        for (int n = 0; n < 3; n++)
            s.point[p][n] = (double)features[3 * p + n];
    solve_root(&s);
    solve_chest(&s);
    solve_plane(&s, AMI_NECK, s.point[AMI_POINT_HEAD], k->centre[AMI_NECK], s.point[AMI_POINT_HEAD_FRONT],
                k->head_front);
    for (int limb = 0; limb < LIMBS; limb++)
        solve_limb(&s, limb);
    for (int side = 0; side < 2; side++) { /* right, left */
        const int p = side ? AMI_POINT_LEFT : AMI_POINT_RIGHT;
        solve_plane(&s, side ? AMI_LEFT_ANKLE : AMI_RIGHT_ANKLE, s.point[p + AMI_POINT_TOE], k->toe[side],
                    s.point[p + AMI_POINT_HEEL], k->heel[side]);
    }
    memcpy(ik->pose, pose, sizeof pose);
    ik->started = true;
}

/* ---- setting up ---- */

ami_ik_def ami_ik_default_def(const ami_skeleton *skeleton)
{
    return (ami_ik_def){.skeleton = skeleton, .rate = AMI_FEATURE_RATE, .noise = .01, .turn_speed = 3};
}

static bool check_def(const ami_ik_def *def, ami_error *err)
{
    if (!(def->rate >= 1 && def->rate <= 1000))
        return ami_fail(err, "%g frames of motion features a second, expected 1 to 1000", def->rate);
    if (!(def->noise >= 0 && def->noise <= 1))
        return ami_fail(err, "points with a noise of %g m, expected 0 to 1", def->noise);
    if (!(def->turn_speed > 0 && def->turn_speed <= 1000))
        return ami_fail(err, "joints that turn at %g rad/s, expected more than 0, at most 1000",
                        def->turn_speed);
    if (!isfinite(def->heading) || !isfinite(def->at[0]) || !isfinite(def->at[1]))
        return ami_fail(
            err, "a motion that starts at (%g, %g) m with a heading of %g rad, expected finite numbers",
            def->at[0], def->at[1], def->heading);
    return true;
}

static bool lies_along(const double v[3], int axis)
{
    for (int k = 0; k < 3; k++)
        if (k != axis && fabs(v[k]) > 1e-9)
            return false;
    return fabs(v[axis]) > 1e-3;
}

static bool check_bones(const ami_skeleton *k, ami_error *err)
{
    static const struct {
        int body, axis;
    } straight[] = {
        {AMI_CHEST, Y},       {AMI_NECK, Y},       {AMI_RIGHT_HIP, Z},   {AMI_LEFT_HIP, Z},
        {AMI_RIGHT_KNEE, Y},  {AMI_LEFT_KNEE, Y},  {AMI_RIGHT_ANKLE, Y}, {AMI_LEFT_ANKLE, Y},
        {AMI_RIGHT_ELBOW, Y}, {AMI_LEFT_ELBOW, Y}, {AMI_RIGHT_WRIST, Y}, {AMI_LEFT_WRIST, Y},
    };
    for (size_t n = 0; n < sizeof straight / sizeof *straight; n++) {
        const int i = straight[n].body;
        if (!lies_along(k->offset[i], straight[n].axis))
            return ami_fail(
                err,
                "joint \"%s\" is at (%g, %g, %g) m in its parent's frame, expected a place on the %c axis",
                ami_body_name[i], k->offset[i][0], k->offset[i][1], k->offset[i][2], "xyz"[straight[n].axis]);
    }
    const double *right = k->offset[AMI_RIGHT_SHOULDER], *left = k->offset[AMI_LEFT_SHOULDER];
    if (fabs(right[0] - left[0]) > 1e-9 || fabs(right[1] - left[1]) > 1e-9 || fabs(right[2] + left[2]) > 1e-9)
        return ami_fail(err, "the shoulders are not each other's mirror image");
    if (!lies_along(k->centre[AMI_CHEST], Y) || !lies_along(k->centre[AMI_NECK], Y))
        return ami_fail(err, "the centre of the chest or of the head is not on the y axis");
    return true;
}

bool ami_ik_init(ami_ik *ik, const ami_ik_def *def, ami_error *err)
{
    AMI_ASSERT(ik && def && def->skeleton);
    const ami_skeleton *c = def->skeleton;
    memset(ik, 0, sizeof *ik);
    if (!check_def(def, err) || !check_bones(c, err))
        return false;
    ik->def = *def;
    /* Points of deviation σ against a turn of deviation s since the last frame: σ²/2s², beside the sum of
     * squared lengths. The smallest number keeps a limb that is straight to the last digit on its twist. */
    const double ratio = def->noise * def->rate / def->turn_speed;
    ik->prior = fmax(ratio * ratio / 2, 1e-12);
    for (int limb = 0; limb < LIMBS; limb++) {
        const int hinge = limbs[limb].body + 1;
        ik->upper[limb] = fabs(c->offset[hinge][1]);
        ik->lower[limb] = fabs(c->offset[hinge + 1][1]);
        ik->low[limb] = c->hinge_range[hinge][0];
        ik->high[limb] = c->hinge_range[hinge][1];
    }
    ik->pose[3] = ik->pose[4] = M_SQRT1_2; /* upright, limbs hanging */
    for (int i = 1; i < AMI_BODIES; i++)
        if (c->joint[i].width == 4)
            ik->pose[c->joint[i].pose] = 1;
    return true;
}
