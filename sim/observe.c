/* Computes observations and goals. */
#include "sim/observe.h"

#include "base/assert.h"
#include "motion/rotation.h"

#include <math.h>

_Static_assert(AMI_OBS == 2 + (3 + 4) * AMI_BODIES + (3 + 3) * AMI_BODIES,
               "phase, height, bodies, velocities");
_Static_assert((int)AMI_GOAL == 3 + 3 + 4 + 3 + (int)AMI_ACTION,
               "root's position, velocities and turn; pose");
_Static_assert((int)AMI_ACTION == (int)AMI_POSE - 7, "an action is a pose without the root");

/* Writes a world vector (z up) in the frame with the given cosine and sine of the heading, in DeepMimic's
 * axes (y up, z right). */
static void put_vector(float *out, const double v[3], double cosine, double sine)
{
    const double x = cosine * v[0] + sine * v[1], y = -sine * v[0] + cosine * v[1];
    out[0] = (float)x;
    out[1] = (float)v[2];
    out[2] = (float)-y;
}

static void put_rotation(float *out, const double rot[4], double heading)
{
    /* Removes the heading, then turns by -90° about x, from z-up to y-up. */
    const double h = M_SQRT1_2, c = cos(heading / 2), s = -sin(heading / 2);
    const double frame[4] = {h * c, -h * c, h * s, h * s}; /* (h, -h, 0, 0) * (c, 0, 0, s) */
    double q[4];
    ami_quat_mul(q, frame, rot);
    const double sign = q[0] < 0 ? -1 : 1;
    for (int k = 0; k < 4; k++)
        out[k] = (float)(sign * q[k]);
}

void ami_observe(const ami_state *state, double phase, double reference_heading, float obs[AMI_OBS])
{
    AMI_ASSERT(state && phase >= 0 && phase < 1 && obs);
    const double *root = state->joint[AMI_ROOT];
    obs[0] = fminf((float)phase, 0x1.fffffep-1f); /* below 1 after rounding, too */
    obs[1] = (float)root[2];
    const double own_heading = ami_quat_heading(state->rot[AMI_ROOT]);
    const double own_cos = cos(own_heading), own_sin = sin(own_heading);
    for (int i = 0; i < AMI_BODIES; i++) {
        const double heading = i == AMI_ROOT ? reference_heading : own_heading;
        const double cosine = i == AMI_ROOT ? cos(heading) : own_cos,
                     sine = i == AMI_ROOT ? sin(heading) : own_sin;
        const double from_root[3] = {state->centre[i][0] - root[0], state->centre[i][1] - root[1],
                                     state->centre[i][2] - root[2]};
        put_vector(obs + 2 + 7 * i, from_root, own_cos, own_sin);
        put_rotation(obs + 2 + 7 * i + 3, state->rot[i], heading);
        put_vector(obs + 107 + 6 * i, state->lin[i], cosine, sine);
        put_vector(obs + 107 + 6 * i + 3, state->ang[i], cosine, sine);
    }
}

void ami_observe_goal(const ami_state *body, const ami_state *reference, double reference_heading,
                      const double target[AMI_POSE], float goal[AMI_GOAL])
{
    AMI_ASSERT(body && reference && target && goal);
    const double cosine = cos(reference_heading), sine = sin(reference_heading);
    const double *from = body->joint[AMI_ROOT], *to = reference->joint[AMI_ROOT];
    put_vector(goal, (const double[3]){to[0] - from[0], to[1] - from[1], to[2] - from[2]}, cosine, sine);
    put_vector(goal + 3, reference->vel, cosine, sine);
    put_rotation(goal + 6, reference->rot[AMI_ROOT], reference_heading);
    put_vector(goal + 10, reference->ang[AMI_ROOT], cosine, sine);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const int at = ami_clip_joints[j].pose, width = ami_clip_joints[j].ball ? 4 : 1;
        const double sign = width == 4 && target[at] < 0 ? -1 : 1;
        for (int k = 0; k < width; k++)
            goal[13 + at - 7 + k] = (float)(sign * target[at + k]);
    }
}
