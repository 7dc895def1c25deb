/* The motion to follow, placed in the world: a clip, a clock, a heading and a place on the ground.
 *
 * The clip's own frame is turned by `heading` about the vertical and moved by `place`. That frame is what the policy's root orientation
 * and velocities are given in (sim/observe.h), so turning it steers the body. Plain data: copy it to save it. */
#ifndef AMB_SIM_REFERENCE_H
#define AMB_SIM_REFERENCE_H

#include "sim/clip.h"

typedef struct amb_reference {
    const amb_clip *clip; /* not owned */
    double time;          /* s, the clip's clock; within [0, duration) for a loop */
    double heading;       /* rad about the world's z axis */
    double place[2];      /* m, where the clip's origin is in the world */
    double turn_rate;     /* rad/s; how fast the frame is being turned */
} amb_reference;

/* Starts at `time` with the reference root over ground position `at` (m, world) and the clip's x axis turned to `heading`. */
void amb_reference_start(amb_reference *reference, const amb_clip *clip, double time, double heading, const double at[2]);

/* World pose and velocity `ahead` seconds after the clock; either may be NULL. The turn rate is in the root's angular velocity. */
void amb_reference_sample(const amb_reference *reference, double ahead, double pose[AMB_POSE], double vel[AMB_VEL]);

/* Lets dt seconds pass. Turning happens about the reference root, so the root stays where it is. When a loop's cycle ends, the frame is
 * moved so that the reference root stands over `body` (m, world), as DeepMimic does; returns true then. */
bool amb_reference_advance(amb_reference *reference, double dt, const double body[2]);

/* Turns the frame by `angle` rad about the reference root. */
void amb_reference_turn(amb_reference *reference, double angle);

/* [0, 1) */
double amb_reference_phase(const amb_reference *reference);

#endif
