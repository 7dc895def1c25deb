/* Samples, advances, turns and changes the reference motion. */
#include "sim/reference.h"

#include "base/assert.h"
#include "motion/rotation.h"

#include <math.h>
#include <string.h>

static void turn_vector(double heading, const double in[2], double out[2])
{
    const double c = cos(heading), s = sin(heading), x = in[0], y = in[1];
    out[0] = c * x - s * y;
    out[1] = s * x + c * y;
}

/* ---- the difference from the previous motion ---- */

/* S(u) of the header, and its slope. */
static double fading(double u, double *slope)
{
    if (u >= 1) {
        *slope = 0;
        return 0;
    }
    *slope = -30 * u * u * (1 - u) * (1 - u);
    return 1 - u * u * u * (10 - u * (15 - 6 * u));
}

/* The integral of S from 0 to u: 1/2 from u = 1 on. */
static double faded_distance(double u)
{
    return u >= 1 ? .5 : u - u * u * u * u * (2.5 - u * (3 - u));
}

/* out = r + f d × r + g d × (d × r) */
static void turned_rate(double out[3], const double d[3], const double r[3], double f, double g)
{
    const double c[3] = {d[1] * r[2] - d[2] * r[1], d[2] * r[0] - d[0] * r[2], d[0] * r[1] - d[1] * r[0]};
    const double cc[3] = {d[1] * c[2] - d[2] * c[1], d[2] * c[0] - d[0] * c[2], d[0] * c[1] - d[1] * c[0]};
    for (int k = 0; k < 3; k++)
        out[k] = r[k] + f * c[k] + g * cc[k];
}

/* The angular velocity, in the child's frame, of exp(d) when d changes at the rate r: the right Jacobian of
 * the exponential map. */
static void rate_to_speed(double w[3], const double d[3], const double r[3])
{
    const double a2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2], a = sqrt(a2);
    if (a2 < 1e-4)
        turned_rate(w, d, r, -.5 + a2 / 24, 1. / 6 - a2 / 120);
    else
        turned_rate(w, d, r, (cos(a) - 1) / a2, (a - sin(a)) / (a2 * a));
}

/* The inverse of rate_to_speed, for |d| < 2 pi. */
static void speed_to_rate(double r[3], const double d[3], const double w[3])
{
    const double a2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2], a = sqrt(a2);
    turned_rate(r, d, w, .5, a2 < 1e-4 ? 1. / 12 + a2 / 720 : 1 / a2 - 1 / (2 * a * tan(a / 2)));
}

/* Right-multiplies a rotation by exp(d), where d changes at the rate r, and updates its angular velocity w
 * (in the child's frame; may be NULL). */
static void displace_rotation(double q[4], double *w, const double d[3], const double r[3])
{
    double turn[4], own[3];
    ami_quat_exp(turn, d);
    ami_quat_mul(q, q, turn);
    if (!w)
        return;
    ami_quat_unrotate(w, turn, w);
    rate_to_speed(own, d, r);
    for (int k = 0; k < 3; k++)
        w[k] += own[k];
}

/* Adds the decayed difference, `ahead` seconds from now, to a sample of the clip. vel may be NULL. */
static void add_fade(const ami_reference_fade *fade, double ahead, double pose[AMI_POSE], double *vel)
{
    const double age = fmax(fade->age + ahead, 0), u = age / fade->blend;
    double slope, slope2;
    const double s = fading(u, &slope), s2 = fading(2 * u, &slope2);
    const double distance = fade->blend * faded_distance(u);
    for (int k = 0; k < 2; k++) {
        pose[k] += fade->speed[k] * distance;
        if (vel)
            vel[k] += fade->speed[k] * s;
    }
    if (u >= 1)
        return;
    double d[AMI_VEL], r[AMI_VEL];
    for (int k = 2; k < AMI_VEL; k++) {
        d[k] = fade->shift[k] * s + fade->speed[k] * age * s2;
        r[k] = fade->shift[k] * slope / fade->blend + fade->speed[k] * (s2 + 2 * u * slope2);
    }
    pose[2] += d[2];
    if (vel)
        vel[2] += r[2];
    displace_rotation(pose + 3, vel ? vel + 3 : NULL, d + 3, r + 3);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const ami_clip_joint *joint = &ami_clip_joints[j];
        if (joint->ball) {
            displace_rotation(pose + joint->pose, vel ? vel + joint->vel : NULL, d + joint->vel,
                              r + joint->vel);
        } else {
            pose[joint->pose] += d[joint->vel];
            if (vel)
                vel[joint->vel] += r[joint->vel];
        }
    }
}

/* A sample in the clip's frame, decayed difference included. */
static void sample_own(const ami_reference *reference, double ahead, double pose[AMI_POSE], double *vel)
{
    ami_clip_sample(reference->clip, reference->time + reference->rate * ahead, pose, vel);
    if (vel && reference->rate != 1)
        for (int k = 0; k < AMI_VEL; k++)
            vel[k] *= reference->rate;
    if (reference->fade.blend > 0)
        add_fade(&reference->fade, ahead, pose, vel);
}

/* ---- the reference ---- */

/* Moves the frame so that the reference root is now over `at`. */
static void place_root(ami_reference *reference, const double at[2])
{
    double pose[AMI_POSE], ground[2];
    sample_own(reference, 0, pose, NULL);
    turn_vector(reference->heading, pose, ground);
    reference->place[0] = at[0] - ground[0];
    reference->place[1] = at[1] - ground[1];
}

void ami_reference_start(ami_reference *reference, const ami_clip *clip, double time, double heading,
                         const double at[2])
{
    AMI_ASSERT(reference && clip && isfinite(time) && isfinite(heading) && at);
    *reference = (ami_reference){.clip = clip, .time = time, .heading = heading, .rate = 1};
    place_root(reference, at);
}

void ami_reference_sample(const ami_reference *reference, double ahead, double pose[AMI_POSE],
                          double vel[AMI_VEL])
{
    AMI_ASSERT(reference && reference->clip && isfinite(ahead));
    double own_pose[AMI_POSE];
    double *p = pose ? pose : own_pose;
    sample_own(reference, ahead, p, vel);
    const double turn[4] = {cos(reference->heading / 2), 0, 0, sin(reference->heading / 2)};
    const double rot[4] = {p[3], p[4], p[5], p[6]};
    turn_vector(reference->heading, p, p);
    p[0] += reference->place[0];
    p[1] += reference->place[1];
    ami_quat_mul(p + 3, turn, rot);
    if (vel) {
        turn_vector(reference->heading, vel, vel);
        double inverse[4], up[3];
        ami_quat_conj(inverse, p + 3);
        ami_quat_rotate(up, inverse, (const double[3]){0, 0, reference->turn_rate});
        for (int k = 0; k < 3; k++)
            vel[3 + k] += up[k];
    }
}

bool ami_reference_advance(ami_reference *reference, double dt, const double body[2])
{
    AMI_ASSERT(reference && reference->clip && dt >= 0 && body);
    reference->time += reference->rate * dt;
    reference->fade.age += dt;
    bool wrapped = false;
    if (ami_clip_loops(reference->clip)) {
        const double duration = ami_clip_duration(reference->clip);
        if (reference->time >= duration) {
            reference->time = fmod(reference->time, duration);
            wrapped = true;
        }
    }
    if (reference->turn_rate != 0)
        ami_reference_turn(reference, reference->turn_rate * dt);
    if (wrapped)
        place_root(reference, body);
    return wrapped;
}

void ami_reference_turn(ami_reference *reference, double angle)
{
    AMI_ASSERT(reference && isfinite(angle));
    double pose[AMI_POSE];
    ami_reference_sample(reference, 0, pose, NULL);
    reference->heading += angle;
    place_root(reference, pose);
}

/* The displacement d from rotation a to rotation b, and its rate; va and vb are their angular velocities. */
static void rotation_between(double d[3], double rate[3], const double a[4], const double va[3],
                             const double b[4], const double vb[3])
{
    double q[4], w[3];
    ami_quat_between(q, a, b);
    ami_quat_log(d, q);
    ami_quat_exp(q, d);
    ami_quat_unrotate(w, q, va);
    for (int k = 0; k < 3; k++)
        w[k] = vb[k] - w[k];
    speed_to_rate(rate, d, w);
}

/* The difference between the motion (pose, vel) and the previous one, both in the clip's frame. */
static void displacement(ami_reference_fade *fade, const double pose[AMI_POSE], const double vel[AMI_VEL],
                         const double old_pose[AMI_POSE], const double old_vel[AMI_VEL])
{
    double *shift = fade->shift, *speed = fade->speed;
    for (int k = 0; k < 3; k++)
        speed[k] = old_vel[k] - vel[k];
    shift[2] = old_pose[2] - pose[2];
    rotation_between(shift + 3, speed + 3, pose + 3, vel + 3, old_pose + 3, old_vel + 3);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const int p = ami_clip_joints[j].pose, v = ami_clip_joints[j].vel;
        if (ami_clip_joints[j].ball) {
            rotation_between(shift + v, speed + v, pose + p, vel + v, old_pose + p, old_vel + v);
        } else {
            shift[v] = old_pose[p] - pose[p];
            speed[v] = old_vel[v] - vel[v];
        }
    }
}

void ami_reference_change(ami_reference *reference, const ami_clip *clip, double time, double rate,
                          double blend)
{
    AMI_ASSERT(reference && reference->clip && clip && isfinite(time) && rate > 0 && blend > 0);
    double old_pose[AMI_POSE], old_vel[AMI_VEL], pose[AMI_POSE], vel[AMI_VEL], at[AMI_POSE];
    sample_own(reference, 0, old_pose, old_vel);
    ami_reference_sample(reference, 0, at, NULL);
    reference->clip = clip;
    reference->time = time;
    reference->rate = rate;
    reference->fade = (ami_reference_fade){0};
    sample_own(reference, 0, pose, vel);
    reference->fade.blend = blend;
    displacement(&reference->fade, pose, vel, old_pose, old_vel);
    place_root(reference, at);
}

double ami_reference_phase(const ami_reference *reference)
{
    AMI_ASSERT(reference && reference->clip);
    return ami_clip_phase(reference->clip, reference->time);
}
