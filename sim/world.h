/* One body in its world: the physics step with stable PD, and measurements of the body.
 *
 * Stable PD (Tan, Liu, Turk 2011) without a separate matrix solve: MuJoCo's Euler integrator treats joint
 * damping implicitly. With dof_damping = kd + kp·h and an applied torque of kp·error the solver finds
 * kp·(error − h·v') − kd·v', where v' is the velocity at the step's end. The torque applied here is
 * clamp(kp·error − kd·v) + kd·v, so that the limit holds for the whole PD torque. If only the spring were
 * clamped, damping would use up the limit in every fast movement.
 *
 * Does not depend on networks, clips or rewards. Not thread-safe; one thread at a time may use a world. */
#ifndef AMI_SIM_WORLD_H
#define AMI_SIM_WORLD_H

#include "motion/kinematics.h"
#include "sim/character.h"

enum { AMI_WORLD_FAILURE = 192 };

typedef struct ami_world {
    const ami_character *character;
    mjModel *own;  /* a copy of the character's model that ami_world_vary changes; NULL: none */
    bool collides; /* ami_world_collide */
    mjData *data;
    int limited;       /* joints whose torque was at its limit, summed over the last step's physics steps */
    unsigned touching; /* bit i: body i touched the floor in one of the last step's physics steps */

    /* Set when a position or velocity is not finite or exceeds 1e4 (the ground position: only when it is not
     * finite), or when MuJoCo reports an error during a step. Steps then do nothing until ami_world_set. */
    bool unstable;
    bool interrupted; /* by a MuJoCo error: the mjData is invalid until ami_world_set or ami_world_load */
    char failure[AMI_WORLD_FAILURE]; /* the first such error since ami_world_init, a sentence; else empty */
} ami_world;

/* False and a sentence if memory is short. */
bool ami_world_init(ami_world *world, const ami_character *character, ami_error *err);
void ami_world_free(ami_world *world);

/* Gives the world a model of its own, for ami_world_vary. False and a sentence if memory is short. */
AMI_MUST_CHECK bool ami_world_own_model(ami_world *world, ami_error *err);

/* The model that the world's physics uses. */
static inline const mjModel *ami_world_model(const ami_world *world)
{
    const ami_character *c = world->character;
    return world->own ? world->own : world->collides ? c->colliding : c->model;
}

/* Lets limbs collide with each other and the trunk from the next step on, or as the character's definition says.
 * Not part of a saved state. */
void ami_world_collide(ami_world *world, bool collides);

/* Sets the coefficient of sliding friction of all contacts with the floor (0: as in the character's model), and
 * mass and inertia of the bodies as factors of the model's (AMI_BODIES; NULL: all 1). The world has a model of
 * its own. Call it before ami_world_set or ami_world_load: the state is lost. */
void ami_world_vary(ami_world *world, double friction, const double *mass);

/* Sets the body's pose and velocity, clears forces, and updates the frames. */
void ami_world_set(ami_world *world, const double pose[AMI_POSE], const double vel[AMI_VEL]);

/* `substeps` physics steps with the joint targets in `target` (a pose; the root's part is not read).
 * Afterwards the mjData's positions and velocities (qpos, qvel) are those of the end; frames of bodies and
 * geoms (xpos, …) are out of date until ami_world_update. */
void ami_world_step(ami_world *world, const double target[AMI_POSE], int substeps);

/* Updates the mjData's frames of bodies and geoms, for drawing and for ami_world_lowest after a step. */
void ami_world_update(ami_world *world);

/* The current state, computed from positions and velocities (motion/kinematics.h). */
void ami_world_state(const ami_world *world, ami_state *state);

/* Torques of the joints' PD controllers in the last physics step, N·m, as in a velocity (ami_vel_of_qvel); the
 * root's six numbers are 0. */
void ami_world_torques(const ami_world *world, double torque[AMI_VEL]);

/* Height of the lowest point of the whole body, or of one of its 15 bodies, m. The frames must be up to date:
 * they are after every call except ami_world_step and ami_world_push. */
double ami_world_lowest(const ami_world *world);
double ami_world_lowest_of(const ami_world *world, int body);

/* Moves the root by d (m, world frame). */
void ami_world_move(ami_world *world, const double d[3]);

/* Adds to the root's linear velocity (m/s, world frame): a push. */
void ami_world_push(ami_world *world, const double dv[3]);

/* A force on the root's centre of mass (N, world frame) that acts in all following steps until it is changed, or
 * until ami_world_set. */
void ami_world_force(ami_world *world, const double force[3]);

/* Continues `hash` (base/hash.h) with positions and velocities (qpos, qvel). Rollouts and sessions report it,
 * so that two runs can be compared. */
uint64_t ami_world_hash(const ami_world *world, uint64_t hash);

/* The complete state for bit-equal continuation: character->state_size numbers. */
void ami_world_save(const ami_world *world, double *state);
void ami_world_load(ami_world *world, const double *state);

#endif
