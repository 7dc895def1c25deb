/* The motion to follow, placed in the world: a clip, a clock, a heading and a place on the ground.
 *
 * The clip's own frame is turned by `heading` about the vertical and moved by `place`. That frame is what the
 * policy's root orientation and velocities are given in (sim/observe.h), so turning it steers the body. Plain
 * data: copy it to save it.
 *
 * The clip can be changed on the way. What then lies between the old motion and the new one, in pose and in
 * velocity, is kept and fades ("inertialisation": Bollo, Inertialization, GDC 2018; here with one smooth
 * window instead of a quintic for every joint). So pose and velocity are continuous, only one clip has to be
 * there at a time, and a further change in the middle of a change is nothing special. */
#ifndef AMI_SIM_REFERENCE_H
#define AMI_SIM_REFERENCE_H

#include "motion/clip.h"

/* What is left of the motion before: displacements and their speeds in a velocity's layout (motion/clip.h;
 * rotation vectors in the child's frame, the root's place in the clip's), as they were when the clip was
 * changed. After u = age / blend they are multiplied by S(u) = 1 - 10u³ + 15u⁴ - 6u⁵, 1 at 0 and 0 from 1,
 * smooth at both ends:
 *   displacement(age) = shift S(u) + speed age S(2u).
 * The root's place on the ground has no shift; there the old speed gives way to the new one, and where that
 * leads stays:
 *   speed(age) = speed S(u), displacement(age) = its integral. */
typedef struct ami_reference_fade {
    double age, blend; /* s; age ≥ blend: nothing is left but the way on the ground */
    double shift[AMI_VEL], speed[AMI_VEL];
} ami_reference_fade;

typedef struct ami_reference {
    const ami_clip *clip; /* not owned */
    double time;          /* s, the clip's clock; within [0, duration) for a loop */
    double heading;       /* rad about the world's z axis */
    double place[2];      /* m, where the clip's origin is in the world */
    double turn_rate;     /* rad/s; how fast the frame is being turned */
    double rate;          /* 1: seconds of the clip in a second, > 0 */
    ami_reference_fade fade;
} ami_reference;

/* Starts at `time` with the reference root over ground position `at` (m, world) and the clip's x axis turned
 * to `heading`, at rate 1. */
void ami_reference_start(ami_reference *reference, const ami_clip *clip, double time, double heading,
                         const double at[2]);

/* World pose and velocity `ahead` seconds after the clock; either may be NULL. The turn rate is in the root's
 * angular velocity. */
void ami_reference_sample(const ami_reference *reference, double ahead, double pose[AMI_POSE],
                          double vel[AMI_VEL]);

/* Lets dt seconds pass. Turning happens about the reference root, so the root stays where it is. When a
 * loop's cycle ends, the frame is moved so that the reference root stands over `body` (m, world), as
 * DeepMimic does; returns true then. */
bool ami_reference_advance(ami_reference *reference, double dt, const double body[2]);

/* Turns the frame by `angle` rad about the reference root. */
void ami_reference_turn(ami_reference *reference, double angle);

/* Goes on with another clip, at its `time` and at `rate`: pose and velocity stay what they are now and become
 * the new clip's within `blend` seconds (> 0); the heading, too, stays. */
void ami_reference_change(ami_reference *reference, const ami_clip *clip, double time, double rate,
                          double blend);

/* [0, 1) */
double ami_reference_phase(const ami_reference *reference);

#endif
