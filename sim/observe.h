/* Observations: DeepMimic's 197 numbers (2018 layout), in DeepMimic's axes, not the world's.
 *
 *   0              phase in [0, 1)
 *   1              height of the root, m
 *   2 + 7 i        body i (order of sim/character.h): centre of mass minus the root joint (3, m), quaternion
 *                  wxyz with w >= 0 (4)
 *   107 + 6 i      linear velocity of the centre of mass (3, m/s), angular velocity (3, rad/s)
 *
 * Positions, quaternions and velocities are in the heading frame: origin at the root's ground projection, x
 * along the root's horizontal forward direction, y up, z right. The root's own quaternion and velocities are
 * in the reference's frame instead (its heading, the same axes): DeepMimic's RecordWorldRootRot with a
 * steerable frame. Without it the policy cannot observe its deviation from the reference's heading. */
#ifndef AMI_SIM_OBSERVE_H
#define AMI_SIM_OBSERVE_H

#include "sim/world.h"

enum { AMI_OBS = 197, AMI_GOAL = 49, AMI_OBS_MAX = AMI_OBS + AMI_GOAL };

void ami_observe(const ami_state *state, double phase, double reference_heading, float obs[AMI_OBS]);

/* The goal: the reference's state and next PD target, for policies that follow many motions. A policy of one
 * clip can learn the reference from the phase; with many motions the 197 numbers determine neither the motion
 * nor the body's distance from it. DeepMimic appends such a goal to the state, too (section 5: a heading, a
 * target, or the clip). Same axes; the frame is the reference's heading.
 *
 *   0    from the body's root to the reference's (3, m)
 *   3    the reference root's linear velocity (3, m/s)
 *   6    its quaternion wxyz with w >= 0 (4)
 *   10   its angular velocity (3, rad/s)
 *   13   PD target of a zero residual action: the joints of motion/clip.h, quaternions with w >= 0, angles in
 *        rad (36)
 *
 * reference: its state now. target: AMI_POSE numbers; those of the root are not used. */
void ami_observe_goal(const ami_state *body, const ami_state *reference, double reference_heading,
                      const double target[AMI_POSE], float goal[AMI_GOAL]);

#endif
