/* Converts between amble's coordinates and a host's. */
#include "lib/space.h"

#include "lib/internal.h"
#include "motion/rotation.h"

#include <math.h>
#include <string.h>

enum { MAX_BODIES = 64 };

static bool axes_of(amb_space space, amb_axes *axes)
{
    static const amb_axes known[] = {
        [AMB_SPACE_MUJOCO] = {1, 2, 3, 1},    [AMB_SPACE_UNITY] = {3, -1, 2, 1},
        [AMB_SPACE_UNREAL] = {1, -2, 3, 100}, [AMB_SPACE_GODOT] = {-3, -1, 2, 1},
        [AMB_SPACE_BLENDER] = {-2, 1, 3, 1},
    };
    if ((int)space < 0 || (int)space >= (int)(sizeof known / sizeof *known))
        return false;
    *axes = known[space];
    return true;
}

amb_result lib_space_make(amb_space space, const amb_axes *axes, lib_space *out)
{
    amb_axes known = {0};
    if (space == AMB_SPACE_CUSTOM && axes)
        known = *axes;
    else if (!axes_of(space, &known))
        return lib_fail(AMB_ERROR_ARGUMENT, "the space is %d, expected one of amb_space%s", (int)space,
                        axes ? "" : " but AMB_SPACE_CUSTOM");
    const int axis[3] = {known.forward, known.left, known.up};
    unsigned seen = 0;
    memset(out, 0, sizeof *out);
    for (int k = 0; k < 3; k++) {
        const int row = axis[k] < 0 ? -axis[k] : axis[k];
        if (row < 1 || row > 3 || seen & 1u << row)
            return lib_fail(
                AMB_ERROR_ARGUMENT,
                "the axes forward %d, left %d, up %d are not three different ones of 1, 2, 3 with "
                "a sign",
                known.forward, known.left, known.up);
        seen |= 1u << row;
        out->c[row - 1][k] = axis[k] < 0 ? -1 : 1;
    }
    if (!(known.units_per_metre > 0 && known.units_per_metre <= 1e6))
        return lib_fail(AMB_ERROR_ARGUMENT, "%g units per metre, expected more than 0 to 1e6",
                        known.units_per_metre);
    const double(*c)[3] = out->c;
    out->det = c[0][0] * (c[1][1] * c[2][2] - c[1][2] * c[2][1]) -
               c[0][1] * (c[1][0] * c[2][2] - c[1][2] * c[2][0]) +
               c[0][2] * (c[1][0] * c[2][1] - c[1][1] * c[2][0]);
    out->unit = known.units_per_metre;
    out->own_bodies = space == AMB_SPACE_MUJOCO;
    return AMB_OK;
}

void lib_space_to_host(const lib_space *space, const double v[3], double out[3])
{
    const double in[3] = {v[0], v[1], v[2]};
    for (int k = 0; k < 3; k++)
        out[k] = space->c[k][0] * in[0] + space->c[k][1] * in[1] + space->c[k][2] * in[2];
}

void lib_space_from_host(const lib_space *space, const double v[3], double out[3])
{
    const double in[3] = {v[0], v[1], v[2]};
    for (int k = 0; k < 3; k++)
        out[k] = space->c[0][k] * in[0] + space->c[1][k] * in[1] + space->c[2][k] * in[2];
}

void lib_space_spin(const lib_space *space, const double w[3], double out[3])
{
    lib_space_to_host(space, w, out);
    for (int k = 0; k < 3; k++)
        out[k] *= space->det;
}

/* The matrix c R cᵀ as a quaternion: its axis is a pseudo-vector. */
void lib_space_rotation(const lib_space *space, const double q[4], double out[4])
{
    double axis[3];
    lib_space_spin(space, q + 1, axis);
    out[0] = q[0];
    memcpy(out + 1, axis, sizeof axis);
}

void lib_space_body_point_from_host(const lib_space *space, const double p[3], double out[3])
{
    lib_space_from_host(space, p, out);
    if (!space->own_bodies)
        ami_quat_unrotate(out, AMI_QUAT_Y_UP, out); /* amble's bodies rest turned like that */
    for (int k = 0; k < 3; k++)
        out[k] /= space->unit;
}

static void body_rotation(const lib_space *s, const double q[4], double out[4])
{
    double turned[4], rest[4];
    if (s->own_bodies) {
        memcpy(turned, q, sizeof turned);
    } else {
        ami_quat_conj(rest, AMI_QUAT_Y_UP);
        ami_quat_mul(turned, q, rest);
    }
    ami_quat_normalize(turned);
    lib_space_rotation(s, turned, out);
}

void lib_space_bodies(const lib_space *space, int bodies, const int *parent, const double (*joint)[3],
                      const double (*rot)[4], amb_transform *world, amb_transform *local)
{
    amb_transform all[MAX_BODIES];
    for (int b = 0; b < bodies && b < MAX_BODIES; b++) {
        amb_transform *t = &all[b];
        lib_space_to_host(space, joint[b], t->position);
        for (int k = 0; k < 3; k++)
            t->position[k] *= space->unit;
        body_rotation(space, rot[b], t->rotation);
        if (world)
            world[b] = *t;
        if (!local)
            continue;
        local[b] = *t;
        if (parent[b] < 0)
            continue;
        const amb_transform *p = &all[parent[b]];
        double arm[3];
        for (int k = 0; k < 3; k++)
            arm[k] = t->position[k] - p->position[k];
        ami_quat_unrotate(local[b].position, p->rotation, arm);
        ami_quat_between(local[b].rotation, p->rotation, t->rotation);
    }
}
