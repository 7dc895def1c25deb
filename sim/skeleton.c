/* Reads the skeleton of a compiled MuJoCo model. */
#include "sim/skeleton.h"

#include <math.h>
#include <string.h>

/* The bounding box of a body's geoms along the body's axes: low and high corner. */
static void find_extent(const ami_character *c, int body, double low[3], double high[3])
{
    const mjModel *m = c->model;
    for (int k = 0; k < 3; k++)
        low[k] = high[k] = c->skeleton.centre[body][k];
    for (int g = 0; g < m->ngeom; g++) {
        if (c->geom_body[g] != body)
            continue;
        const double *size = m->geom_size + 3 * g, *at = m->geom_pos + 3 * g;
        double turn[9];
        mju_quat2Mat(turn, m->geom_quat + 4 * g);
        for (int k = 0; k < 3; k++) {
            const double *row = turn + 3 * k;
            double reach = size[0]; /* a sphere's */
            if (m->geom_type[g] == mjGEOM_CAPSULE)
                reach += fabs(row[2]) * size[1];
            else if (m->geom_type[g] == mjGEOM_BOX)
                reach = fabs(row[0]) * size[0] + fabs(row[1]) * size[1] + fabs(row[2]) * size[2];
            low[k] = fmin(low[k], at[k] - reach);
            high[k] = fmax(high[k], at[k] + reach);
        }
    }
}

static void find_landmarks(ami_skeleton *skeleton, const ami_character *c)
{
    double low[3], high[3];
    for (int side = 0; side < 2; side++) {
        find_extent(c, side ? AMI_LEFT_ANKLE : AMI_RIGHT_ANKLE, low, high);
        const double middle = (low[2] + high[2]) / 2;
        memcpy(skeleton->toe[side], (const double[3]){high[0], low[1], middle}, sizeof low);
        memcpy(skeleton->heel[side], (const double[3]){low[0], low[1], middle}, sizeof low);
    }
    find_extent(c, AMI_NECK, low, high);
    memcpy(skeleton->head_front, skeleton->centre[AMI_NECK], sizeof low);
    skeleton->head_front[0] = high[0];
}

static bool is_zero(const double *v, int n)
{
    for (int k = 0; k < n; k++)
        if (fabs(v[k]) > 1e-12)
            return false;
    return true;
}

bool ami_skeleton_read(ami_skeleton *skeleton, const ami_character *character, const char *path,
                       ami_error *err)
{
    const ami_character *c = character;
    const mjModel *m = c->model;
    for (int i = 0; i < AMI_BODIES; i++) {
        const int b = c->body[i], parent = ami_body_parent[i];
        const char *name = ami_body_name[i];
        const int expected = parent < 0 ? 0 : c->body[parent];
        if (m->body_parentid[b] != expected)
            return ami_fail(err, "%s: body \"%s\" has parent \"%s\", expected \"%s\"", path, name,
                            mj_id2name(m, mjOBJ_BODY, m->body_parentid[b]),
                            parent < 0 ? "world" : ami_body_name[parent]);
        skeleton->joint[i] = ami_body_joint(i);
        skeleton->parent[i] = parent;
        memcpy(skeleton->offset[i], m->body_pos + 3 * b, sizeof skeleton->offset[i]);
        memcpy(skeleton->centre[i], m->body_ipos + 3 * b, sizeof skeleton->centre[i]);
        skeleton->mass[i] = m->body_mass[b];
        if (i == AMI_ROOT) {
            memset(skeleton->offset[i], 0, sizeof skeleton->offset[i]);
            continue;
        }
        if (!is_zero(m->body_quat + 4 * b + 1, 3))
            return ami_fail(err, "%s: body \"%s\" is rotated relative to its parent, expected no rotation",
                            path, name);
        const ami_joint *joint = &c->joint[i];
        if (joint->width == 0)
            continue;
        const int id = m->body_jntadr[b];
        if (!is_zero(m->jnt_pos + 3 * id, 3))
            return ami_fail(err, "%s: joint \"%s\" is at (%g, %g, %g) in its body, expected (0, 0, 0)", path,
                            name, m->jnt_pos[3 * id], m->jnt_pos[3 * id + 1], m->jnt_pos[3 * id + 2]);
        if (joint->width == 1) {
            const double *axis = m->jnt_axis + 3 * id;
            if (!is_zero(axis, 2) || axis[2] < 0)
                return ami_fail(err, "%s: hinge \"%s\" turns about (%g, %g, %g), expected (0, 0, 1)", path,
                                name, axis[0], axis[1], axis[2]);
            if (m->qpos0[joint->qpos] != 0)
                return ami_fail(err, "%s: hinge \"%s\" is at %g rad at rest, expected 0", path, name,
                                m->qpos0[joint->qpos]);
            skeleton->hinge_range[i][0] = m->jnt_limited[id] ? m->jnt_range[2 * id] : -M_PI;
            skeleton->hinge_range[i][1] = m->jnt_limited[id] ? m->jnt_range[2 * id + 1] : M_PI;
        }
    }
    skeleton->total_mass = mj_getTotalmass(m);
    find_landmarks(skeleton, character);
    return true;
}
