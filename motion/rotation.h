/* Rotations in double: unit quaternions wxyz and rotation vectors, small enough to inline.
 *
 * A quaternion q turns a vector from the child's (body) frame to the parent's (world) frame: v_parent = q v
 * q*. ami_quat_mul(out, a, b) turns by b first, then by a. A rotation vector is axis times angle in rad. The
 * result comes first, as in MuJoCo, and may be one of the inputs. Inputs are taken as unit length where a
 * comment does not say otherwise; nothing here checks that, allocates or fails. */
#ifndef AMI_MOTION_ROTATION_H
#define AMI_MOTION_ROTATION_H

#include <math.h>

/* The y-up world of DeepMimic seen from a z-up world: a turn by 90 degrees about x, (x, y, z) -> (x, -z, y).
 */
#define AMI_QUAT_Y_UP ((const double[4]){0.70710678118654752440, 0.70710678118654752440, 0.0, 0.0})

static inline void ami_quat_identity(double out[4])
{
    out[0] = 1.0;
    out[1] = out[2] = out[3] = 0.0;
}

/* Hamilton product a b. Any length. */
static inline void ami_quat_mul(double out[4], const double a[4], const double b[4])
{
    const double w = a[0] * b[0] - a[1] * b[1] - a[2] * b[2] - a[3] * b[3];
    const double x = a[0] * b[1] + a[1] * b[0] + a[2] * b[3] - a[3] * b[2];
    const double y = a[0] * b[2] - a[1] * b[3] + a[2] * b[0] + a[3] * b[1];
    const double z = a[0] * b[3] + a[1] * b[2] - a[2] * b[1] + a[3] * b[0];
    out[0] = w, out[1] = x, out[2] = y, out[3] = z;
}

/* Conjugate: the inverse rotation. */
static inline void ami_quat_conj(double out[4], const double q[4])
{
    out[0] = q[0], out[1] = -q[1], out[2] = -q[2], out[3] = -q[3];
}

/* a* b: the rotation from a to b, seen in a's own frame. Any length. */
static inline void ami_quat_between(double out[4], const double a[4], const double b[4])
{
    const double inverse[4] = {a[0], -a[1], -a[2], -a[3]};
    ami_quat_mul(out, inverse, b);
}

/* Any length. */
static inline double ami_quat_dot(const double a[4], const double b[4])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
}

/* Scales to unit length and returns the length found. One too short to have a direction (below 1e-12) becomes
 * the identity. */
static inline double ami_quat_normalize(double q[4])
{
    const double length = sqrt(ami_quat_dot(q, q));
    if (length < 1e-12) {
        ami_quat_identity(q);
    } else {
        const double scale = 1.0 / length;
        q[0] *= scale, q[1] *= scale, q[2] *= scale, q[3] *= scale;
    }
    return length;
}

/* Negates q where that brings it nearer to `to`: the same rotation, on the same half of the sphere. */
static inline void ami_quat_same_side(double q[4], const double to[4])
{
    if (ami_quat_dot(q, to) < 0.0) {
        q[0] = -q[0], q[1] = -q[1], q[2] = -q[2], q[3] = -q[3];
    }
}

/* out = q v q*: from the child's frame to the parent's. */
static inline void ami_quat_rotate(double out[3], const double q[4], const double v[3])
{
    /* v + w t + u x t with t = 2 u x v, u the quaternion's vector part */
    const double tx = 2.0 * (q[2] * v[2] - q[3] * v[1]);
    const double ty = 2.0 * (q[3] * v[0] - q[1] * v[2]);
    const double tz = 2.0 * (q[1] * v[1] - q[2] * v[0]);
    const double x = v[0] + q[0] * tx + q[2] * tz - q[3] * ty;
    const double y = v[1] + q[0] * ty + q[3] * tx - q[1] * tz;
    const double z = v[2] + q[0] * tz + q[1] * ty - q[2] * tx;
    out[0] = x, out[1] = y, out[2] = z;
}

/* out = q* v q: from the parent's frame to the child's. */
static inline void ami_quat_unrotate(double out[3], const double q[4], const double v[3])
{
    const double inverse[4] = {q[0], -q[1], -q[2], -q[3]};
    ami_quat_rotate(out, inverse, v);
}

/* The rotation vector of q, along the shorter arc (angle in [0, pi]); accurate for the smallest angles. Any
 * length but zero. */
static inline void ami_quat_log(double out[3], const double q[4])
{
    const double w = fabs(q[0]), sign = q[0] < 0.0 ? -1.0 : 1.0;
    const double v2 = q[1] * q[1] + q[2] * q[2] + q[3] * q[3];
    double scale;
    if (v2 < 1e-12 * w * w) {
        scale = 2.0 / w * (1.0 - v2 / (3.0 * w * w)); /* 2 atan(v/w) / v; the next term is below 1e-24 */
    } else {
        const double v = sqrt(v2);
        scale = 2.0 * atan2(v, w) / v;
    }
    scale *= sign;
    const double x = scale * q[1], y = scale * q[2], z = scale * q[3];
    out[0] = x, out[1] = y, out[2] = z;
}

/* The quaternion of a rotation vector; accurate for the smallest angles. */
static inline void ami_quat_exp(double out[4], const double r[3])
{
    const double a2 = r[0] * r[0] + r[1] * r[1] + r[2] * r[2]; /* angle squared */
    double w, s;                                               /* cos(a/2), sin(a/2) / a */
    if (a2 < 1e-4) {
        w = 1.0 - a2 * (1.0 / 8 - a2 / 384);
        s = 0.5 - a2 * (1.0 / 48 - a2 / 3840); /* next terms: below 3e-17 */
    } else {
        const double a = sqrt(a2);
        w = cos(0.5 * a);
        s = sin(0.5 * a) / a;
    }
    const double x = s * r[0], y = s * r[1], z = s * r[2];
    out[0] = w, out[1] = x, out[2] = y, out[3] = z;
}

/* Turn by `angle` rad about a unit axis. */
static inline void ami_quat_axis_angle(double out[4], const double axis[3], double angle)
{
    const double c = cos(0.5 * angle), s = sin(0.5 * angle);
    const double x = s * axis[0], y = s * axis[1], z = s * axis[2];
    out[0] = c, out[1] = x, out[2] = y, out[3] = z;
}

/* Turn by `angle` rad about z (up). */
static inline void ami_quat_about_z(double out[4], double angle)
{
    out[0] = cos(0.5 * angle);
    out[1] = out[2] = 0.0;
    out[3] = sin(0.5 * angle);
}

/* The angle between two rotations, rad in [0, pi]; accurate near 0 and near pi. Any length but zero. */
static inline double ami_quat_angle(const double a[4], const double b[4])
{
    double d[4];
    ami_quat_between(d, a, b);
    return 2.0 * atan2(sqrt(d[1] * d[1] + d[2] * d[2] + d[3] * d[3]), fabs(d[0]));
}

/* Heading in a z-up world, rad in (-pi, pi]: where the body's x axis points on the ground. Undefined (but
 * finite) where x is vertical. */
static inline double ami_quat_heading(const double q[4])
{
    return atan2(2.0 * (q[1] * q[2] + q[0] * q[3]), 1.0 - 2.0 * (q[2] * q[2] + q[3] * q[3]));
}

/* Spherical interpolation along the shorter arc (Shoemake 1985), u in [0, 1]; the result is on a's side of
 * the sphere at u = 0. Below 7 degrees, the usual gap between two frames, by a series that needs no
 * trigonometry and is exact to rounding (Eberly 2011). */
static inline void ami_quat_slerp(double out[4], const double a[4], const double b[4], double u)
{
    double dot = ami_quat_dot(a, b), sign = 1.0;
    if (dot < 0.0) {
        dot = -dot;
        sign = -1.0;
    }
    const double d = 1.0 - dot, v = 1.0 - u;
    double fa, fb; /* sin((1-u) h) / sin h, sin(u h) / sin h, with h half the angle */
    if (d < 2e-3) {
        const double h2 = d * (2.0 + d * (1.0 / 3 + d * (4.0 / 45 + d / 35))); /* acos(1 - d) squared */
        const double ha = h2 * v * v, hb = h2 * u * u;
        const double scale = 1.0 / (1.0 - h2 * (1.0 / 6 - h2 * (1.0 / 120 - h2 / 5040)));
        fa = v * scale * (1.0 - ha * (1.0 / 6 - ha * (1.0 / 120 - ha / 5040)));
        fb = u * scale * (1.0 - hb * (1.0 / 6 - hb * (1.0 / 120 - hb / 5040)));
    } else {
        const double h = acos(dot), scale = 1.0 / sin(h); /* dot is in [0, .998]: sin h is at least .06 */
        fa = sin(v * h) * scale;
        fb = sin(u * h) * scale;
    }
    fb *= sign;
    for (int i = 0; i < 4; i++) {
        out[i] = fa * a[i] + fb * b[i];
    }
}

#endif
