/* Steps MuJoCo with stable PD and measures the body. */
#include "sim/world.h"

#include "base/assert.h"
#include "base/hash.h"
#include "motion/rotation.h"
#include "sim/mujoco_guard.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STATE_MAX = 10000 };

static void make_data(void *context)
{
    ami_world *world = context;
    world->data = mj_makeData(world->character->model);
}

bool ami_world_init(ami_world *world, const ami_character *character, ami_error *err)
{
    AMI_ASSERT(world && character);
    *world = (ami_world){.character = character};
    if (!ami_mujoco_guard(make_data, world, err))
        return ami_fail_in(err, "cannot create a simulation of the character");
    return world->data ? true : ami_fail(err, "out of memory for a simulation");
}

void ami_world_free(ami_world *world)
{
    mj_deleteData(world->data);
    mj_deleteModel(world->own);
    world->data = NULL;
    world->own = NULL;
}

static void copy_model(void *context)
{
    ami_world *world = context;
    world->own = mj_copyModel(NULL, world->character->model);
}

bool ami_world_own_model(ami_world *world, ami_error *err)
{
    AMI_ASSERT(world && world->data);
    if (world->own)
        return true;
    if (!ami_mujoco_guard(copy_model, world, err))
        return ami_fail_in(err, "cannot copy the character's model");
    return world->own ? true : ami_fail(err, "out of memory for a model of a simulation's own");
}

static void set_constants(void *context)
{
    ami_world *world = context;
    mj_setConst(world->own, world->data);
}

void ami_world_vary(ami_world *world, double friction, const double *mass)
{
    AMI_ASSERT(world && world->data && world->own && friction >= 0);
    const ami_character *c = world->character;
    const mjModel *from = c->model;
    mjModel *m = world->own;
    for (int k = 0; k < m->npair; k++)
        if (m->pair_geom1[k] == c->floor_geom || m->pair_geom2[k] == c->floor_geom)
            for (int j = 0; j < 2; j++) /* in both directions of the floor */
                m->pair_friction[5 * k + j] = friction > 0 ? friction : from->pair_friction[5 * k + j];
    for (int g = 0; g < m->ngeom; g++) /* of a contact the larger of the two counts */
        if (g == c->floor_geom || c->geom_body[g] >= 0)
            m->geom_friction[3 * g] = friction > 0 ? friction : from->geom_friction[3 * g];
    for (int i = 0; i < AMI_BODIES; i++) {
        const int b = c->body[i];
        const double factor = mass ? mass[i] : 1;
        m->body_mass[b] = factor * from->body_mass[b];
        for (int k = 0; k < 3; k++)
            m->body_inertia[3 * b + k] = factor * from->body_inertia[3 * b + k];
    }
    ami_error err;
    if (!ami_mujoco_guard(set_constants, world, &err) && !world->failure[0])
        snprintf(world->failure, sizeof world->failure, "%s", err.text);
    mj_resetData(m, world->data);
}

void ami_world_update(ami_world *world)
{
    mj_kinematics(ami_world_model(world), world->data);
}

void ami_world_collide(ami_world *world, bool collides)
{
    AMI_ASSERT(world);
    if (world->collides == collides)
        return;
    world->collides = collides;
    if (!world->own)
        return;
    const mjModel *from = collides ? world->character->colliding : world->character->model;
    mjModel *m = world->own;
    memcpy(m->geom_contype, from->geom_contype, (size_t)m->ngeom * sizeof *m->geom_contype);
    memcpy(m->geom_conaffinity, from->geom_conaffinity, (size_t)m->ngeom * sizeof *m->geom_conaffinity);
    memcpy(m->body_contype, from->body_contype, (size_t)m->nbody * sizeof *m->body_contype);
    memcpy(m->body_conaffinity, from->body_conaffinity, (size_t)m->nbody * sizeof *m->body_conaffinity);
}

void ami_world_set(ami_world *world, const double pose[AMI_POSE], const double vel[AMI_VEL])
{
    AMI_ASSERT(world && world->data && pose && vel);
    const ami_character *c = world->character;
    mjData *d = world->data;
    mj_resetData(ami_world_model(world), d);
    ami_pose_to_qpos(c, pose, d->qpos);
    ami_vel_to_qvel(c, vel, d->qvel);
    world->touching = 0;
    world->unstable = world->interrupted = false;
    ami_world_update(world);
}

static void apply_stable_pd(ami_world *world, const double target[AMI_POSE])
{
    const ami_character *c = world->character;
    mjData *d = world->data;
    for (int i = 1; i < AMI_BODIES; i++) {
        const ami_joint *joint = &c->joint[i];
        const double *goal = target + joint->pose;
        const double *v = d->qvel + joint->qvel;
        double *applied = d->qfrc_applied + joint->qvel;
        if (joint->width == 1) {
            double torque = joint->kp * (goal[0] - d->qpos[joint->qpos]) - joint->kd * v[0];
            world->limited += fabs(torque) > joint->limit;
            /* NaN stays NaN */
            torque = torque < -joint->limit ? -joint->limit : torque > joint->limit ? joint->limit : torque;
            applied[0] = torque + joint->kd * v[0];
        } else if (joint->width == 4) {
            double inverse[4], rest[4], torque[3];
            ami_quat_conj(inverse, d->qpos + joint->qpos);
            ami_quat_mul(rest, inverse, goal);
            ami_quat_log(torque, rest); /* the rotation error, in the child's frame, as is qvel */
            double norm2 = 0;
            for (int k = 0; k < 3; k++) {
                torque[k] = joint->kp * torque[k] - joint->kd * v[k];
                norm2 += torque[k] * torque[k];
            }
            world->limited += norm2 > joint->limit * joint->limit;
            const double scale = norm2 > joint->limit * joint->limit ? joint->limit / sqrt(norm2) : 1;
            for (int k = 0; k < 3; k++)
                applied[k] = scale * torque[k] + joint->kd * v[k];
        }
    }
}

static bool is_sane(const mjData *d)
{
    if (!isfinite(d->qpos[0]) || !isfinite(d->qpos[1])) /* the ground position is not limited */
        return false;
    for (int i = 2; i < 7 + AMI_ACTION; i++)
        if (!(fabs(d->qpos[i]) < STATE_MAX)) /* false for NaN too */
            return false;
    for (int i = 0; i < AMI_VEL; i++)
        if (!(fabs(d->qvel[i]) < STATE_MAX))
            return false;
    return true;
}

typedef struct control_step {
    ami_world *world;
    const double *target; /* (AMI_POSE) */
    int substeps;
} control_step;

static void run_physics(void *context)
{
    const control_step *step = context;
    ami_world *world = step->world;
    const ami_character *c = world->character;
    mjData *d = world->data;
    for (int s = 0; s < step->substeps; s++) {
        apply_stable_pd(world, step->target);
        mj_step(ami_world_model(world), d);
        if (!is_sane(d)) {
            world->unstable = true;
            return;
        }
        for (int k = 0; k < d->ncon; k++) {
            const mjContact *contact = &d->contact[k];
            const int other = contact->geom[0] == c->floor_geom   ? contact->geom[1]
                              : contact->geom[1] == c->floor_geom ? contact->geom[0]
                                                                  : -1;
            if (other >= 0 && c->geom_body[other] >= 0)
                world->touching |= 1u << c->geom_body[other];
        }
    }
}

void ami_world_step(ami_world *world, const double target[AMI_POSE], int substeps)
{
    AMI_ASSERT(world && world->data && target && substeps >= 1);
    if (world->unstable)
        return;
    world->touching = 0;
    world->limited = 0;
    control_step step = {world, target, substeps};
    ami_error err;
    if (!ami_mujoco_guard(run_physics, &step, &err)) {
        world->unstable = world->interrupted = true;
        if (!world->failure[0])
            snprintf(world->failure, sizeof world->failure, "%s", err.text);
    }
}

void ami_world_state(const ami_world *world, ami_state *state)
{
    AMI_ASSERT(world && world->data && state);
    const ami_character *c = world->character;
    const mjData *d = world->data;
    double pose[AMI_POSE], vel[AMI_VEL];
    ami_pose_of_qpos(c, d->qpos, pose);
    ami_vel_of_qvel(c, d->qvel, vel);
    ami_fk_state(&c->skeleton, pose, vel, state);
}

void ami_world_torques(const ami_world *world, double torque[AMI_VEL])
{
    AMI_ASSERT(world && world->data && torque);
    const ami_character *c = world->character;
    const mjData *d = world->data;
    double whole[AMI_VEL] = {0};
    for (int i = 1; i < AMI_BODIES; i++)
        for (int k = 0, at = c->joint[i].qvel; k < (c->joint[i].width == 4 ? 3 : c->joint[i].width);
             k++, at++)
            whole[at] = d->qfrc_applied[at] - c->model->dof_damping[at] * d->qvel[at];
    ami_vel_of_qvel(c, whole, torque);
    memset(torque, 0, 6 * sizeof *torque);
}

double ami_world_lowest(const ami_world *world)
{
    AMI_ASSERT(world && world->data);
    double lowest = INFINITY;
    for (int i = 0; i < AMI_BODIES; i++)
        lowest = fmin(lowest, ami_world_lowest_of(world, i));
    return lowest;
}

double ami_world_lowest_of(const ami_world *world, int body)
{
    AMI_ASSERT(world && world->data && body >= 0 && body < AMI_BODIES);
    const ami_character *c = world->character;
    const mjModel *m = c->model;
    double lowest = INFINITY;
    for (int g = 0; g < m->ngeom; g++) {
        if (c->geom_body[g] != body)
            continue;
        /* third row: the axes' z */
        const double *size = m->geom_size + 3 * g, *down = world->data->geom_xmat + 9 * g + 6;
        double reach = size[0];
        if (m->geom_type[g] == mjGEOM_CAPSULE)
            reach += fabs(down[2]) * size[1];
        else if (m->geom_type[g] == mjGEOM_BOX)
            reach = fabs(down[0]) * size[0] + fabs(down[1]) * size[1] + fabs(down[2]) * size[2];
        lowest = fmin(lowest, world->data->geom_xpos[3 * g + 2] - reach);
    }
    return lowest;
}

void ami_world_move(ami_world *world, const double d[3])
{
    AMI_ASSERT(world && world->data && d);
    for (int k = 0; k < 3; k++)
        world->data->qpos[k] += d[k];
    ami_world_update(world);
}

void ami_world_push(ami_world *world, const double dv[3])
{
    AMI_ASSERT(world && world->data && dv);
    for (int k = 0; k < 3; k++)
        world->data->qvel[k] += dv[k];
}

void ami_world_force(ami_world *world, const double force[3])
{
    AMI_ASSERT(world && world->data && force);
    mju_copy3(world->data->xfrc_applied + 6 * (size_t)world->character->body[0], force);
}

uint64_t ami_world_hash(const ami_world *world, uint64_t hash)
{
    AMI_ASSERT(world && world->data);
    hash = ami_hash(hash, world->data->qpos, (7 + AMI_ACTION) * sizeof(double));
    return ami_hash(hash, world->data->qvel, AMI_VEL * sizeof(double));
}

void ami_world_save(const ami_world *world, double *state)
{
    AMI_ASSERT(world && world->data && state);
    mj_getState(ami_world_model(world), world->data, state, mjSTATE_INTEGRATION);
}

void ami_world_load(ami_world *world, const double *state)
{
    AMI_ASSERT(world && world->data && state);
    if (world->interrupted)
        mj_resetData(ami_world_model(world), world->data);
    mj_setState(ami_world_model(world), world->data, state, mjSTATE_INTEGRATION);
    world->touching = 0;
    world->unstable = world->interrupted = false;
    ami_world_update(world);
}
