/* The reference motion, placed in the world: a clip, a clock, a heading and a ground position.
 *
 * The clip's frame is turned by `heading` about the vertical and moved by `place`. Observations contain the
 * root's orientation and velocities relative to this frame (sim/observe.h), so turning it steers the body.
 * Plain data: copy it to save it.
 *
 * The clip can be changed during an episode. The difference between the old motion and the new one, in pose
 * and velocity, is stored and decays to zero (inertialization: Bollo, GDC 2018; here with one smooth window
 * instead of a quintic for every joint). So pose and velocity are continuous, only one clip is needed at a
 * time, and another change may start before the first has ended. */
#ifndef AMI_SIM_REFERENCE_H
#define AMI_SIM_REFERENCE_H

#include "motion/clip.h"

/* The difference from the previous motion when the clip was changed: displacements and their rates in the
 * layout of a velocity (motion/clip.h; rotation vectors in the child's frame, the root's position in the
 * clip's). They decay over u = age / blend with the window S(u) = 1 - 10u³ + 15u⁴ - 6u⁵, which is 1 at 0, 0
 * from 1 on, and smooth at both ends:
 *   displacement(age) = shift S(u) + speed age S(2u).
 * The root's ground position has no shift. Its speed decays to that of the new motion, and the distance
 * covered meanwhile stays:
 *   speed(age) = speed S(u), displacement(age) = its integral. */
typedef struct ami_reference_fade {
    double age, blend; /* s; from age = blend on only the root's ground displacement is left */
    double shift[AMI_VEL], speed[AMI_VEL];
} ami_reference_fade;

typedef struct ami_reference {
    const ami_clip *clip; /* not owned */
    double time;          /* s, time in the clip; within [0, duration) for a loop */
    double heading;       /* rad about the world's z axis */
    double place[2];      /* m, position of the clip's origin in the world */
    double turn_rate;     /* rad/s, of the frame */
    double rate;          /* seconds of the clip per second, > 0 (1) */
    ami_reference_fade fade;
} ami_reference;

/* Starts at `time` with the reference root over ground position `at` (m, world) and the clip's x axis turned
 * to `heading`, at rate 1. */
void ami_reference_start(ami_reference *reference, const ami_clip *clip, double time, double heading,
                         const double at[2]);

/* World pose and velocity `ahead` seconds from now; either may be NULL. The root's angular velocity includes
 * the turn rate. */
void ami_reference_sample(const ami_reference *reference, double ahead, double pose[AMI_POSE],
                          double vel[AMI_VEL]);

/* Advances by dt seconds. The frame turns about the reference root, whose position therefore does not jump.
 * When a cycle of a loop ends, the frame is moved so that the reference root is over `body` (m, world), as in
 * DeepMimic; then it returns true. */
bool ami_reference_advance(ami_reference *reference, double dt, const double body[2]);

/* Turns the frame by `angle` rad about the reference root. */
void ami_reference_turn(ami_reference *reference, double angle);

/* Changes to another clip, at its `time` and at `rate`. Pose and velocity are continuous and reach those of
 * the new clip within `blend` seconds (> 0). The heading does not change. */
void ami_reference_change(ami_reference *reference, const ami_clip *clip, double time, double rate,
                          double blend);

/* The clip's phase, [0, 1). */
double ami_reference_phase(const ami_reference *reference);

#endif
