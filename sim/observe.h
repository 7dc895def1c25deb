/* What a policy sees: DeepMimic's 197 numbers (2018 layout), in DeepMimic's axes whatever the world's.
 *
 *   0              phase in [0, 1)
 *   1              height of the root, m
 *   2 + 7 i        body i (order of sim/character.h): centre of mass minus the root joint (3, m), quaternion
 *                  wxyz with w >= 0 (4)
 *   107 + 6 i      linear velocity of the centre of mass (3, m/s), angular velocity (3, rad/s)
 *
 * Positions, quaternions and velocities are in the heading frame: origin at the root's ground projection, x
 * along the root's horizontal forward direction, y up, z right. The root's own quaternion and velocities are
 * in the reference's frame instead (its heading, the same axes): DeepMimic's RecordWorldRootRot, made
 * steerable. Without it the policy cannot see that it is off course. */
#ifndef AMI_SIM_OBSERVE_H
#define AMI_SIM_OBSERVE_H

#include "sim/world.h"

enum { AMI_OBS = 197, AMI_GOAL = 49, AMI_OBS_MAX = AMI_OBS + AMI_GOAL };

void ami_observe(const ami_state *state, double phase, double reference_heading, float obs[AMI_OBS]);

/* What the reference wants, for policies that follow many motions: one clip is known by heart from its phase,
 * but which of many is followed, and how far the body is from it, no one could tell from the 197 numbers.
 * DeepMimic calls such an input a goal and appends it to the state (section 5; there a heading, a target, or
 * which clip). Same axes; the frame is the reference's heading.
 *
 *   0    from the body's root to the reference's (3, m)
 *   3    the reference root's linear velocity (3, m/s)
 *   6    its quaternion wxyz with w >= 0 (4)
 *   10   its angular velocity (3, rad/s)
 *   13   pose that is the PD target where the action is zero: the joints of motion/clip.h, quaternions with w
 *        >= 0, angles in rad (36)
 *
 * reference: now; target: AMI_POSE numbers, the root's unused. */
void ami_observe_goal(const ami_state *body, const ami_state *reference, double reference_heading,
                      const double target[AMI_POSE], float goal[AMI_GOAL]);

#endif
