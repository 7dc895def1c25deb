/* Compiles the humanoid's MJCF file and finds its bodies, joints and geoms. */
#include "sim/character.h"

#include "base/assert.h"
#include "base/assets.h"
#include "sim/mujoco_guard.h"
#include "sim/skeleton.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

ami_character_def ami_character_default_def(void)
{
    return (ami_character_def){.path = NULL, .physics_hz = 120, .self_collision = false};
}

static const char *const joint_type[] = {
    [mjJNT_FREE] = "free", [mjJNT_BALL] = "ball", [mjJNT_SLIDE] = "slide", [mjJNT_HINGE] = "hinge"};

static bool find_bodies_and_joints(ami_character *c, const char *path, ami_error *err)
{
    const mjModel *m = c->model;
    double weights = 0;
    for (int i = 0; i < AMI_BODIES; i++) {
        const char *name = ami_body_name[i];
        c->body[i] = mj_name2id(m, mjOBJ_BODY, name);
        if (c->body[i] < 0)
            return ami_fail(err, "%s: no body named \"%s\", expected DeepMimic's humanoid of %d bodies", path,
                            name, AMI_BODIES);
        ami_joint *joint = &c->joint[i];
        const ami_joint_layout layout = ami_body_joint(i);
        joint->width = layout.width;
        joint->pose = layout.pose;
        joint->vel = layout.vel;

        const int expected_type = i == AMI_ROOT       ? mjJNT_FREE
                                  : layout.width == 4 ? mjJNT_BALL
                                  : layout.width == 1 ? mjJNT_HINGE
                                                      : -1;
        const int joints = m->body_jntnum[c->body[i]];
        if (joints != (expected_type >= 0))
            return ami_fail(err, "%s: body \"%s\" has %d joints, expected %d", path, name, joints,
                            expected_type >= 0);
        if (expected_type < 0)
            continue;
        const int id = m->body_jntadr[c->body[i]];
        if (m->jnt_type[id] != expected_type)
            return ami_fail(err, "%s: the joint of body \"%s\" has type \"%s\", expected \"%s\"", path, name,
                            joint_type[m->jnt_type[id]], joint_type[expected_type]);
        joint->qpos = m->jnt_qposadr[id];
        joint->qvel = m->jnt_dofadr[id];
        if (i == AMI_ROOT) {
            joint->weight = 1; /* DeepMimic's weight of the root, before normalisation */
        } else {
            if (m->nuser_jnt < 3)
                return ami_fail(
                    err, "%s: joints have %d user numbers, expected 3 (kp, torque limit, reward weight)",
                    path, (int)m->nuser_jnt);
            const mjtNum *user = m->jnt_user + (size_t)id * (size_t)m->nuser_jnt;
            joint->kp = user[0];
            joint->kd = user[0] / 10;
            joint->limit = user[1];
            joint->weight = user[2];
            if (!(joint->kp > 0 && joint->limit > 0 && joint->weight >= 0))
                return ami_fail(
                    err,
                    "%s: joint \"%s\" has user=\"%g %g %g\", expected kp > 0, torque limit > 0, weight >= 0",
                    path, name, user[0], user[1], user[2]);
        }
        weights += joint->weight;
    }
    for (int i = 0; i < AMI_BODIES; i++)
        c->joint[i].weight /= weights;
    const int nq = 7 + AMI_ACTION, nv = AMI_VEL;
    if (m->nq != nq || m->nv != nv)
        return ami_fail(err, "%s: %d positions and %d velocities, expected %d and %d", path, (int)m->nq,
                        (int)m->nv, nq, nv);
    return true;
}

static bool find_geoms(ami_character *c, const char *path, ami_error *err)
{
    const mjModel *m = c->model;
    signed char *geom_body = malloc((size_t)m->ngeom);
    if (!geom_body)
        return ami_fail(err, "out of memory");
    c->geom_body = geom_body;
    c->floor_geom = -1;
    for (int g = 0; g < m->ngeom; g++) {
        geom_body[g] = -1;
        if (m->geom_type[g] == mjGEOM_PLANE && c->floor_geom < 0)
            c->floor_geom = g;
        for (int i = 0; i < AMI_BODIES; i++)
            if (m->geom_bodyid[g] == c->body[i])
                geom_body[g] = (signed char)i;
        const int type = m->geom_type[g];
        if (geom_body[g] >= 0 && type != mjGEOM_SPHERE && type != mjGEOM_CAPSULE && type != mjGEOM_BOX)
            return ami_fail(err, "%s: geom %d of body \"%s\" is not a sphere, capsule or box", path, g,
                            ami_body_name[geom_body[g]]);
    }
    if (c->floor_geom < 0)
        return ami_fail(err, "%s: no plane geom, expected one as the floor", path);
    return true;
}

static bool is_paired_with_floor(const ami_character *c, int geom)
{
    const mjModel *m = c->model;
    for (int k = 0; k < m->npair; k++)
        if ((m->pair_geom1[k] == c->floor_geom && m->pair_geom2[k] == geom) ||
            (m->pair_geom2[k] == c->floor_geom && m->pair_geom1[k] == geom))
            return true;
    return false;
}

/* Every geom collides with the floor: through a contact pair of the MJCF file, which needs no search, or else
 * through bit 1 of its conaffinity. Self-collision uses bit 2. MuJoCo's broad phase reads the copies of these
 * bits that the compiler made for bodies, so both are set. */
static void choose_collisions(const ami_character *c, mjModel *m, bool self_collision)
{
    const int floor_body = m->geom_bodyid[c->floor_geom];
    bool all_paired = true;
    for (int g = 0; g < m->ngeom; g++) {
        if (c->geom_body[g] < 0)
            continue;
        const int b = m->geom_bodyid[g];
        const bool paired = is_paired_with_floor(c, g);
        all_paired &= paired;
        m->geom_contype[g] = m->body_contype[b] = self_collision ? 2 : 0;
        m->geom_conaffinity[g] = m->body_conaffinity[b] = (self_collision ? 2 : 0) | (paired ? 0 : 1);
    }
    m->geom_contype[c->floor_geom] = m->body_contype[floor_body] = all_paired ? 0 : 1;
    m->geom_conaffinity[c->floor_geom] = m->body_conaffinity[floor_body] = 0;
}

static void copy_model(void *context)
{
    ami_character *c = context;
    c->colliding = mj_copyModel(NULL, c->model);
}

static bool copy_colliding(ami_character *c, ami_error *err)
{
    if (!ami_mujoco_guard(copy_model, c, err))
        return ami_fail_in(err, "cannot copy the character's model");
    if (!c->colliding)
        return ami_fail(err, "out of memory");
    choose_collisions(c, c->colliding, true);
    return true;
}

typedef struct compilation {
    const char *path;
    mjModel *model;
    char text[700]; /* MuJoCo's error where model is NULL */
} compilation;

static void compile(void *context)
{
    compilation *c = context;
    c->model = mj_loadXML(c->path, NULL, c->text, sizeof c->text);
}

static mjModel *load_model(const char *path, ami_error *err)
{
    compilation c = {.path = path};
    if (!ami_mujoco_guard(compile, &c, err)) {
        ami_fail_in(err, "%s", path);
        return NULL;
    }
    for (char *at = c.text; *at; at++)
        if (*at == '\n')
            *at = at[1] ? ' ' : 0;
    if (!c.model)
        ami_fail(err, "%s: %s", path, c.text[0] ? c.text : "MuJoCo cannot compile it and gives no reason");
    return c.model;
}

ami_character *ami_character_create(const ami_character_def *def, ami_error *err)
{
    AMI_ASSERT(def);
    char asset[PATH_MAX];
    const char *path = def->path ? def->path : asset;
    if (!def->path && !ami_asset_path("humanoid.xml", asset, sizeof asset, err))
        return NULL;
    if (!(def->physics_hz >= 30 && def->physics_hz <= 10000)) {
        ami_fail(err, "physics rate %g Hz, expected 30 to 10000", def->physics_hz);
        return NULL;
    }
    if (access(path, R_OK) != 0) {
        ami_fail(err, "%s: cannot be read: %s", path, strerror(errno));
        return NULL;
    }
    ami_character *c = calloc(1, sizeof *c);
    if (!c) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    c->model = load_model(path, err);
    if (!c->model) {
        free(c);
        return NULL;
    }
    if (!find_bodies_and_joints(c, path, err) || !find_geoms(c, path, err) ||
        !ami_skeleton_read(&c->skeleton, c, path, err)) {
        ami_character_destroy(c);
        return NULL;
    }

    mjModel *m = c->model;
    c->timestep = 1 / def->physics_hz;
    m->opt.timestep = c->timestep;
    m->opt.integrator = mjINT_EULER;
    m->opt.disableflags &= ~mjDSBL_EULERDAMP; /* stable PD needs implicit damping */
    m->opt.disableflags |= mjDSBL_AUTORESET;  /* instability is reported, not hidden by a silent reset */
    m->opt.disableflags |= mjDSBL_ISLAND;     /* one body is always one island */
    for (int i = 1; i < AMI_BODIES; i++) {
        const ami_joint *joint = &c->joint[i];
        for (int k = 0; k < (joint->width == 4 ? 3 : joint->width); k++)
            m->dof_damping[joint->qvel + k] = joint->kd + joint->kp * c->timestep;
    }
    choose_collisions(c, m, def->self_collision);
    if (!copy_colliding(c, err)) {
        ami_character_destroy(c);
        return NULL;
    }
    c->mass = mj_getTotalmass(m);
    c->state_size = (int)mj_stateSize(m, mjSTATE_INTEGRATION);
    return c;
}

void ami_character_destroy(ami_character *character)
{
    if (!character)
        return;
    mj_deleteModel(character->model);
    mj_deleteModel(character->colliding);
    free((void *)character->geom_body);
    free(character);
}

/* Of a joint's velocity. */
static size_t velocity_bytes(const ami_joint *joint)
{
    return (size_t)(joint->width == 4 ? 3 : joint->width) * sizeof(double);
}

void ami_pose_to_qpos(const ami_character *character, const double pose[AMI_POSE], double *qpos)
{
    memcpy(qpos, pose, 7 * sizeof(double));
    for (int i = 1; i < AMI_BODIES; i++) {
        const ami_joint *joint = &character->joint[i];
        memcpy(qpos + joint->qpos, pose + joint->pose, (size_t)joint->width * sizeof(double));
    }
}

void ami_vel_to_qvel(const ami_character *character, const double vel[AMI_VEL], double *qvel)
{
    memcpy(qvel, vel, 6 * sizeof(double));
    for (int i = 1; i < AMI_BODIES; i++) {
        const ami_joint *joint = &character->joint[i];
        memcpy(qvel + joint->qvel, vel + joint->vel, velocity_bytes(joint));
    }
}

void ami_pose_of_qpos(const ami_character *character, const double *qpos, double pose[AMI_POSE])
{
    memcpy(pose, qpos, 7 * sizeof(double));
    for (int i = 1; i < AMI_BODIES; i++) {
        const ami_joint *joint = &character->joint[i];
        memcpy(pose + joint->pose, qpos + joint->qpos, (size_t)joint->width * sizeof(double));
    }
}

void ami_vel_of_qvel(const ami_character *character, const double *qvel, double vel[AMI_VEL])
{
    memcpy(vel, qvel, 6 * sizeof(double));
    for (int i = 1; i < AMI_BODIES; i++) {
        const ami_joint *joint = &character->joint[i];
        memcpy(vel + joint->vel, qvel + joint->qvel, velocity_bytes(joint));
    }
}
