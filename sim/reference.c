#include "sim/reference.h"

#include "sim/rotation.h"

#include <math.h>

static void turn_vector(double heading, const double in[2], double out[2])
{
    const double c = cos(heading), s = sin(heading), x = in[0], y = in[1];
    out[0] = c * x - s * y;
    out[1] = s * x + c * y;
}

/* Moves the frame so that its root, now, is over `at`. */
static void place_root(amb_reference *reference, const double at[2])
{
    double pose[AMB_POSE], ground[2];
    amb_clip_sample(reference->clip, reference->time, pose, NULL);
    turn_vector(reference->heading, pose, ground);
    reference->place[0] = at[0] - ground[0];
    reference->place[1] = at[1] - ground[1];
}

void amb_reference_start(amb_reference *reference, const amb_clip *clip, double time, double heading, const double at[2])
{
    *reference = (amb_reference){.clip = clip, .time = time, .heading = heading};
    place_root(reference, at);
}

void amb_reference_sample(const amb_reference *reference, double ahead, double pose[AMB_POSE], double vel[AMB_VEL])
{
    double own_pose[AMB_POSE];
    double *p = pose ? pose : own_pose;
    amb_clip_sample(reference->clip, reference->time + ahead, p, vel);
    const double turn[4] = {cos(reference->heading / 2), 0, 0, sin(reference->heading / 2)};
    const double rot[4] = {p[3], p[4], p[5], p[6]};
    turn_vector(reference->heading, p, p);
    p[0] += reference->place[0];
    p[1] += reference->place[1];
    amb_quat_mul(p + 3, turn, rot);
    if (vel) {
        turn_vector(reference->heading, vel, vel);
        double inverse[4], up[3];
        amb_quat_conj(inverse, p + 3);
        amb_quat_rotate(up, inverse, (const double[3]){0, 0, reference->turn_rate});
        for (int k = 0; k < 3; k++)
            vel[3 + k] += up[k];
    }
}

bool amb_reference_advance(amb_reference *reference, double dt, const double body[2])
{
    reference->time += dt;
    bool wrapped = false;
    if (amb_clip_loops(reference->clip)) {
        const double duration = amb_clip_duration(reference->clip);
        if (reference->time >= duration) {
            reference->time = fmod(reference->time, duration);
            wrapped = true;
        }
    }
    if (reference->turn_rate != 0)
        amb_reference_turn(reference, reference->turn_rate * dt);
    if (wrapped)
        place_root(reference, body);
    return wrapped;
}

void amb_reference_turn(amb_reference *reference, double angle)
{
    double pose[AMB_POSE];
    amb_reference_sample(reference, 0, pose, NULL);
    reference->heading += angle;
    place_root(reference, pose);
}

double amb_reference_phase(const amb_reference *reference)
{
    return amb_clip_phase(reference->clip, reference->time);
}
