/* One body in its world: the physics step with stable PD, and everything that is measured on the body.
 *
 * Stable PD (Tan, Liu, Turk 2011) without a matrix solve of our own: MuJoCo's Euler integrator takes joint
 * damping implicitly, so with dof_damping = kd + kp·h and an applied torque of kp·error the solver finds
 * kp·(error − h·v') − kd·v' with the velocity v' at the step's end. What is applied here is clamp(kp·error −
 * kd·v) + kd·v, so that the limit holds for the whole PD torque; clamping the spring alone would let damping
 * eat the limit in every fast movement.
 *
 * Knows no networks, no clips and no rewards. Not thread-safe; one world a thread at a time. */
#ifndef AMI_SIM_WORLD_H
#define AMI_SIM_WORLD_H

#include "motion/kinematics.h"
#include "sim/character.h"

enum { AMI_WORLD_FAILURE = 192 };

typedef struct ami_world {
    const ami_character *character;
    mjData *data;
    int limited;       /* joints whose torque was at its limit, summed over the last step's physics steps */
    unsigned touching; /* bit i: body i met the floor in one of the last step's physics steps */
    bool unstable; /* a position or velocity became non-finite or absurd (> 1e4; the place on the ground may
                      be any finite one), or MuJoCo reported an error in the middle of a step; stepping does
                      nothing until ami_world_set */
    bool interrupted;                /* by such an error: the mjData is half-way through a step until
                                        ami_world_set or ami_world_load */
    char failure[AMI_WORLD_FAILURE]; /* the first such error since ami_world_init, a sentence; else empty */
} ami_world;

/* False and a sentence when memory is short. */
bool ami_world_init(ami_world *world, const ami_character *character, ami_error *err);
void ami_world_free(ami_world *world);

/* Puts the body there, at rest from forces, and brings kinematics up to date. */
void ami_world_set(ami_world *world, const double pose[AMI_POSE], const double vel[AMI_VEL]);

/* `substeps` physics steps towards the joint targets in `target` (a pose; the root's part is not read). Of
 * the mjData, positions and velocities (qpos, qvel) are then those of the end; frames of bodies and geoms
 * (xpos, …) are older, until ami_world_update. */
void ami_world_step(ami_world *world, const double target[AMI_POSE], int substeps);

/* Brings the mjData's frames of bodies and geoms up to date, for drawing and for ami_world_lowest after a
 * step. */
void ami_world_update(ami_world *world);

/* The state now, from positions and velocities (motion/kinematics.h). */
void ami_world_state(const ami_world *world, ami_state *state);

/* Height of the lowest point of the whole body, or of one of its 15 parts, m, of a world whose frames are up
 * to date: after every call but ami_world_step and ami_world_push. */
double ami_world_lowest(const ami_world *world);
double ami_world_lowest_of(const ami_world *world, int body);

/* Moves the root by d (m, world frame). */
void ami_world_move(ami_world *world, const double d[3]);

/* Adds to the root's linear velocity (m/s, world frame): a push. */
void ami_world_push(ami_world *world, const double dv[3]);

/* A hash of positions and velocities (qpos, qvel), going on from `hash` (base/hash.h): what rollouts and
 * sessions report, so that two runs can be compared. */
uint64_t ami_world_hash(const ami_world *world, uint64_t hash);

/* Complete state for bit-equal continuation: character->state_size numbers. */
void ami_world_save(const ami_world *world, double *state);
void ami_world_load(ami_world *world, const double *state);

#endif
