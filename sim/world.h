/* One body in its world: the physics step with stable PD, and everything that is measured on the body.
 *
 * Stable PD (Tan, Liu, Turk 2011) without a matrix solve of our own: MuJoCo's Euler integrator takes joint damping implicitly, so with
 * dof_damping = kd + kp·h and an applied torque of kp·error the solver finds kp·(error − h·v') − kd·v' with the velocity v' at the step's
 * end. What is applied here is clamp(kp·error − kd·v) + kd·v, so that the limit holds for the whole PD torque; clamping the spring alone
 * would let damping eat the limit in every fast movement.
 *
 * Knows no networks, no clips and no rewards. Not thread-safe; one world a thread at a time. */
#ifndef AMB_SIM_WORLD_H
#define AMB_SIM_WORLD_H

#include "sim/character.h"

/* Everything that observation and reward read off a body, in the world frame (z up), m, s, rad. */
typedef struct amb_state {
    double pose[AMB_POSE], vel[AMB_VEL]; /* as sim/clip.h lays them out */
    double centre[AMB_BODIES][3];        /* centres of mass */
    double joint[AMB_BODIES][3];         /* origins of the body frames, which are the joints */
    double rot[AMB_BODIES][4];           /* wxyz */
    double lin[AMB_BODIES][3];           /* velocity of the centre of mass */
    double ang[AMB_BODIES][3];           /* angular velocity, world frame */
    double com_vel[3];                   /* velocity of the whole body's centre of mass */
} amb_state;

typedef struct amb_world {
    const amb_character *character;
    mjData *data;
    unsigned touching; /* bit i: body i met the floor in one of the last step's physics steps */
    bool unstable; /* a position or velocity became non-finite or absurd (> 1e4; the place on the ground may be any finite one); stepping
                      does nothing until amb_world_set */
} amb_world;

bool amb_world_init(amb_world *world, const amb_character *character, amb_error *err);
void amb_world_free(amb_world *world);

/* Puts the body there, at rest from forces, and brings kinematics up to date. */
void amb_world_set(amb_world *world, const double pose[AMB_POSE], const double vel[AMB_VEL]);

/* `substeps` physics steps towards the joint targets in `target` (a pose; the root's part is not read). Afterwards kinematics and
 * velocities are up to date. */
void amb_world_step(amb_world *world, const double target[AMB_POSE], int substeps);

/* Reads the state off. */
void amb_world_state(const amb_world *world, amb_state *state);

/* Height of the lowest point of the whole body, or of one of its 15 parts, m, of an up-to-date world. */
double amb_world_lowest(const amb_world *world);
double amb_world_lowest_of(const amb_world *world, int body);

/* Moves the root by d (m, world frame), kinematics included. */
void amb_world_move(amb_world *world, const double d[3]);

/* Adds to the root's linear velocity (m/s, world frame): a push. */
void amb_world_push(amb_world *world, const double dv[3]);

/* Complete state for bit-equal continuation: character->state_size numbers. */
void amb_world_save(const amb_world *world, double *state);
void amb_world_load(amb_world *world, const double *state);

#endif
