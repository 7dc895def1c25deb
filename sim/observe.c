#include "sim/observe.h"

#include "sim/rotation.h"

#include <math.h>

/* A world vector (z up) in a frame turned by the heading whose cosine and sine are given, in DeepMimic's axes (y up, z right). */
static void put_vector(float *out, const double v[3], double cosine, double sine)
{
    const double x = cosine * v[0] + sine * v[1], y = -sine * v[0] + cosine * v[1];
    out[0] = (float)x;
    out[1] = (float)v[2];
    out[2] = (float)-y;
}

static void put_rotation(float *out, const double rot[4], double heading)
{
    /* Takes the heading off, then the quarter turn about x that makes z-up of y-up. */
    const double h = M_SQRT1_2, c = cos(heading / 2), s = -sin(heading / 2);
    const double frame[4] = {h * c, -h * c, h * s, h * s}; /* (h, -h, 0, 0) * (c, 0, 0, s) */
    double q[4];
    amb_quat_mul(q, frame, rot);
    const double sign = q[0] < 0 ? -1 : 1;
    for (int k = 0; k < 4; k++)
        out[k] = (float)(sign * q[k]);
}

void amb_observe(const amb_state *state, double phase, double reference_heading, float obs[AMB_OBS])
{
    const double *root = state->joint[AMB_ROOT];
    obs[0] = fminf((float)phase, 0x1.fffffep-1f); /* rounding must not make a 1 of it */
    obs[1] = (float)root[2];
    const double own_heading = amb_quat_heading(state->rot[AMB_ROOT]);
    const double own_cos = cos(own_heading), own_sin = sin(own_heading);
    for (int i = 0; i < AMB_BODIES; i++) {
        const double heading = i == AMB_ROOT ? reference_heading : own_heading;
        const double cosine = i == AMB_ROOT ? cos(heading) : own_cos, sine = i == AMB_ROOT ? sin(heading) : own_sin;
        const double from_root[3] = {state->centre[i][0] - root[0], state->centre[i][1] - root[1], state->centre[i][2] - root[2]};
        put_vector(obs + 2 + 7 * i, from_root, own_cos, own_sin);
        put_rotation(obs + 2 + 7 * i + 3, state->rot[i], heading);
        put_vector(obs + 107 + 6 * i, state->lin[i], cosine, sine);
        put_vector(obs + 107 + 6 * i + 3, state->ang[i], cosine, sine);
    }
}
